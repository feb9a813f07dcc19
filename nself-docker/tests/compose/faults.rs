//! What no folder of the corpus can hold: huge files, pipes, folders in the place of files.

use std::fs;
use std::path::Path;
use std::process::Command;

use nself_docker::compose::{self, LoadError, LoadOptions, ProblemKind};

fn project(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("project").tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn refused(folder: &Path) -> LoadError {
    compose::load(folder, &LoadOptions::new()).unwrap_err()
}

#[test]
fn a_file_of_two_mebibytes_is_refused_and_one_below_one_is_read() {
    let file = |bytes: usize| {
        let head = "services: {a: {image: a}}\n#";
        format!("{head}{}", "x".repeat(bytes - head.len())).into_bytes()
    };
    let folder = project(&[("compose.yaml", &file(2 * 1024 * 1024))]);
    let error = refused(folder.path());
    assert_eq!(error.to_string(), "compose.yaml: cannot be read: it is larger than 1 MiB");
    assert_eq!(error.problems[0].kind, ProblemKind::File);
    let folder = project(&[("compose.yaml", &file(1024 * 1024))]);
    assert!(compose::load(folder.path(), &LoadOptions::new()).is_ok());
}

#[test]
fn what_is_no_text_file_is_refused_and_never_waited_for() {
    let folder = project(&[("compose.yaml", b"services: {a: {image: a, env_file: pipe}}")]);
    let made = Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap();
    assert!(made.success());
    assert_eq!(
        refused(folder.path()).to_string(),
        "compose.yaml:1:36: services.a.env_file: \"pipe\" cannot be read: it is no regular file"
    );
    let folder = project(&[("compose.yaml", b"a: \xff")]);
    assert_eq!(refused(folder.path()).to_string(), "compose.yaml: cannot be read: it is not UTF-8");
    let folder = project(&[]);
    fs::create_dir(folder.path().join("compose.yaml")).unwrap();
    assert_eq!(
        refused(folder.path()).to_string(),
        "compose.yaml: cannot be read: it is no regular file"
    );
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let folder = project(&[]);
    let error = refused(&folder.path().join("gone"));
    assert_eq!(error.problems[0].kind, ProblemKind::NoProject);
    assert!(error.to_string().starts_with("the project's folder cannot be read: "), "{error}");
}

#[test]
fn paths_that_are_no_text_are_refused() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let folder = project(&[]);
    let dir = folder.path().join(OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir(&dir).unwrap();
    let yaml = "services: {a: {image: a, volumes: ['./link:/x']}}";
    fs::write(dir.join("compose.yaml"), yaml).unwrap();
    fs::write(folder.path().join("compose.yaml"), yaml).unwrap();
    assert_eq!(
        refused(&dir).to_string(),
        "the path of the project's folder is not UTF-8: rename it"
    );
    std::os::unix::fs::symlink(&dir, folder.path().join("link")).unwrap();
    assert_eq!(
        refused(folder.path()).to_string(),
        "compose.yaml:1:36: services.a.volumes[0]: \"./link\" leads to a path that is not UTF-8: rename it"
    );
}

#[test]
fn twenty_thousand_values_are_the_most() {
    let file = |count: usize| {
        let list = "a, ".repeat(count);
        format!("x-list: [{list}]\nservices: {{a: {{image: a}}}}\n").into_bytes()
    };
    let folder = project(&[("compose.yaml", &file(19_000))]);
    assert!(compose::load(folder.path(), &LoadOptions::new()).is_ok());
    let folder = project(&[("compose.yaml", &file(21_000))]);
    assert_eq!(refused(folder.path()).problems[0].kind, ProblemKind::Syntax);
}

#[test]
fn at_most_a_hundred_problems_are_told() {
    let keys: Vec<String> = (0..500).map(|index| format!("unknown{index}: 1")).collect();
    let folder = project(&[("compose.yaml", keys.join("\n").as_bytes())]);
    assert_eq!(refused(folder.path()).problems.len(), 100);
}
