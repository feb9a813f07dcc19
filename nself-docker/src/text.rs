//! Texts from containers and engines, cut to what an event may hold; digests as text.

use std::fmt::Write as _;

/// The beginning of a text: at most so many bytes, and whole characters.
pub(crate) fn at_most(text: &str, bytes: usize) -> String {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text).to_owned()
}

/// Bytes as hexadecimal digits, two each.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut digits, byte| {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_two_digits_each() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
    }

    #[test]
    fn characters_stay_whole() {
        assert_eq!(at_most("aäb", 2), "a");
        assert_eq!(at_most("aäb", 3), "aä");
        assert_eq!(at_most("ab", 9), "ab");
    }
}
