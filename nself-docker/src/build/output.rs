//! Output as it comes, in pieces, made lines: free of what a terminal would obey, and not longer than an
//! event may hold.

use std::collections::VecDeque;

use crate::logs::clean;
use crate::text::at_most;

/// Makes lines of pieces.
#[derive(Debug, Default)]
pub(super) struct Lines {
    rest: String,
}

impl Lines {
    /// Takes a piece and gives back the lines that it completes.
    pub(super) fn handle(&mut self, piece: &str) -> Vec<String> {
        self.rest.push_str(piece);
        let mut lines = Vec::new();
        while let Some((line, rest)) = self.rest.split_once('\n') {
            lines.push(line_of(line));
            self.rest = rest.to_owned();
        }
        if self.rest.len() > LONGEST_LINE {
            lines.push(line_of(&std::mem::take(&mut self.rest)));
        }
        lines
    }

    /// What is left at the end.
    pub(super) fn finish(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.rest);
        (!rest.is_empty()).then(|| line_of(&rest))
    }
}

/// Of what was overwritten in place, as progress is, the last is shown.
fn line_of(text: &str) -> String {
    let text = text.trim_end_matches('\r');
    let last = text.rsplit('\r').next().unwrap_or(text);
    at_most(&clean(last.as_bytes()), LONGEST_LINE)
}

/// How many bytes a line has as JSON, at most.
pub(super) fn encoded_len(line: &str) -> usize {
    let of = |c: char| match c {
        '"' | '\\' => 2,
        c if c < ' ' => 6,
        c => c.len_utf8(),
    };
    line.chars().map(of).sum::<usize>() + 3
}

/// The last lines of something.
#[derive(Debug, Default)]
pub(super) struct Tail(VecDeque<String>);

impl Tail {
    pub(super) fn push(&mut self, line: String) {
        if self.0.len() == LINES_TOLD {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.0.into()
    }
}

const LONGEST_LINE: usize = 8 * 1024;

/// How many lines a failure quotes.
pub(super) const LINES_TOLD: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_lines_without_what_a_terminal_would_obey() {
        let mut lines = Lines::default();
        assert_eq!(lines.handle("Step 1"), Vec::<String>::new());
        assert_eq!(lines.handle("/2\n10 %\r20 %\r\n\u{1b}[2J\u{1b}[31mred"), ["Step 1/2", "20 %"]);
        assert_eq!(lines.finish().as_deref(), Some("\u{1b}[31mred"));
        assert_eq!(lines.finish(), None);
    }

    #[test]
    fn a_line_that_does_not_end_is_cut() {
        let mut lines = Lines::default();
        assert_eq!(lines.handle(&"x".repeat(LONGEST_LINE)).len(), 0);
        let cut = lines.handle("xx\n");
        assert_eq!(cut.iter().map(String::len).collect::<Vec<_>>(), [LONGEST_LINE]);
    }

    #[test]
    fn the_length_as_json_is_not_underestimated() {
        for line in ["", "plain", "a\"b\\c", "\u{1b}[31mred\t", "äöü€"] {
            let json = serde_json::to_string(line).unwrap();
            assert!(encoded_len(line) > json.len(), "{line:?}");
        }
    }
}
