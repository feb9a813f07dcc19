//! A Compose file, an override and an `.env`, divided by lines of `%`: they are refused with a reason, or
//! read; what is read and printed means the same when it is read again.

#![no_main]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use nself_docker::compose::{self, LoadOptions, Rule};
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fuzz_target!(|bytes: &[u8]| {
    let dir = FOLDER.path();
    let names = ["compose.yaml", ".env", "compose.override.yaml"];
    let mut parts = bytes.split(|byte| *byte == b'%');
    for name in names {
        write(&dir.join(name), parts.next());
    }
    // Nothing forbidden, so that what is forbidden is read on.
    let options = LoadOptions::new().allow(Rule::ALL.iter().copied());
    match compose::load(dir, &LoadOptions::new()) {
        Ok(_) => {}
        Err(error) => assert!(!error.problems.is_empty()),
    }
    let Ok(loaded) = compose::load(dir, &options) else { return };
    assert!(!loaded.project.start_order().is_empty());
    write(&dir.join("compose.yaml"), Some(loaded.project.to_yaml().as_bytes()));
    write(&dir.join(".env"), None);
    write(&dir.join("compose.override.yaml"), None);
    let mut again = compose::load(dir, &options).expect("what is printed is read");
    again.project.files.clone_from(&loaded.project.files);
    assert_eq!(again.project, loaded.project);
});

fn write(path: &Path, text: Option<&[u8]>) {
    match text {
        Some(text) => fs::write(path, text).expect("a file"),
        None => drop(fs::remove_file(path)),
    }
}
