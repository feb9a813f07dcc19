//! Archives of real folders, read back.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use futures::TryStreamExt as _;
use tempfile::TempDir;

use super::*;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn recipe(context: &Path, dockerfile: &Path) -> compose::Build {
    compose::Build {
        context: context.to_owned(),
        dockerfile: dockerfile.to_owned(),
        args: BTreeMap::new(),
        target: None,
    }
}

fn prepared(context: &Path) -> Prepared {
    let build = recipe(context, &context.join("Dockerfile"));
    prepare(&build, &context.join(".nself")).unwrap()
}

async fn bytes(prepared: Prepared) -> io::Result<Vec<u8>> {
    let chunks: Vec<_> = prepared.archive().try_collect().await?;
    Ok(chunks.concat())
}

/// Each entry with its kind and mode, and its content or where it points to.
async fn entries(prepared: Prepared) -> Vec<(String, String)> {
    let bytes = bytes(prepared).await.unwrap();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let header = entry.header();
        assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
        let about = match header.entry_type() {
            tar::EntryType::Directory => "folder".to_owned(),
            tar::EntryType::Symlink => {
                format!("to {}", entry.link_name().unwrap().unwrap().display())
            }
            _ => {
                let mode = header.mode().unwrap();
                let mut text = String::new();
                entry.read_to_string(&mut text).unwrap();
                format!("{mode:o} {text}")
            }
        };
        (name, about)
    });
    entries.collect()
}

fn names(entries: &[(String, String)]) -> Vec<&str> {
    entries.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn files_folders_modes_and_links_come_in_the_order_of_their_names() {
    let outside = folder(&[("secret", "s")]);
    let folder =
        folder(&[("Dockerfile", "FROM a"), ("src/b", "B"), ("a.sh", "A"), (".hidden", "H")]);
    let at = |name: &str| folder.path().join(name);
    fs::set_permissions(at("a.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(at("src/b"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(at("Dockerfile"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(at(".hidden"), fs::Permissions::from_mode(0o600)).unwrap();
    symlink(outside.path(), at("out")).unwrap();
    symlink("missing", at("nowhere")).unwrap();
    fs::create_dir(at("empty")).unwrap();
    fs::create_dir(at(".nself")).unwrap();
    fs::write(at(".nself/docker-compose.yml"), "secrets").unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    let expected = [
        (".hidden", "600 H".to_owned()),
        ("Dockerfile", "644 FROM a".to_owned()),
        ("a.sh", "755 A".to_owned()),
        ("empty/", "folder".to_owned()),
        ("nowhere", "to missing".to_owned()),
        ("out", format!("to {}", outside.path().display())),
        ("src/", "folder".to_owned()),
        ("src/b", "640 B".to_owned()),
    ];
    let expected: Vec<_> = expected.map(|(name, about)| (name.to_owned(), about)).into();
    assert_eq!(entries(prepared(folder.path())).await, expected);
    let twice = [
        bytes(prepared(folder.path())).await.unwrap(),
        bytes(prepared(folder.path())).await.unwrap(),
    ];
    assert_eq!(twice[0], twice[1], "the same files give the same bytes");
}

#[tokio::test]
async fn what_is_ignored_is_not_sent_but_for_what_the_builder_reads() {
    let ignore = "*\n!src\nsrc/**/*.log\n!src/keep.log";
    let files = [
        (".dockerignore", ignore),
        ("Dockerfile", "FROM a"),
        ("data/big", "x"),
        ("src/a", "A"),
        ("src/deep/b.log", "L"),
        ("src/keep.log", "K"),
    ];
    let folder = folder(&files);
    let entries = entries(prepared(folder.path())).await;
    let expected = [".dockerignore", "Dockerfile", "src/", "src/a", "src/deep/", "src/keep.log"];
    assert_eq!(names(&entries), expected);
}

#[tokio::test]
async fn a_dockerfile_in_a_folder_that_is_ignored_is_sent() {
    let files =
        [(".dockerignore", "docker\n"), ("docker/web", "FROM a"), ("docker/x", ""), ("a", "")];
    let folder = folder(&files);
    let build = recipe(folder.path(), &folder.path().join("docker/web"));
    let prepared = prepare(&build, Path::new("/nowhere")).unwrap();
    assert_eq!(prepared.dockerfile, "docker/web");
    assert_eq!(names(&entries(prepared).await), [".dockerignore", "a", "docker/", "docker/web"]);
}

#[tokio::test]
async fn what_is_taken_back_from_a_folder_brings_the_folder() {
    let files = [
        (".dockerignore", "node\n!node/one/keep\n"),
        ("Dockerfile", "FROM a"),
        ("node/one/keep", "k"),
        ("node/one/drop", "d"),
        ("node/two/drop", "d"),
    ];
    let folder = folder(&files);
    let entries = entries(prepared(folder.path())).await;
    let expected = [".dockerignore", "Dockerfile", "node/", "node/one/", "node/one/keep"];
    assert_eq!(names(&entries), expected);
}

#[tokio::test]
async fn a_dockerfile_from_outside_comes_under_a_name_that_is_not_copied() {
    let other = folder(&[("Dockerfile.web", "FROM other")]);
    let folder = folder(&[("Dockerfile", "FROM own"), (".dockerignore", "tmp")]);
    let build = recipe(folder.path(), &other.path().join("Dockerfile.web"));
    let prepared = prepare(&build, Path::new("/nowhere")).unwrap();
    let name = prepared.dockerfile.clone();
    assert!(name.starts_with(".dockerfile."), "{name}");
    let entries = entries(prepared).await;
    assert_eq!(names(&entries), ["Dockerfile", ".dockerignore", name.as_str()]);
    assert_eq!(entries[1].1, format!("644 tmp\n{name}\n"));
    assert_eq!(entries[2].1, "644 FROM other");
}

#[tokio::test]
async fn what_cannot_be_packed_is_named() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = folder(&[("Dockerfile", "FROM a\nRUN --mount=x y")]);
    let build = recipe(folder.path(), &folder.path().join("Dockerfile"));
    let refused = prepare(&build, Path::new("/nowhere")).unwrap_err().to_string();
    assert!(refused.contains("Dockerfile:2: `RUN --mount` needs BuildKit"), "{refused}");
    fs::write(folder.path().join("Dockerfile"), "FROM a").unwrap();
    fs::write(folder.path().join(".dockerignore"), "a\n[b").unwrap();
    let refused = prepare(&build, Path::new("/nowhere")).unwrap_err().to_string();
    assert!(refused.ends_with(".dockerignore:2: [b is no pattern"), "{refused}");
    fs::remove_file(folder.path().join(".dockerignore")).unwrap();
    fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"bad\xff")), "").unwrap();
    let error = bytes(prepared(folder.path())).await.unwrap_err().to_string();
    assert!(error.contains("is not UTF-8: rename it"), "{error}");
}

#[tokio::test]
async fn packing_ends_when_nobody_reads() {
    let folder = folder(&[("Dockerfile", "FROM a")]);
    fs::write(folder.path().join("large"), vec![0; 4 * 1024 * 1024]).unwrap();
    let mut archive = prepared(folder.path()).archive();
    assert!(archive.try_next().await.unwrap().is_some());
    // The runtime waits for what is blocking when it ends: this test would not end.
    drop(archive);
}
