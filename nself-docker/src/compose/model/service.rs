//! A service: what its containers are made of and how they run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::{Exposed, FileMount, Mount, Port, ServiceNetwork};

/// A service of a project. What the file does not say is `None`, or empty: then the image or the engine
/// decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Service {
    /// The image. Of a service that is built and names none it is `{project}-{service}`.
    pub image: String,
    /// How the image is built; without it, it is pulled.
    pub build: Option<Build>,
    /// The command in place of the image's.
    pub command: Option<Command>,
    /// The entry point in place of the image's.
    pub entrypoint: Option<Command>,
    /// The environment: `env_file`s, then `environment`, which wins. Variables that were named without a
    /// value and have none where the project was read are absent.
    pub environment: BTreeMap<String, String>,
    /// Ports of the host that lead to it, sorted, each once.
    pub ports: Vec<Port>,
    /// Ports that its networks are told of, sorted, each once.
    pub expose: Vec<Exposed>,
    /// What is mounted, each target once, in the order of the file.
    pub mounts: Vec<Mount>,
    /// File systems in memory: path to mount options, such as `size=64m,mode=1777` or none.
    pub tmpfs: BTreeMap<String, String>,
    /// Files that are mounted at a path of their own, each target once, in the order of the file.
    pub secrets: Vec<FileMount>,
    /// As [`secrets`](Self::secrets).
    pub configs: Vec<FileMount>,
    /// How it is connected.
    pub network: ServiceNetwork,
    /// What has to be there before it starts, by service. There are no cycles.
    pub depends_on: BTreeMap<String, Dependency>,
    /// How its health is told.
    pub healthcheck: Option<HealthCheck>,
    /// What happens when it exits.
    pub restart: Restart,
    /// Labels that the file gives it. Compose's own labels are not among them.
    pub labels: BTreeMap<String, String>,
    /// The user, or `user:group`, by name or number.
    pub user: Option<String>,
    /// The working folder.
    pub working_dir: Option<String>,
    /// The host name.
    pub hostname: Option<String>,
    /// Names in its hosts file, in the order of the file.
    pub extra_hosts: Vec<ExtraHost>,
    /// The signal that asks it to stop.
    pub stop_signal: Option<String>,
    /// How long it may take to stop before it is killed; the engine's default is 10 s.
    pub stop_grace_period: Option<Duration>,
    /// Whether a small init process reaps its children; without a value as the engine is configured.
    pub init: Option<bool>,
    /// Whether its root file system cannot be written to.
    pub read_only: bool,
    /// The size of `/dev/shm` in bytes; the engine's default is 64 MiB.
    pub shm_size_bytes: Option<u64>,
    /// The most memory that it may use, in bytes.
    pub mem_limit_bytes: Option<u64>,
    /// The most CPU time that it may use, in billionths of a CPU.
    pub nano_cpus: Option<u64>,
    /// Limits on what its processes may use, by name, such as `nofile`.
    pub ulimits: BTreeMap<String, Ulimit>,
    /// Where its output goes.
    pub logging: Option<Logging>,
    /// Whether it may do all that root of the host may. Only with the rule `privileged` allowed.
    pub privileged: bool,
    /// Namespaces that it shares with the host. Only with their rules (`host-pid` …) allowed. The network
    /// is in [`network`](Self::network).
    pub host_namespaces: BTreeSet<Namespace>,
    /// Capabilities beyond the engine's default. Only with the rule `cap-add` allowed.
    pub cap_add: Vec<String>,
    /// Devices of the host, as the file has them: `host[:container[:permissions]]`. Only with the rule
    /// `devices` allowed.
    pub devices: Vec<String>,
    /// Security options in the engine's form, such as `no-new-privileges=true`. Those that take
    /// confinement away only with the rule `security-opt` allowed.
    pub security_opt: Vec<String>,
}

/// Program and arguments. Empty: none, whatever the image has.
pub type Command = Vec<String>;

/// How an image is built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Build {
    /// The folder that is sent to the engine, absolute, symbolic links resolved. It existed when the
    /// project was read.
    pub context: PathBuf,
    /// The Dockerfile, absolute, symbolic links resolved. It existed when the project was read and may lie
    /// outside the context.
    pub dockerfile: PathBuf,
    /// Build arguments. Those that were named without a value and have none where the project was read
    /// are absent.
    pub args: BTreeMap<String, String>,
    /// The stage at which to stop.
    pub target: Option<String>,
}

/// What a service waits for before it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Dependency {
    /// How far the other one has to be.
    pub condition: Condition,
    /// Whether this service cannot start without it; default true. If false, a failure of the other one is
    /// only worth a warning.
    pub required: bool,
}

/// How far a service has to be for those that depend on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Condition {
    /// Started.
    #[default]
    ServiceStarted,
    /// Healthy by its own health check.
    ServiceHealthy,
    /// Run to its end, with exit code 0.
    ServiceCompletedSuccessfully,
}

/// How the health of a service is told. What is `None` is as the image has it, else as the engine has it:
/// interval 30 s, timeout 30 s, 3 retries, no start period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HealthCheck {
    /// The question.
    pub test: HealthTest,
    /// The time between two questions.
    pub interval: Option<Duration>,
    /// How long an answer may take.
    pub timeout: Option<Duration>,
    /// How long failures do not count after the start.
    pub start_period: Option<Duration>,
    /// The time between two questions in the start period; engines before 25.0 do not know it.
    pub start_interval: Option<Duration>,
    /// How many failures in a row make it unhealthy.
    pub retries: Option<u32>,
}

/// The question of a [`HealthCheck`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HealthTest {
    /// As the image has it.
    OfImage,
    /// None, whatever the image has. Then nothing else of the health check is set.
    Disabled,
    /// Program and arguments; never empty.
    Exec(Vec<String>),
    /// A line for the container's shell.
    Shell(String),
}

/// What happens when a container exits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Restart {
    /// Nothing.
    #[default]
    No,
    /// It is started again, also when the engine starts.
    Always,
    /// It is started again unless its exit code was 0, at most so many times if there is a number.
    OnFailure(Option<u32>),
    /// As `Always`, but not if it was stopped before the engine was.
    UnlessStopped,
}

/// A line of a container's hosts file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExtraHost {
    /// The name.
    pub host: String,
    /// An IP address, or `host-gateway`.
    pub address: String,
}

/// A limit on what a process may use; -1 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Ulimit {
    /// What applies.
    pub soft: i64,
    /// How far the process may raise it.
    pub hard: i64,
}

/// Where output goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Logging {
    /// The driver; without one the engine's default.
    pub driver: Option<String>,
    /// Options for the driver.
    pub options: BTreeMap<String, String>,
}

/// A namespace that a container can share with the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Namespace {
    /// Processes.
    Pid,
    /// Shared memory, semaphores, message queues.
    Ipc,
    /// Host name.
    Uts,
    /// Users.
    User,
    /// Control groups.
    Cgroup,
}
