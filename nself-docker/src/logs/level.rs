//! How bad a line says it is. Fields first, then prefixes, then a lone word in capitals; where two
//! of one rank disagree, nobody knows. A word in running text is no level: "0 errors" is good news.

use std::borrow::Cow;
use std::fmt;

use nself_realtime::event::Level;
use serde::Deserialize;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::ansi::without_colours;

/// Finds the level of a cleaned line.
pub(crate) fn level_of(line: &str) -> Option<Level> {
    let line = head(line);
    let line: Cow<'_, str> =
        if line.contains('\u{1b}') { without_colours(line).into() } else { line.into() };
    let line = line.trim_start();
    json_level(line)
        .or_else(|| field_level(line))
        .or_else(|| prefix_level(line))
        .or_else(|| bracket_level(line))
        .or_else(|| capitals_level(line))
}

/// Whether a line continues the one before it: a step of a stack trace, a cause, an indented detail.
pub(crate) fn is_continuation(line: &str) -> bool {
    line.starts_with([' ', '\t'])
        || CONTINUATIONS.iter().any(|beginning| line.starts_with(beginning))
}

/// The part of a line that is looked at.
fn head(line: &str) -> &str {
    line.get(..line.floor_char_boundary(LOOKED_AT)).unwrap_or(line)
}

/// What a line of JSON says of its level, under each of the names that there are for it.
#[derive(Default)]
struct JsonLine<'a> {
    level: Option<&'a RawValue>,
    lvl: Option<&'a RawValue>,
    severity: Option<&'a RawValue>,
    log_level: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum JsonName {
    Level,
    Lvl,
    Severity,
    #[serde(rename = "log.level")]
    LogLevel,
    #[serde(other)]
    Other,
}

impl<'de> Visitor<'de> for &mut JsonLine<'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    /// Keeps what it has found when the line ends in its midst.
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(name) = fields.next_key()? {
            let slot = match name {
                JsonName::Level => &mut self.level,
                JsonName::Lvl => &mut self.lvl,
                JsonName::Severity => &mut self.severity,
                JsonName::LogLevel => &mut self.log_level,
                JsonName::Other => {
                    fields.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *slot = fields.next_value()?;
        }
        Ok(())
    }
}

fn json_level(line: &str) -> Option<Level> {
    if !line.starts_with('{') {
        return None;
    }
    let mut fields = JsonLine::default();
    let mut json = serde_json::Deserializer::from_str(line);
    let read = json.deserialize_map(&mut fields).and_then(|()| json.end());
    // Of a long line the head alone is looked at.
    if read.is_err_and(|error| !error.is_eof()) {
        return None;
    }
    let value = fields.level.or(fields.lvl).or(fields.severity).or(fields.log_level)?.get();
    match value.parse::<u32>() {
        Ok(number) => numbered(number),
        Err(_) => word(value.trim_matches('"')),
    }
}

/// Pino's and bunyan's numbers.
fn numbered(number: u32) -> Option<Level> {
    Some(match number {
        10..20 => Level::Trace,
        20..30 => Level::Debug,
        30..40 => Level::Info,
        40..50 => Level::Warn,
        50..60 => Level::Error,
        60..=100 => Level::Fatal,
        _ => return None,
    })
}

/// `level=warn`, `lvl="error"`, anywhere in the line.
fn field_level(line: &str) -> Option<Level> {
    let mut found = None;
    for (at, _) in line.match_indices('=') {
        let (before, after) = line.split_at(at);
        let rest = ["level", "lvl", "severity"].iter().find_map(|name| before.strip_suffix(name));
        // The end of another name, such as `sublevel`, says nothing.
        if rest.is_none_or(|rest| !rest.is_empty() && !rest.ends_with([' ', '\t', ','])) {
            continue;
        }
        let value = after.trim_start_matches('=').trim_start_matches('"');
        let end = value.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(value.len());
        if !agree(&mut found, value.get(..end).and_then(word)?) {
            return None;
        }
    }
    found
}

/// `<3>` of syslog, `I0131` of klog, `ERROR:` and `error:` at the beginning.
fn prefix_level(line: &str) -> Option<Level> {
    if let Some((number, _)) = line.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        let priority: u16 = number.parse().ok().filter(|number| *number < 192)?;
        return Some(match priority % 8 {
            0..=2 => Level::Fatal,
            3 => Level::Error,
            4 => Level::Warn,
            5 | 6 => Level::Info,
            _ => Level::Debug,
        });
    }
    if let Some(level) = klog(line.as_bytes()) {
        return Some(level);
    }
    let (beginning, _) = line.split_once(':')?;
    word(beginning)
}

fn klog(line: &[u8]) -> Option<Level> {
    let [letter, digits @ ..] = line else { return None };
    let (date, after) = digits.split_at_checked(4)?;
    if !date.iter().all(u8::is_ascii_digit) || after.first() != Some(&b' ') {
        return None;
    }
    Some(match letter {
        b'I' => Level::Info,
        b'W' => Level::Warn,
        b'E' => Level::Error,
        b'F' => Level::Fatal,
        _ => return None,
    })
}

/// `[WARN]`, `[error]`, in any case.
fn bracket_level(line: &str) -> Option<Level> {
    let mut found = None;
    for part in line.split('[').skip(1).take(BRACKETS) {
        let level = part.split_once(']').and_then(|(inside, _)| word(inside.trim()));
        if let Some(level) = level
            && !agree(&mut found, level)
        {
            return None;
        }
    }
    found
}

/// A lone word in capitals: ` INFO `, ` ERROR:`.
fn capitals_level(line: &str) -> Option<Level> {
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut found, mut end) = (None, 0);
    // By bytes, for each line comes here; only beside capitals it matters what else is a letter.
    for capitals in line.as_bytes().split(|byte| !byte.is_ascii_uppercase()) {
        let start = end;
        end = start + capitals.len() + 1;
        if capitals.len() < 3 {
            continue;
        }
        let (before, rest) = line.split_at(start);
        let (capitals, after) = rest.split_at(capitals.len());
        if !before.ends_with(is_of_word)
            && !after.starts_with(is_of_word)
            && let Some(level) = word(capitals)
            && !agree(&mut found, level)
        {
            return None;
        }
    }
    found
}

/// Notes a level; false if it contradicts one that was found before.
fn agree(found: &mut Option<Level>, level: Level) -> bool {
    *found.get_or_insert(level) == level
}

fn word(text: &str) -> Option<Level> {
    WORDS.iter().find(|(word, _)| text.eq_ignore_ascii_case(word)).map(|(_, level)| *level)
}

const WORDS: [(&str, Level); 22] = [
    ("info", Level::Info),
    ("error", Level::Error),
    ("warn", Level::Warn),
    ("warning", Level::Warn),
    ("debug", Level::Debug),
    ("trace", Level::Trace),
    ("fatal", Level::Fatal),
    ("notice", Level::Info),
    ("information", Level::Info),
    ("informational", Level::Info),
    // PostgreSQL's word for an ordinary message.
    ("log", Level::Info),
    ("err", Level::Error),
    ("eror", Level::Error),
    ("severe", Level::Error),
    ("critical", Level::Fatal),
    ("crit", Level::Fatal),
    ("alert", Level::Fatal),
    ("emerg", Level::Fatal),
    ("panic", Level::Fatal),
    ("verbose", Level::Debug),
    ("dbg", Level::Debug),
    ("wrn", Level::Warn),
];

const CONTINUATIONS: [&str; 4] = ["Caused by: ", "Traceback (", "During handling of ", "... "];

/// How many bytes of a line are looked at.
const LOOKED_AT: usize = 4_096;

/// How many pairs of brackets are looked into.
const BRACKETS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_known_programs_say_their_level() {
        for (line, level) in [
            (r#"{"time":1,"level":"warn","msg":"slow"}"#, Level::Warn),
            (r#"{"level":50,"time":1,"msg":"pino"}"#, Level::Error),
            (r#"{"severity":"CRITICAL","message":"x"}"#, Level::Fatal),
            (r#"{"level":null,"severity":"error"}"#, Level::Error),
            (r#"ts=2026-01-31T12:00:00Z level=error msg="no INFO here""#, Level::Error),
            (r#"time="2026-01-31" level="debug" msg=x"#, Level::Debug),
            ("I0131 12:00:00.000000       1 server.go:10] up", Level::Info),
            ("E0131 12:00:00.000000       1 server.go:10] down", Level::Error),
            ("<3>kernel: broken", Level::Error),
            ("2026-01-31 12:00:00.000 UTC [27] LOG:  checkpoint complete", Level::Info),
            ("2026-01-31 12:00:00.000 UTC [27] FATAL:  role \"x\" does not exist", Level::Fatal),
            ("2026/01/31 12:00:00 [error] 7#7: *1 connect() failed", Level::Error),
            ("2026-01-31T12:00:00Z  INFO shop::web: listening", Level::Info),
            ("\x1b[2m2026-01-31\x1b[0m \x1b[33m WARN\x1b[0m hyper: late", Level::Warn),
            ("12:00:00.000 [main] DEBUG com.example.App - x", Level::Debug),
            ("warning: unused variable", Level::Warn),
            ("Error: Cannot find module 'x'", Level::Error),
        ] {
            assert_eq!(level_of(line), Some(level), "{line}");
        }
    }

    #[test]
    fn running_text_says_nothing() {
        for line in [
            "Finished with 0 errors",
            "no error: all is well",
            "information about warnings",
            "GET /errors/NO_ERROR 200",
            "sublevel=error x.lvl=warn",
            "ERRORS 7ERROR ERROR7 ÄERROR ERRORÄ _ERROR Error",
            "",
            "{\"level\":true}",
            "{not json",
        ] {
            assert_eq!(level_of(line), None, "{line}");
        }
    }

    #[test]
    fn contradicting_words_of_one_rank_say_nothing() {
        assert_eq!(level_of("switching from INFO to ERROR"), None);
        assert_eq!(level_of("[info] or [warn]"), None);
    }

    #[test]
    fn a_field_outranks_a_word() {
        assert_eq!(level_of("at=1,lvl=warn ERROR"), Some(Level::Warn));
        assert_eq!(level_of("level=info msg=\"ERROR was fixed\""), Some(Level::Info));
    }

    #[test]
    fn only_the_head_of_a_line_is_looked_at() {
        let line = format!("{} ERROR", "ä".repeat(LOOKED_AT));
        assert_eq!(level_of(&line), None);
    }

    #[test]
    fn a_long_line_of_json_has_the_level_at_its_head() {
        let long = "x".repeat(LOOKED_AT);
        let first = format!(r#"{{"level":"error","msg":"{long}"}}"#);
        assert_eq!(level_of(&first), Some(Level::Error));
        let within =
            format!(r#"{{"time":1,"of":{{"level":"warn"}},"severity":"info","m":["{long}"]}}"#);
        assert_eq!(level_of(&within), Some(Level::Info));
        let last = format!(r#"{{"msg":"{long}","level":"error"}}"#);
        assert_eq!(level_of(&last), None);
        assert_eq!(level_of(r#"{"level":"error"} of something"#), None, "no JSON");
    }

    #[test]
    fn steps_of_a_stack_trace_continue() {
        for line in
            ["    at main (app.js:1)", "\tat com.example.App", "Caused by: x", "... 12 more"]
        {
            assert!(is_continuation(line), "{line}");
        }
        assert!(!is_continuation("next line"));
    }
}
