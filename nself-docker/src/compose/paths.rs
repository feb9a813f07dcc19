//! Where the paths of a Compose file really lead, and whether that is still in the project.

use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::Rule;
use super::report::{Item, Report};

/// The folder of a project, and what lies around it that matters.
#[derive(Debug)]
pub(super) struct Ground {
    /// The project's folder, absolute, symbolic links resolved.
    pub(super) dir: PathBuf,
    home: Option<PathBuf>,
    /// Where engines listen.
    sockets: Vec<PathBuf>,
}

impl Ground {
    /// Those of a project in a folder that [exists](Path::canonicalize).
    pub(super) fn new(dir: PathBuf, variable: impl Fn(&str) -> Option<String>) -> Self {
        let home = variable("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let mut sockets: Vec<PathBuf> = ENGINE_SOCKETS.iter().map(PathBuf::from).collect();
        let runtime = variable("XDG_RUNTIME_DIR").map(PathBuf::from);
        sockets.extend(runtime.iter().map(|dir| dir.join("docker.sock")));
        sockets.extend(runtime.iter().map(|dir| dir.join("podman/podman.sock")));
        sockets.extend(home.iter().map(|home| home.join(".docker/run/docker.sock")));
        let host = variable("DOCKER_HOST");
        sockets
            .extend(host.iter().filter_map(|host| host.strip_prefix("unix://")).map(PathBuf::from));
        let resolved: Vec<PathBuf> = sockets.iter().filter_map(|path| real(path).ok()).collect();
        sockets.extend(resolved);
        Self { dir, home, sockets }
    }

    /// Where a path leads that is written relative to a folder, symbolic links resolved as far as it
    /// exists.
    pub(super) fn resolve(&self, base: &Path, written: &str) -> Result<PathBuf, String> {
        let path = match written.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                let home = self.home.as_ref().ok_or("`~` has no meaning where HOME is not set")?;
                home.join(rest.trim_start_matches('/'))
            }
            Some(_) => return Err(format!("{written:?}: homes of others are not supported")),
            None => base.join(written),
        };
        let real = real(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!("{written:?} leads to a symbolic link to nothing"),
            _ => format!("{written:?} cannot be followed: {error}"),
        })?;
        // What comes after this (labels, the engine's API, the printed file) is text.
        if real.to_str().is_none() {
            return Err(format!("{written:?} leads to a path that is not UTF-8: rename it"));
        }
        Ok(real)
    }

    pub(super) fn is_inside(&self, path: &Path) -> bool {
        path.starts_with(&self.dir)
    }

    /// Applies the rules on what may be mounted.
    pub(super) fn check_mount(&self, report: &mut Report, item: &Item<'_>, source: &Path) {
        let is_socket = source.file_name().is_some_and(|name| {
            ENGINE_SOCKETS.iter().any(|socket| Path::new(socket).file_name() == Some(name))
        });
        if is_socket || self.sockets.iter().any(|socket| socket.starts_with(source)) {
            let what = "mounts an engine's socket, itself or by a folder above it: whoever reaches it is root on the host";
            report.forbid(Rule::DockerSocket, item, what);
        }
        if !self.is_inside(source) {
            let what = "mounts something that is not in the project's folder";
            report.forbid(Rule::BindOutsideProject, item, what);
        }
    }

    /// How a path is told: relative to the project where it lies there.
    pub(super) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.dir).unwrap_or(path).display().to_string()
    }
}

/// The path without symbolic links and dots. What does not exist yet is taken as it is written.
///
/// # Errors
///
/// What the operating system says; `NotFound` is a symbolic link to nothing.
fn real(path: &Path) -> io::Result<PathBuf> {
    let mut real = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            // `real` has no links, so its parent is what `..` is for the operating system.
            Component::ParentDir => {
                real.pop();
            }
            Component::Normal(name) => real = step(&real, name)?,
            Component::RootDir | Component::Prefix(_) => real.push(component),
        }
    }
    Ok(real)
}

fn step(real: &Path, name: &OsStr) -> io::Result<PathBuf> {
    let next = real.join(name);
    match next.canonicalize() {
        Err(error)
            if error.kind() == io::ErrorKind::NotFound && next.symlink_metadata().is_err() =>
        {
            Ok(next)
        }
        found => found,
    }
}

const ENGINE_SOCKETS: &[&str] = &[
    "/run/docker.sock",
    "/var/run/docker.sock",
    "/run/podman/podman.sock",
    "/run/containerd/containerd.sock",
    "/var/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
];

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn ground() -> (tempfile::TempDir, Ground) {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().canonicalize().unwrap().join("project");
        std::fs::create_dir_all(dir.join("data")).unwrap();
        let ground = Ground::new(dir, |name| (name == "HOME").then(|| "/home/u".to_owned()));
        (folder, ground)
    }

    #[test]
    fn links_and_dots_are_resolved_before_anything_is_judged() {
        let (_folder, ground) = ground();
        let dir = ground.dir.clone();
        symlink("/", dir.join("root")).unwrap();
        symlink("data", dir.join("inner")).unwrap();
        symlink("nowhere", dir.join("dangling")).unwrap();
        let resolve = |text| ground.resolve(&dir, text);
        assert_eq!(resolve("./data/../data/new/x"), Ok(dir.join("data/new/x")));
        assert_eq!(resolve("inner/x"), Ok(dir.join("data/x")));
        assert_eq!(resolve("root/etc"), Ok(PathBuf::from("/etc")));
        // Not the project's parent: `..` of what the link leads to.
        assert_eq!(resolve("root/usr/.."), Ok(PathBuf::from("/")));
        assert_eq!(resolve("../project/data"), Ok(dir.join("data")));
        assert_eq!(resolve("~/x"), Ok(PathBuf::from("/home/u/x")));
        assert!(resolve("dangling").unwrap_err().contains("symbolic link to nothing"));
        assert!(!ground.is_inside(&resolve("../project2").unwrap()));
    }

    #[test]
    fn a_socket_is_found_by_name_by_folder_and_by_link() {
        let (_folder, ground) = ground();
        symlink("/", ground.dir.join("root")).unwrap();
        for (written, expected) in [
            ("/var/run/docker.sock", true),
            ("/run", true),
            ("/", true),
            ("./root", true),
            ("./elsewhere/docker.sock", true),
            ("/home/u/.docker", true),
            ("./data", false),
            ("/etc", false),
        ] {
            let node = crate::compose::yaml::parse("x", 0).unwrap();
            let item = Item { node: &node, path: String::new() };
            let mut report = Report::default();
            let source = ground.resolve(&ground.dir, written).unwrap();
            ground.check_mount(&mut report, &item, &source);
            let (problems, _) = report.finish();
            let found = problems.iter().any(|problem| problem.message.contains("`docker-socket`"));
            assert_eq!(found, expected, "{written}");
        }
    }
}
