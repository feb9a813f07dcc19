//! Texts from containers and engines, cut to what an event may hold.

/// The beginning of a text: at most so many bytes, and whole characters.
pub(crate) fn at_most(text: &str, bytes: usize) -> String {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_stay_whole() {
        assert_eq!(at_most("aäb", 2), "a");
        assert_eq!(at_most("aäb", 3), "aä");
        assert_eq!(at_most("ab", 9), "ab");
    }
}
