//! The audit log: who asked for what, from where, and what came of it. One line of JSON before something is done
//! and one after; one for an attempt to sign in. Lines are only ever added.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use nself_realtime::{Name, Timestamp};
use serde::Serialize;

use super::{StateDir, StateError, private};
use crate::access::Role;

const FILE: &str = "audit.log";

/// Who asks for something, from where.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Asker<'a> {
    /// Absent, if nobody is signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<Role>,
    /// Absent, if it is the terminal of this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<IpAddr>,
}

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    time: Timestamp,
    /// The same in both lines of one request; begins anew with the program.
    id: u64,
    #[serde(flatten)]
    asker: Asker<'a>,
    what: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'a str>,
}

/// The log.
#[derive(Debug)]
pub(crate) struct Audit {
    dir: StateDir,
    file: Mutex<File>,
    next: AtomicU64,
}

/// Something whose outcome is not written yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Intent<'a> {
    id: u64,
    asker: Asker<'a>,
    what: &'a str,
}

impl Audit {
    /// Opens the log. A line that was cut when the program was killed is ended, so that the next one is whole.
    ///
    /// # Errors
    ///
    /// [`StateError`]: it cannot be opened.
    pub(crate) fn open(dir: &StateDir) -> Result<Self, StateError> {
        let path = dir.file(FILE);
        let open = || {
            let mut file = private().create(true).read(true).append(true).open(&path)?;
            dir.give(&file)?;
            if ends_within_a_line(&mut file)? {
                file.write_all(b"\n")?;
            }
            Ok(file)
        };
        let file = open().map_err(|source| StateError::Write { path: path.clone(), source })?;
        Ok(Self { dir: dir.clone(), file: Mutex::new(file), next: AtomicU64::new(1) })
    }

    /// Writes down what is about to be done.
    ///
    /// # Errors
    ///
    /// [`StateError`]: it is not written down, and must not be done.
    pub(crate) fn intend<'a>(
        &self,
        time: Timestamp,
        asker: Asker<'a>,
        what: &'a str,
    ) -> Result<Intent<'a>, StateError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.write(&Line { time, id, asker, what, outcome: None })?;
        Ok(Intent { id, asker, what })
    }

    /// Writes down what came of it.
    ///
    /// # Errors
    ///
    /// [`StateError`]: it is done, and its outcome is not written down.
    pub(crate) fn conclude(
        &self,
        time: Timestamp,
        intent: Intent<'_>,
        outcome: &str,
    ) -> Result<(), StateError> {
        let Intent { id, asker, what } = intent;
        self.write(&Line { time, id, asker, what, outcome: Some(outcome) })
    }

    /// Writes down what has happened already.
    ///
    /// # Errors
    ///
    /// [`StateError`]: it is not written down.
    pub(crate) fn record(
        &self,
        time: Timestamp,
        asker: Asker<'_>,
        what: &str,
        outcome: &str,
    ) -> Result<(), StateError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.write(&Line { time, id, asker, what, outcome: Some(outcome) })
    }

    fn write(&self, line: &Line<'_>) -> Result<(), StateError> {
        let mut text = serde_json::to_vec(line).unwrap_or_default();
        text.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // One write: lines of several processes do not mix.
        file.write_all(&text)
            .map_err(|source| StateError::Write { path: self.dir.file(FILE), source })
    }
}

fn ends_within_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-01-31T12:00:00.000Z";

    #[test]
    fn a_request_has_a_line_before_and_a_line_after() {
        let parent = tempfile::tempdir().unwrap();
        let dir = StateDir::open(parent.path().to_owned()).unwrap();
        let audit = Audit::open(&dir).unwrap();
        let user = Name::new("admin").unwrap();
        let asker = Asker {
            user: Some(&user),
            role: Some(Role::Admin),
            from: Some("192.0.2.1".parse().unwrap()),
        };
        let now = NOW.parse().unwrap();
        let intent = audit.intend(now, asker, "POST /x").unwrap();
        audit.conclude(now, intent, "202").unwrap();
        let start = r#"{"time":"2026-01-31T12:00:00.000Z","id":1,"user":"admin","role":"admin","from":"192.0.2.1","what":"POST /x""#;
        let expected = format!("{start}}}\n{start},\"outcome\":\"202\"}}\n");
        assert_eq!(dir.read(FILE).unwrap().unwrap(), expected);
    }

    #[test]
    fn a_line_that_was_cut_is_ended() {
        let parent = tempfile::tempdir().unwrap();
        let dir = StateDir::open(parent.path().to_owned()).unwrap();
        dir.replace(FILE, "{\"time\":\"2026-").unwrap();
        let nobody = Asker { user: None, role: None, from: None };
        let audit = Audit::open(&dir).unwrap();
        audit.intend(NOW.parse().unwrap(), nobody, "token create").unwrap();
        let text = dir.read(FILE).unwrap().unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(serde_json::from_str::<serde_json::Value>(lines[1]).is_ok(), "{text}");
    }
}
