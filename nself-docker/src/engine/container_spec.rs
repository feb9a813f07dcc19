//! A container to be made. It says all that matters to how the container runs, so what two of them have
//! in common is what need not be made anew.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;

/// A container to be made. What is absent is the image's or the engine's own choice.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ContainerSpec {
    /// The image that it is made from.
    pub image: String,
    /// The arguments of its process.
    pub command: Option<Vec<String>>,
    /// The program of its process.
    pub entrypoint: Option<Vec<String>>,
    /// The environment of its process.
    pub environment: BTreeMap<String, String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The user of its process, as `name`, `uid` or `uid:gid`.
    pub user: Option<String>,
    /// The folder that its process starts in.
    pub working_dir: Option<String>,
    /// What it calls itself.
    pub hostname: Option<String>,
    /// Ports that it listens on, as `80/tcp`, published or not.
    pub exposed: BTreeSet<String>,
    /// Ports that are published.
    pub ports: Vec<PublishedPort>,
    /// What is mounted into it.
    pub mounts: Vec<MountSpec>,
    /// Folders in memory, each with the options of `mount`.
    pub tmpfs: BTreeMap<String, String>,
    /// The networks that it joins, the first one first.
    pub networks: Vec<Attachment>,
    /// Instead of networks: `none`, `host`, `container:…`.
    pub network_mode: Option<String>,
    /// Its health check.
    pub health: Option<HealthSpec>,
    /// Whether the engine starts it again.
    pub restart: Option<RestartSpec>,
    /// More names for its `/etc/hosts`, as `name:address`.
    pub extra_hosts: Vec<String>,
    /// The signal that asks its process to stop.
    pub stop_signal: Option<String>,
    /// How long it may take over that before it is killed.
    pub stop_grace_period: Option<Duration>,
    /// Whether a process of the engine's stands above its own.
    pub init: Option<bool>,
    /// Whether its file system cannot be written.
    pub read_only: bool,
    /// Bytes of `/dev/shm`.
    pub shm_size: Option<u64>,
    /// Limits of its processes.
    pub ulimits: BTreeMap<String, LimitSpec>,
    /// Bytes of memory that it may use.
    pub memory: Option<u64>,
    /// Billionths of a core that it may use.
    pub nano_cpus: Option<u64>,
    /// Where its log goes.
    pub logging: Option<LoggingSpec>,
    /// Whether it is root on the host.
    pub privileged: bool,
    /// What it shares with the host, of `pid`, `ipc`, `uts`, `user` and `cgroup`.
    pub host_namespaces: BTreeSet<String>,
    /// Capabilities beyond the engine's choice.
    pub cap_add: Vec<String>,
    /// Options of the host's security modules.
    pub security_opt: Vec<String>,
    /// Devices of the host, as `/dev/host:/dev/inside:rwm`.
    pub devices: Vec<String>,
}

/// A port of a container that the host listens on for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PublishedPort {
    /// The container's, as `80/tcp`.
    pub inside: String,
    /// The host's address; empty: all of them.
    pub address: String,
    /// The host's port, as `8080` or as a range to choose from; empty: the engine's choice.
    pub outside: String,
}

/// Something that is mounted into a container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct MountSpec {
    /// Where.
    pub target: String,
    /// What.
    pub source: MountSource,
    /// Whether it cannot be written there.
    pub read_only: bool,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum MountSource {
    /// A file or folder of the host.
    Bind {
        /// Its path.
        path: String,
        /// Whether a folder is made if nothing is there; otherwise that is an error.
        create: bool,
        /// The `SELinux` label that it gets: `z` for all containers, `Z` for this one.
        relabel: Option<char>,
    },
    /// A volume.
    Volume {
        /// Its name; without one the engine makes one that nobody named.
        name: Option<String>,
        /// Whether it does not begin with what the image has there.
        no_copy: bool,
    },
    /// A folder in memory.
    Tmpfs {
        /// Its size in bytes, at most.
        size: Option<u64>,
        /// The permissions of the folder.
        mode: Option<u32>,
    },
}

/// A container in a network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub struct Attachment {
    /// The network's name.
    pub network: String,
    /// What the others there call it.
    pub aliases: Vec<String>,
    /// Its own IPv4 address.
    pub ipv4: Option<String>,
    /// Its own IPv6 address.
    pub ipv6: Option<String>,
}

/// How a container's health is checked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct HealthSpec {
    /// `["NONE"]`, or `CMD` or `CMD-SHELL` and words; empty: the image's.
    pub test: Vec<String>,
    /// The time between checks.
    pub interval: Option<Duration>,
    /// How long a check may take.
    pub timeout: Option<Duration>,
    /// How long failures do not count at the beginning.
    pub start_period: Option<Duration>,
    /// The time between checks during that beginning. Engines before 25.0 do not know it.
    pub start_interval: Option<Duration>,
    /// How many failures in a row make it unhealthy.
    pub retries: Option<u32>,
}

/// When the engine starts a container again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum RestartSpec {
    /// Never.
    No,
    /// Whenever it exits.
    Always,
    /// Whenever it exits, unless somebody stopped it.
    UnlessStopped,
    /// When it fails.
    OnFailure {
        /// So many times; 0: without end.
        retries: u32,
    },
}

/// A limit of a container's processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LimitSpec {
    /// What they have; -1: without limit.
    pub soft: i64,
    /// What they may ask for.
    pub hard: i64,
}

/// Where a container's log goes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct LoggingSpec {
    /// The driver; without one the engine's own choice.
    pub driver: Option<String>,
    /// What the driver is told.
    pub options: BTreeMap<String, String>,
}
