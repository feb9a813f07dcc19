//! Sizes, times and the like, from how people write them.

use std::time::Duration;

/// A text that is not what it should be. Displays as what it should be.
pub(super) type Wrong = String;

/// Bytes: a number with `b`, `k`, `m`, `g` or `t` (each 1,024 times the one before), also as `kb` or `kib`.
pub(super) fn bytes(text: &str) -> Result<u64, Wrong> {
    let wrong =
        || format!("{text:?} is no size: write bytes, or a number with b, k, m or g, such as 512m");
    let lower = text.trim().to_ascii_lowercase();
    let end = lower.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(lower.len());
    let (number, unit) = lower.split_at_checked(end).ok_or_else(wrong)?;
    let shift = match unit.trim_start() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err(wrong()),
    };
    let value = decimal(number, 1 << shift).ok_or_else(wrong)?;
    u64::try_from(value).ok().filter(|value| i64::try_from(*value).is_ok()).ok_or_else(wrong)
}

/// CPUs in billionths.
pub(super) fn nano_cpus(text: &str) -> Result<u64, Wrong> {
    decimal(text, 1_000_000_000)
        .and_then(|nanos| u64::try_from(nanos).ok())
        .filter(|nanos| (1..=MAX_CPUS * 1_000_000_000).contains(nanos))
        .ok_or_else(|| format!("{text:?} is no number of CPUs: write one such as 0.5"))
}

/// A time: numbers with `ns`, `us`, `ms`, `s`, `m`, `h`, `d` or `w`, such as `1m30s`.
pub(super) fn duration(text: &str) -> Result<Duration, Wrong> {
    let wrong = || format!("{text:?} is no time: write a number with ms, s, m or h, such as 1m30s");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut nanos = 0_u128;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, after) = rest.split_at_checked(digits).ok_or_else(wrong)?;
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(letters).ok_or_else(wrong)?;
        let scale = match unit {
            "ns" => 1,
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            "s" => SECOND,
            "m" => 60 * SECOND,
            "h" => 3_600 * SECOND,
            "d" => 86_400 * SECOND,
            "w" => 604_800 * SECOND,
            _ => return Err(wrong()),
        };
        nanos = decimal(number, scale).and_then(|n| nanos.checked_add(n)).ok_or_else(wrong)?;
        rest = after;
    }
    let nanos = i64::try_from(nanos).ok().and_then(|nanos| u64::try_from(nanos).ok());
    nanos.filter(|_| !text.is_empty()).map(Duration::from_nanos).ok_or_else(wrong)
}

/// Permission bits in octal. Compose has read a leading zero already where there are no quotes.
pub(super) fn mode(written: &str) -> Result<u32, Wrong> {
    let digits = written.strip_prefix("0o").unwrap_or(written);
    u32::from_str_radix(digits, 8)
        .ok()
        .filter(|mode| *mode <= 0o7777)
        .ok_or_else(|| format!("{written:?} are no permissions: write them in octal, such as 0440"))
}

/// A number with an optional fraction, times a scale, cut to a whole number.
fn decimal(number: &str, scale: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || fraction.len() > 18 {
        return None;
    }
    let parse = |digits: &str| {
        if digits.is_empty() {
            return Some(0);
        }
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<u64>().ok())?
    };
    let whole = u128::from(parse(whole)?).checked_mul(scale)?;
    let digits = u32::try_from(fraction.len()).ok()?;
    let part = u128::from(parse(fraction)?).checked_mul(scale)? / 10_u128.checked_pow(digits)?;
    whole.checked_add(part)
}

const SECOND: u128 = 1_000_000_000;
const MAX_CPUS: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{bytes, duration, mode, nano_cpus};

    #[test]
    fn sizes_count_by_1024() {
        for (text, expected) in [
            ("0", 0),
            ("512", 512),
            ("64b", 64),
            ("1k", 1_024),
            ("1kb", 1_024),
            ("1.5G", 1_610_612_736),
            ("512m", 536_870_912),
            ("2 GiB", 2_147_483_648),
        ] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "m", "1x", "-1", "1.2.3m", "99999999t", "1m2"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_those_of_go_and_days_and_weeks() {
        for (text, millis) in [
            ("0", 0),
            ("10s", 10_000),
            ("1m30s", 90_000),
            ("1.5h", 5_400_000),
            ("250ms", 250),
            ("1d", 86_400_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "10", "s", "-1s", "1 s", "1x", "300000w", "1s2"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn cpus_and_permissions_are_bounded() {
        assert_eq!(nano_cpus("0.5"), Ok(500_000_000));
        assert_eq!(nano_cpus("2"), Ok(2_000_000_000));
        assert!(nano_cpus("0").is_err() && nano_cpus("-1").is_err() && nano_cpus("x").is_err());
        assert_eq!(mode("0440"), Ok(0o440));
        assert_eq!(mode("0o1777"), Ok(0o1777));
        assert!(mode("9").is_err() && mode("77777").is_err());
    }
}
