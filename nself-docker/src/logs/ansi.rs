//! Removes from a line what a terminal would obey, colours apart. Text from a container can then be
//! shown, copied and printed without doing anything.

use vte::{Params, Parser, Perform};

/// Cleans a line and decodes it: colours stay, invalid UTF-8 becomes U+FFFD, control characters
/// without an effect are shown as their pictures (`␁`).
pub(crate) fn clean(line: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(line)
        && (is_plain_ascii(line) || !text.chars().any(|c| c.is_control() && c != '\t'))
    {
        return text.to_owned();
    }
    let mut cleaned = Cleaned { text: String::with_capacity(line.len()) };
    let mut parser = Parser::new();
    parser.advance(&mut cleaned, line);
    // A character that is cut off at the end is still inside the parser; a newline brings it out.
    parser.advance(&mut cleaned, b"\n");
    cleaned.text
}

/// Looks at every byte, which is faster than to stop at the first that is not.
fn is_plain_ascii(line: &[u8]) -> bool {
    line.iter().fold(true, |plain, &byte| plain & matches!(byte, b' '..=b'~' | b'\t'))
}

/// The same text without its colours.
pub(crate) fn without_colours(cleaned: &str) -> String {
    let mut text = String::with_capacity(cleaned.len());
    let mut rest = cleaned;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        text.push_str(before);
        // In a cleaned line an escape begins a colour, and a colour ends with m.
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text
}

struct Cleaned {
    text: String,
}

impl Perform for Cleaned {
    fn print(&mut self, c: char) {
        // Delete comes as if it were a character.
        if !c.is_control() {
            self.text.push(c);
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\t' => self.text.push('\t'),
            // Bell, backspace, line ends, shifts, cancel and substitute: terminals obey these.
            0x07..=0x0f | 0x18 | 0x1a => {}
            0x00..0x20 => self.text.extend(char::from_u32(0x2400 + u32::from(byte))),
            // The control characters above ASCII.
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
        if action != 'm' || ignore || !intermediates.is_empty() {
            return;
        }
        self.text.push_str("\u{1b}[");
        for (index, param) in params.iter().enumerate() {
            if index > 0 {
                self.text.push(';');
            }
            for (index, part) in param.iter().enumerate() {
                if index > 0 {
                    self.text.push(':');
                }
                self.text.push_str(&part.to_string());
            }
        }
        self.text.push('m');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_survive_as_they_are() {
        for line in ["\x1b[31mred\x1b[0m", "\x1b[1;38;5;208mx\x1b[0m", "\x1b[38:2:1:2:3my\x1b[0m"] {
            assert_eq!(clean(line.as_bytes()), line);
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_removed() {
        assert_eq!(clean(b"a\x1b[2Jb\x1b[10;5Hc"), "abc");
        assert_eq!(clean(b"a\x1b]0;title\x07b"), "ab");
        assert_eq!(clean(b"a\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\"), "alink");
        assert_eq!(clean(b"a\x1bPq#0\x1b\\b"), "ab");
        assert_eq!(clean(b"\x1bc\x07\x08x\x7f"), "x");
        assert_eq!(clean("a\u{9b}2Jb".as_bytes()), "a2Jb");
    }

    #[test]
    fn control_characters_without_effect_are_shown() {
        assert_eq!(clean(b"\x01a\x00b\tc"), "␁a␀b\tc");
    }

    #[test]
    fn invalid_text_is_replaced() {
        assert_eq!(clean(b"a\xffb"), "a\u{fffd}b");
        assert_eq!(clean(b"cut \xe2\x82"), "cut \u{fffd}");
    }

    #[test]
    fn a_sequence_that_never_ends_is_removed() {
        assert_eq!(clean(b"a\x1b[31"), "a");
        assert_eq!(clean(b"a\x1b]0;half a title"), "a");
    }

    #[test]
    fn plain_text_is_what_is_between_colours() {
        assert_eq!(without_colours("\x1b[1;31mERR\x1b[0m or"), "ERR or");
    }
}
