//! `volumes` of a service, short and long.

use super::super::report::{Item, Report};
use super::super::tree::Value;
use super::super::{Mount, MountKind, ProblemKind, Relabel, keys};
use super::service::scalar_text;
use super::{Reader, units};

impl Reader<'_> {
    /// The mounts; of two at one target the later one, as an override file means it.
    pub(super) fn mounts(&mut self, item: &Item<'_>) -> Vec<Mount> {
        let mut mounts: Vec<Mount> = Vec::new();
        for item in self.report.sequence(item).unwrap_or_default() {
            let is_long = matches!(item.node.value, Value::Mapping(_));
            let mount = if is_long { self.long_mount(&item) } else { self.short_mount(&item) };
            let Some(mount) = mount else { continue };
            match mounts.iter_mut().find(|known| known.target == mount.target) {
                Some(known) => *known = mount,
                None => mounts.push(mount),
            }
        }
        mounts
    }

    /// `[source:]target[:options]`.
    fn short_mount(&mut self, item: &Item<'_>) -> Option<Mount> {
        let text = self.report.word(item)?;
        let parts: Vec<&str> = text.split(':').collect();
        let (source, target_text, options) = match parts.as_slice() {
            [target] => ("", *target, ""),
            [source, target] => (*source, *target, ""),
            [source, target, options] => (*source, *target, *options),
            _ => {
                let message = format!("{text:?} has too many colons: use the long syntax");
                self.report.invalid(item, message);
                return None;
            }
        };
        let target = target(self.report, item, target_text)?;
        let mut mount = if source.is_empty() {
            let kind = MountKind::Volume { source: None, nocopy: false };
            Mount { target, read_only: false, kind }
        } else if source.starts_with(['.', '/', '~']) {
            let kind = self.bind(item, source, true, None)?;
            Mount { target, read_only: false, kind }
        } else {
            let source = self.volume_name(item, source)?;
            let kind = MountKind::Volume { source: Some(source), nocopy: false };
            Mount { target, read_only: false, kind }
        };
        for option in options.split(',').filter(|option| !option.is_empty()) {
            match (option, &mut mount.kind) {
                ("ro", _) => mount.read_only = true,
                ("z", MountKind::Bind { relabel, .. }) => *relabel = Some(Relabel::Shared),
                ("Z", MountKind::Bind { relabel, .. }) => *relabel = Some(Relabel::Private),
                // The default; what the engine does to its own volumes anyhow; hints that Docker Desktop no
                // longer takes.
                ("rw" | "z" | "Z" | "cached" | "delegated" | "consistent", _) => {}
                ("nocopy" | "volume-nocopy", MountKind::Volume { nocopy, .. }) => *nocopy = true,
                _ => {
                    let message = format!(
                        "the option {option:?} of a mount is not supported by nself: remove it"
                    );
                    self.report.refuse(ProblemKind::Unsupported, item, message);
                }
            }
        }
        Some(mount)
    }

    fn long_mount(&mut self, item: &Item<'_>) -> Option<Mount> {
        if !self.report.keys(item, &keys::MOUNT) {
            return None;
        }
        let Some(kind) = item.some("type") else {
            self.report.invalid(item, "a mount needs a `type`: bind, volume or tmpfs");
            return None;
        };
        let Some(at) = item.some("target") else {
            self.report.invalid(item, "a mount needs a `target`, its path in the container");
            return None;
        };
        let text = self.report.word(&at)?;
        let target = target(self.report, &at, &text)?;
        let read_only = item.some("read_only").and_then(|item| self.report.boolean(&item));
        let source = item.some("source");
        let word = scalar_text(kind.node);
        for (key, of) in [("bind", "bind"), ("volume", "volume"), ("tmpfs", "tmpfs")] {
            if let Some(item) = item.some(key).filter(|_| word != of) {
                self.report.invalid(&item, format!("belongs to `type: {of}`, and this is {word}"));
            }
        }
        let kind = match word {
            "bind" => self.long_bind(item, source)?,
            "volume" => self.long_volume(item, source)?,
            "tmpfs" => self.long_tmpfs(item, source),
            _ => {
                self.report
                    .invalid(&kind, format!("{word:?} is no type: write bind, volume or tmpfs"));
                return None;
            }
        };
        Some(Mount { target, read_only: read_only.unwrap_or_default(), kind })
    }

    fn long_bind(&mut self, item: &Item<'_>, source: Option<Item<'_>>) -> Option<MountKind> {
        let Some(source) = source else {
            self.report.invalid(item, "a bind mount needs a `source`, its path at the host");
            return None;
        };
        let options = item.some("bind").filter(|item| self.report.keys(item, &keys::MOUNT_BIND));
        let option = |key: &str| options.as_ref().and_then(|options| options.some(key));
        let create = option("create_host_path").and_then(|item| self.report.boolean(&item));
        let relabel = option("selinux").and_then(|item| {
            self.report.parsed(&item, |text| match text {
                "z" => Ok(Relabel::Shared),
                "Z" => Ok(Relabel::Private),
                _ => Err(format!("{text:?} is no SELinux option: write z or Z")),
            })
        });
        let written = self.report.word(&source)?;
        self.bind(&source, &written, create.unwrap_or(true), relabel)
    }

    fn long_volume(&mut self, item: &Item<'_>, source: Option<Item<'_>>) -> Option<MountKind> {
        let options =
            item.some("volume").filter(|item| self.report.keys(item, &keys::MOUNT_VOLUME));
        let nocopy = options.and_then(|options| options.some("nocopy"));
        let nocopy = nocopy.and_then(|item| self.report.boolean(&item)).unwrap_or_default();
        let source = match source {
            Some(item) => {
                let name = self.report.word(&item)?;
                Some(self.volume_name(&item, &name)?)
            }
            None => None,
        };
        Some(MountKind::Volume { source, nocopy })
    }

    fn long_tmpfs(&mut self, item: &Item<'_>, source: Option<Item<'_>>) -> MountKind {
        if let Some(source) = source {
            self.report.invalid(&source, "a tmpfs has no source: remove it");
        }
        let options = item.some("tmpfs").filter(|item| self.report.keys(item, &keys::MOUNT_TMPFS));
        let option = |key: &str| options.as_ref().and_then(|options| options.some(key));
        let size_bytes = option("size").and_then(|item| self.report.parsed(&item, units::bytes));
        let mode = option("mode").and_then(|item| mode(self.report, &item));
        MountKind::Tmpfs { size_bytes, mode }
    }

    fn bind(
        &mut self,
        item: &Item<'_>,
        written: &str,
        create_host_path: bool,
        relabel: Option<Relabel>,
    ) -> Option<MountKind> {
        let source = match self.ground.resolve(&self.ground.dir, written) {
            Ok(source) => source,
            Err(message) => {
                self.report.refuse(ProblemKind::File, item, message);
                return None;
            }
        };
        self.ground.check_mount(self.report, item, &source);
        if !create_host_path && self.ground.is_inside(&source) && !source.exists() {
            let message = format!(
                "{written:?} does not exist: create it, or leave out `create_host_path: false`"
            );
            self.report.refuse(ProblemKind::File, item, message);
        }
        Some(MountKind::Bind { source, create_host_path, relabel })
    }

    fn volume_name(&mut self, item: &Item<'_>, name: &str) -> Option<String> {
        let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if name.chars().all(sound) {
            return Some(name.to_owned());
        }
        let message = format!("{name:?} is no name of a volume; a path begins with ./ or /");
        self.report.invalid(item, message);
        None
    }
}

/// A path in a container: absolute, without a slash at its end.
pub(super) fn target(report: &mut Report, item: &Item<'_>, text: &str) -> Option<String> {
    let trimmed = text.trim_end_matches('/');
    if !text.starts_with('/') || trimmed.is_empty() || trimmed.split('/').any(|part| part == "..") {
        let message =
            format!("{text:?} is no path in the container: write an absolute one, other than /");
        report.invalid(item, message);
        return None;
    }
    Some(trimmed.to_owned())
}

/// Permission bits, as they are written: in octal.
pub(super) fn mode(report: &mut Report, item: &Item<'_>) -> Option<u32> {
    let scalar = report.scalar(item)?;
    let written = scalar.written.clone();
    report.parsed(item, |text| units::mode(written.as_deref().unwrap_or(text)))
}
