//! Files of variables, as Compose reads `.env` and `env_file`: `KEY=value` lines, quotes, comments,
//! `export`, and variables in what is not in single quotes.

use std::collections::BTreeMap;

use super::interpolate::{InterpolateError, Interpolation};

/// What is wrong with a file of variables, and in which line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DotenvError {
    pub(super) line: u64,
    pub(super) kind: DotenvErrorKind,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DotenvErrorKind {
    #[error(
        "{0:?} is no name of a variable: write NAME=value, with letters, digits, dots, dashes and underscores"
    )]
    Name(String),
    #[error("the quote is never closed")]
    Unclosed,
    #[error("something follows the closing quote: leave a space and a # before a comment")]
    AfterQuote,
    #[error(transparent)]
    Variable(#[from] InterpolateError),
}

/// The variables of a file by name. `outside` is asked for variables that the file itself does not set
/// before they are used, and for the value of a name that stands alone.
pub(super) fn parse(
    text: &str,
    texts: &mut Interpolation,
    outside: &dyn Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, String>, DotenvError> {
    let mut variables = BTreeMap::new();
    let mut rest = Rest { text: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 };
    while let Some(line) = rest.next_statement() {
        let fail = |kind| DotenvError { line, kind };
        let (name, has_value) = rest.take_name().map_err(fail)?;
        if !has_value {
            if let Some(value) = outside(&name) {
                variables.insert(name, value);
            }
            continue;
        }
        let value = match rest.take_value().map_err(fail)? {
            Written::Literal(value) => value,
            Written::Template(template) => {
                let lookup = |name: &str| outside(name).or_else(|| variables.get(name).cloned());
                texts.fill(&template, &lookup).map_err(|error| fail(error.into()))?
            }
        };
        variables.insert(name, value);
    }
    Ok(variables)
}

/// A value as it stands in the file, without its quotes.
enum Written {
    Literal(String),
    Template(String),
}

/// What has not been read yet.
struct Rest<'t> {
    text: &'t str,
    line: u64,
}

impl<'t> Rest<'t> {
    /// Goes to where the next variable begins; says in which line that is.
    fn next_statement(&mut self) -> Option<u64> {
        loop {
            let trimmed = self.text.trim_start();
            self.skip_to(trimmed);
            if trimmed.starts_with('#') {
                self.take_line();
            } else {
                return (!trimmed.is_empty()).then_some(self.line);
            }
        }
    }

    fn skip_to(&mut self, rest: &'t str) {
        let skipped = self.text.len() - rest.len();
        self.count(self.text.get(..skipped).unwrap_or_default());
        self.text = rest;
    }

    fn count(&mut self, taken: &str) {
        self.line += taken.matches('\n').count() as u64;
    }

    fn take_line(&mut self) -> &'t str {
        let (line, rest) = self.text.split_once('\n').unwrap_or((self.text, ""));
        self.skip_to(rest);
        line.strip_suffix('\r').unwrap_or(line)
    }

    /// The name, and whether a value follows.
    fn take_name(&mut self) -> Result<(String, bool), DotenvErrorKind> {
        if let Some(rest) = self.text.strip_prefix("export").filter(|r| r.starts_with([' ', '\t']))
        {
            self.skip_to(rest.trim_start_matches([' ', '\t']));
        }
        let end = self.text.find(['=', ':', '\n']).unwrap_or(self.text.len());
        let (name, rest) = self.text.split_at_checked(end).unwrap_or((self.text, ""));
        let name = name.trim_end();
        let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if name.is_empty() || !name.chars().all(sound) {
            return Err(DotenvErrorKind::Name(self.text.lines().next().unwrap_or_default().into()));
        }
        let value = rest.strip_prefix(['=', ':']);
        self.skip_to(value.unwrap_or(rest).trim_start_matches([' ', '\t']));
        Ok((name.to_owned(), value.is_some()))
    }

    fn take_value(&mut self) -> Result<Written, DotenvErrorKind> {
        let Some(quote) = self.text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            let line = self.take_line();
            let comment = line.match_indices('#').find(|(index, _)| {
                *index == 0 || line.get(..*index).is_some_and(|b| b.ends_with([' ', '\t']))
            });
            let value = comment.and_then(|(index, _)| line.get(..index)).unwrap_or(line);
            return Ok(Written::Template(value.trim_end().to_owned()));
        };
        let inner = self.text.get(1..).unwrap_or_default();
        let end = closing_quote(inner, quote).ok_or(DotenvErrorKind::Unclosed)?;
        let value = inner.get(..end).unwrap_or_default();
        self.skip_to(inner.get(end + 1..).unwrap_or_default());
        let after = self.take_line().trim();
        if !after.is_empty() && !after.starts_with('#') {
            return Err(DotenvErrorKind::AfterQuote);
        }
        Ok(if quote == '\'' {
            Written::Literal(value.to_owned())
        } else {
            Written::Template(unescape(value))
        })
    }
}

fn closing_quote(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(index, c)| {
        let closes = c == quote && !escaped;
        escaped = quote == '"' && c == '\\' && !escaped;
        closes.then_some(index)
    })
}

/// What backslashes in double quotes stand for. One before a dollar makes it a dollar.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => plain.push('\n'),
            ('\\', Some('r')) => plain.push('\r'),
            ('\\', Some('t')) => plain.push('\t'),
            ('\\', Some('$')) => plain.push_str("$$"),
            ('\\', Some(other @ ('"' | '\\'))) => plain.push(other),
            ('\\', Some(other)) => plain.extend(['\\', other]),
            (c, _) => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{DotenvError, DotenvErrorKind, parse};
    use crate::compose::interpolate::Interpolation;

    fn read(text: &str) -> Result<Vec<(String, String)>, DotenvError> {
        let outside = |name: &str| (name == "HOME").then(|| "/root".to_owned());
        parse(text, &mut Interpolation::default(), &outside).map(|read| read.into_iter().collect())
    }

    #[test]
    fn each_form_of_a_line_is_read_as_compose_does() {
        for (line, expected) in [
            ("A=1", "1"),
            ("A = 1 ", "1"),
            ("A: 1", "1"),
            ("export A=1", "1"),
            ("A=", ""),
            ("A=a b # comment", "a b"),
            ("A=a#b", "a#b"),
            ("A=# comment", ""),
            ("A='$HOME # \\n'", "$HOME # \\n"),
            ("A=\"$HOME # \\n\\\"\\$x\" # c", "/root # \n\"$x"),
            ("A=${HOME}/x", "/root/x"),
            ("A=${NO:-d}", "d"),
            ("A=\"two\nlines\"", "two\nlines"),
            ("# first\n\n  A=1\r\n", "1"),
            ("A=a=b:c", "a=b:c"),
        ] {
            assert_eq!(read(line), Ok(vec![("A".to_owned(), expected.to_owned())]), "{line}");
        }
    }

    #[test]
    fn a_name_alone_takes_its_value_from_outside_or_is_left_out() {
        let home = ("HOME".to_owned(), "/root".to_owned());
        assert_eq!(read("HOME\nMISSING\n"), Ok(vec![home]));
    }

    #[test]
    fn later_lines_see_earlier_ones_and_what_is_outside_wins() {
        let read = read("A=1\nB=${A}2\nHOME=/x\nC=$HOME").unwrap();
        assert_eq!(read[1].1, "12");
        assert_eq!(read[2].1, "/root");
        assert_eq!(read[3].1, "/x");
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        for (text, line, kind) in [
            ("A=1\n\nB C=2", 3, DotenvErrorKind::Name("B C=2".to_owned())),
            ("A=\"x\ny\nz", 1, DotenvErrorKind::Unclosed),
            ("A=\"x\ny\"\nB='b' c", 3, DotenvErrorKind::AfterQuote),
        ] {
            assert_eq!(read(text), Err(DotenvError { line, kind }), "{text}");
        }
        let error = read("A=1\nB=${A").unwrap_err();
        assert_eq!(error.line, 2);
    }
}
