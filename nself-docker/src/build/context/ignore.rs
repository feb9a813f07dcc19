//! `.dockerignore`: which files of a folder are not sent. The rules are those of Docker's own matcher
//! (`moby/patternmatcher`), not Git's: patterns begin at the root of the context, `!` takes files back in,
//! the last line that matches decides, and what lies below a folder that matches, matches too.

use regex::Regex;

/// The lines of a `.dockerignore`.
#[derive(Debug, Default)]
pub(super) struct Ignore {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    /// Of the path or of one of the folders that it lies in.
    pattern: Regex,
    includes: bool,
}

/// A line of a `.dockerignore` that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text} is no pattern")]
pub(super) struct BadPattern {
    pub(super) line: usize,
    text: String,
}

impl Ignore {
    /// Reads the text of a `.dockerignore`.
    pub(super) fn parse(text: &str) -> Result<Self, BadPattern> {
        let lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines();
        let mut rules = Vec::new();
        for (number, line) in (1..).zip(lines) {
            // Only a `#` at the very beginning makes a comment.
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            let bad = || BadPattern { line: number, text: line.to_owned() };
            let line = line.trim();
            let (pattern, includes) = match line.strip_prefix('!') {
                Some(rest) => (rest.trim(), true),
                None => (line, false),
            };
            let pattern = cleaned(pattern);
            if pattern.is_empty() {
                if includes {
                    return Err(bad());
                }
                // The root itself, which is always sent.
                continue;
            }
            let pattern = expression(&pattern).and_then(|text| Regex::new(&text).ok());
            rules.push(Rule { pattern: pattern.ok_or_else(bad)?, includes });
        }
        Ok(Self { rules })
    }

    /// Whether a path, relative to the context and with `/` between its parts, is left out.
    pub(super) fn excludes(&self, path: &str) -> bool {
        let last = self.rules.iter().rev().find(|rule| rule.pattern.is_match(path));
        last.is_some_and(|rule| !rule.includes)
    }

    /// Whether something below a folder that is left out may be sent all the same.
    pub(super) fn takes_back(&self) -> bool {
        self.rules.iter().any(|rule| rule.includes)
    }
}

/// A pattern without `.`, `..` and needless slashes, as Go's `filepath.Clean` makes it; it cannot lead
/// out of the context.
fn cleaned(pattern: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The pattern as a regular expression; `None` if a bracket or an escape is open.
fn expression(pattern: &str) -> Option<String> {
    let mut text = String::from("(?s)^");
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' if rest.next_if_eq(&'*').is_some() => {
                // Any number of folders, also none.
                if rest.next_if_eq(&'/').is_some() {
                    text.push_str("(.*/)?");
                } else {
                    text.push_str(".*");
                }
            }
            '*' => text.push_str("[^/]*"),
            '?' => text.push_str("[^/]"),
            '\\' => text.push_str(&regex::escape(&rest.next()?.to_string())),
            '[' => text.push_str(&class(&mut rest)?),
            c => text.push_str(&regex::escape(&c.to_string())),
        }
    }
    text.push_str("(/.*)?$");
    Some(text)
}

/// What stands between brackets, as Go's `filepath.Match` reads it: one character, never a slash.
fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut text = String::from("[");
    if rest.next_if_eq(&'^').is_some() {
        text.push_str("^/");
    }
    let mut empty = true;
    loop {
        match rest.next()? {
            ']' if !empty => break,
            '-' if !empty && rest.peek() != Some(&']') => text.push('-'),
            '\\' => text.push_str(&escaped(rest.next()?)),
            c => text.push_str(&escaped(c)),
        }
        empty = false;
    }
    text.push(']');
    Some(text)
}

/// A character that means itself between brackets.
fn escaped(c: char) -> String {
    if c.is_ascii_punctuation() { format!("\\{c}") } else { c.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excluded(text: &str, paths: &[&str]) -> Vec<bool> {
        let ignore = Ignore::parse(text).unwrap();
        paths.iter().map(|path| ignore.excludes(path)).collect()
    }

    #[test]
    fn patterns_begin_at_the_root_and_hold_for_what_lies_below() {
        let paths = ["log", "log/a/b", "src/log", "logs", "log.txt"];
        for pattern in ["log", "/log", "./log/", "log//", "a/../log", "../log"] {
            assert_eq!(excluded(pattern, &paths), [true, true, false, false, false], "{pattern}");
        }
    }

    #[test]
    fn stars_stay_in_a_folder_and_two_of_them_do_not() {
        assert_eq!(excluded("*.md", &["a.md", "docs/a.md", "a.mdx"]), [true, false, false]);
        assert_eq!(excluded("*/*.md", &["a.md", "docs/a.md", "x/y/a.md"]), [false, true, false]);
        let deep = ["a.md", "docs/a.md", "x/y/a.md", "a.txt"];
        assert_eq!(excluded("**/*.md", &deep), [true, true, true, false]);
        assert_eq!(excluded("**", &["a", "a/b"]), [true, true]);
        assert_eq!(excluded("a/**", &["a", "a/b", "a/b/c", "ab"]), [false, true, true, false]);
        assert_eq!(excluded("a?c", &["abc", "a/c", "ac"]), [true, false, false]);
    }

    #[test]
    fn what_others_read_as_an_operator_means_itself() {
        assert_eq!(excluded("a{b,c}.d", &["a{b,c}.d", "ab.d", "a{b,c}xd"]), [true, false, false]);
        assert_eq!(excluded(r"\!a", &["!a", "a"]), [true, false]);
        assert_eq!(excluded(" # no", &["# no"]), [true]);
        assert_eq!(excluded("a(b)+$", &["a(b)+$"]), [true]);
    }

    #[test]
    fn brackets_stand_for_one_character() {
        let paths = ["a1", "a5", "ax", "a/"];
        assert_eq!(excluded("a[1-3x]", &paths), [true, false, true, false]);
        assert_eq!(excluded("a[^1]", &paths), [false, true, true, false]);
        assert_eq!(excluded("a[&&.]", &["a&", "a.", "ab"]), [true, true, false]);
    }

    #[test]
    fn the_last_line_that_matches_decides() {
        let text = "# all but the readme\n*.md\n!README*.md\nREADME-secret.md\n\n";
        let paths = ["a.md", "README.md", "README-secret.md"];
        assert_eq!(excluded(text, &paths), [true, false, true]);
        assert_eq!(
            excluded("src\n!src/keep", &["src/a", "src/keep", "src/keep/b"]),
            [true, false, false]
        );
        assert!(Ignore::parse(text).unwrap().takes_back());
        assert!(!Ignore::parse("a").unwrap().takes_back());
    }

    #[test]
    fn what_is_no_pattern_is_told_with_its_line() {
        for (text, line) in [("a\n[b", 2), ("!", 1), ("a\\", 1), ("[b-", 1)] {
            assert_eq!(Ignore::parse(text).unwrap_err().line, line, "{text}");
        }
    }
}
