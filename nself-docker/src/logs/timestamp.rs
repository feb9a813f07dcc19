//! The time that an engine puts before each line: `2026-01-31T12:00:00.123456789Z `.

use nself_realtime::NanoTimestamp;

/// Splits the time off a line. `None` if the line does not begin with one.
pub(crate) fn split_time(line: &[u8]) -> Option<(NanoTimestamp, &[u8])> {
    let space = line.iter().take(LONGEST + 1).position(|byte| *byte == b' ')?;
    let (time, rest) = line.split_at_checked(space)?;
    let time = std::str::from_utf8(time).ok()?.parse().ok()?;
    Some((time, rest.get(1..)?))
}

/// `2026-01-31T12:00:00.123456789+00:00`
const LONGEST: usize = 35;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_split_from_the_text() {
        let (time, rest) = split_time(b"2026-01-31T12:00:00.000000001Z two words").unwrap();
        assert_eq!(time.to_string(), "2026-01-31T12:00:00.000000001Z");
        assert_eq!(rest, b"two words");
    }

    #[test]
    fn a_line_without_a_time_is_told() {
        for line in [&b"no time here"[..], b"", b"2026-01-31T12:00:00Z", b"\xff\xff \xff"] {
            assert!(split_time(line).is_none());
        }
    }
}
