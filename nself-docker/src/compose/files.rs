//! Which files a project has, and their text.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::report::Report;
use super::{ProblemKind, paths::Ground};

/// The names that a Compose file may have, the preferred one first.
const NAMES: [(&str, &str); 4] = [
    ("compose.yaml", "compose.override.yaml"),
    ("compose.yml", "compose.override.yml"),
    ("docker-compose.yaml", "docker-compose.override.yaml"),
    ("docker-compose.yml", "docker-compose.override.yml"),
];

/// The Compose file of a folder and the one that overrides it, by name; that there is none is reported.
pub(super) fn find(report: &mut Report, ground: &Ground) -> Vec<&'static str> {
    let exists = |name: &&str| ground.dir.join(name).exists();
    let mains: Vec<&str> = NAMES.iter().map(|(main, _)| *main).filter(exists).collect();
    let overrides: Vec<&str> = NAMES.iter().map(|(_, over)| *over).filter(exists).collect();
    for found in [&mains, &overrides] {
        if let [first, others @ ..] = found.as_slice()
            && !others.is_empty()
        {
            let message = format!("{first} is used and {} is not: remove one", others.join(", "));
            report.warn_file(ProblemKind::NoProject, Some(first), message);
        }
    }
    let Some(main) = mains.first() else {
        let names: Vec<_> = NAMES.iter().map(|(main, _)| *main).collect();
        let message =
            format!("there is no Compose file in this folder: create one of {}", names.join(", "));
        report.refuse_file(ProblemKind::NoProject, None, None, message);
        return Vec::new();
    };
    std::iter::once(*main).chain(overrides.first().copied()).collect()
}

/// The text of a regular file of at most 1 MiB.
///
/// # Errors
///
/// Why it cannot be read, in words that say what is wrong with it.
pub(super) fn read_text(path: &Path) -> io::Result<String> {
    // Looked at before it is opened: opening a pipe waits for a writer.
    let invalid = |message: &str| io::Error::new(io::ErrorKind::InvalidData, message.to_owned());
    if !std::fs::metadata(path)?.is_file() {
        return Err(invalid("it is no regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(invalid("it is larger than 1 MiB"));
    }
    String::from_utf8(bytes).map_err(|_| invalid("it is not UTF-8"))
}

const MAX_BYTES: u64 = 1024 * 1024;
