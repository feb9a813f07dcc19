//! Numbers without quotes, where text is meant: Compose decodes them first and prints what it got, so
//! `0755` becomes `493` and `1.10` becomes `1.1`.

/// A number of a YAML file as Compose prints it; `None` if Compose takes the text for no number.
pub(super) fn as_compose_prints(written: &str) -> Option<String> {
    let plain = written.replace('_', "");
    if let Some(whole) = whole(&plain) {
        return Some(whole);
    }
    if plain.trim_start_matches(['+', '-']).starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return plain.parse::<f64>().ok().filter(|value| value.is_finite()).map(float);
    }
    None
}

fn whole(plain: &str) -> Option<String> {
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", plain.strip_prefix('+').unwrap_or(plain)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    Some(if value == 0 { "0".to_owned() } else { format!("{sign}{value}") })
}

/// As Go prints it: with an exponent below 10⁻⁴ and from 10²¹ on.
fn float(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-4..1e21).contains(&size) {
        return format!("{value}");
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => match exponent.strip_prefix('-') {
            Some(exponent) => format!("{digits}e-{exponent:0>2}"),
            None => format!("{digits}e+{exponent:0>2}"),
        },
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::as_compose_prints;

    #[test]
    fn a_number_is_what_compose_decodes_and_prints() {
        for (written, printed) in [
            ("3000", "3000"),
            ("0755", "493"),
            ("0o17", "15"),
            ("0x1F", "31"),
            ("0b101", "5"),
            ("08", "8"),
            ("1.10", "1.1"),
            ("1_000", "1000"),
            ("1e3", "1000"),
            ("1e21", "1e+21"),
            ("0.00001", "1e-05"),
            ("+5", "5"),
            ("-0", "0"),
            ("-12", "-12"),
            (".5", "0.5"),
            ("123456789012345678901234567890", "1.2345678901234568e+29"),
        ] {
            assert_eq!(as_compose_prints(written).as_deref(), Some(printed), "{written}");
        }
        assert_eq!(as_compose_prints("0x"), None);
        assert_eq!(as_compose_prints("inf"), None);
    }
}
