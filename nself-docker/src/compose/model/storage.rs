//! What containers find in their file system: volumes, folders of the host, secrets and configs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

/// A named volume of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Volume {
    /// Its name at the engine: as the file has it, else `{project}_{key}`.
    pub name: String,
    /// Whether it exists already and is not the project's to make or remove. Then nothing but the name
    /// is set.
    pub external: bool,
    /// The driver; without one the engine's default (`local`).
    pub driver: Option<String>,
    /// Options for the driver.
    pub driver_opts: BTreeMap<String, String>,
    /// Labels that the file gives it. Compose's own labels are not among them.
    pub labels: BTreeMap<String, String>,
}

/// Something that is mounted into a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Mount {
    /// Where, an absolute path in the container.
    pub target: String,
    /// Whether the container cannot write to it.
    pub read_only: bool,
    /// What.
    pub kind: MountKind,
}

/// What a [`Mount`] brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MountKind {
    /// A file or folder of the host.
    Bind {
        /// Its path, absolute, with symbolic links resolved as far as it exists.
        source: PathBuf,
        /// Whether a folder is made there if there is nothing.
        create_host_path: bool,
        /// The `SELinux` label that it gets, if any.
        relabel: Option<Relabel>,
    },
    /// A volume.
    Volume {
        /// By the name that [`Project::volumes`](super::Project::volumes) has; without one an anonymous
        /// volume.
        source: Option<String>,
        /// Whether an empty volume is left empty, instead of filled with what the image has there.
        nocopy: bool,
    },
    /// A file system in memory, of `volumes` with `type: tmpfs`; see also
    /// [`Service::tmpfs`](super::Service::tmpfs).
    Tmpfs {
        /// Its limit in bytes; without one the host's.
        size_bytes: Option<u64>,
        /// The permission bits of its root, such as `0o1777`.
        mode: Option<u32>,
    },
}

/// An `SELinux` label for a mounted folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Relabel {
    /// `z`: for all containers.
    Shared,
    /// `Z`: for this container alone.
    Private,
}

/// A secret or a config: a file of the host that a container can read and not write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileMount {
    /// Its name at the top of the Compose file.
    pub name: String,
    /// The file at the host, absolute, symbolic links resolved. It existed when the project was read.
    pub file: PathBuf,
    /// Where, an absolute path in the container: `/run/secrets/{name}` for secrets, `/{name}` for configs,
    /// unless the file says otherwise.
    pub target: String,
    /// The owner that the file asks for. A mounted file keeps its own, so loading warns of it; Compose does
    /// the same.
    pub uid: Option<String>,
    /// The group that the file asks for; as for [`uid`](Self::uid).
    pub gid: Option<String>,
    /// The permission bits that the file asks for; as for [`uid`](Self::uid).
    pub mode: Option<u32>,
}
