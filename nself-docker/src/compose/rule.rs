//! What a Compose file may not ask for unless it was allowed: whatever gives a container more of the
//! host than the project's own folder.

use std::fmt;
use std::str::FromStr;

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// Something that is refused unless its name is on the list of what is
        /// [allowed](super::LoadOptions::allow). Displays as its name and parses from it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule { $($(#[doc = $doc])+ $variant,)+ }

        impl Rule {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

rules! {
    /// `privileged: true`.
    Privileged = "privileged",
    /// A mount that gives a container an engine's socket, itself or by a folder above it.
    DockerSocket = "docker-socket",
    /// A mount of a file or folder that is not in the project's folder; secrets and configs are mounts.
    BindOutsideProject = "bind-outside-project",
    /// A build context or a Dockerfile that is not in the project's folder.
    BuildOutsideProject = "build-outside-project",
    /// A file of variables that is not in the project's folder.
    EnvFileOutsideProject = "env-file-outside-project",
    /// `network_mode: host`, or the network `host`.
    HostNetwork = "host-network",
    /// `pid: host`.
    HostPid = "host-pid",
    /// `ipc: host`.
    HostIpc = "host-ipc",
    /// `uts: host`.
    HostUts = "host-uts",
    /// `userns_mode: host`.
    HostUserns = "host-userns",
    /// `cgroup: host`.
    HostCgroup = "host-cgroup",
    /// `cap_add`.
    CapAdd = "cap-add",
    /// `devices`, and volumes that mount a device.
    Devices = "devices",
    /// `security_opt` that takes confinement away.
    SecurityOpt = "security-opt",
    /// A network with another driver than `bridge`.
    NetworkDriver = "network-driver",
    /// A volume with another driver than `local`.
    VolumeDriver = "volume-driver",
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no rule has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no rule is called {name:?}: the rules are {}", names())]
pub struct UnknownRule {
    /// The name.
    pub name: String,
}

fn names() -> String {
    let names: Vec<_> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    names.join(", ")
}

impl FromStr for Rule {
    type Err = UnknownRule;

    fn from_str(name: &str) -> Result<Self, UnknownRule> {
        let found = Self::ALL.iter().find(|rule| rule.name() == name);
        found.copied().ok_or_else(|| UnknownRule { name: name.to_owned() })
    }
}
