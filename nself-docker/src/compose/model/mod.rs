//! What a Compose project means, each thing in one shape: plain data, without what was only syntax.

mod network;
mod order;
mod service;
mod storage;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

pub use self::network::{
    Exposed, IpPool, Network, NetworkMember, Port, Protocol, Published, ServiceNetwork,
};
pub use self::service::{
    Build, Command, Condition, Dependency, ExtraHost, HealthCheck, HealthTest, Logging, Namespace,
    Restart, Service, Ulimit,
};
pub use self::storage::{FileMount, Mount, MountKind, Relabel, Volume};

/// A Compose project: merged from its files, interpolated, checked.
///
/// Only what is used is in it: services of inactive profiles, and networks, volumes, secrets and
/// configs that no service names, are left out, as Compose does not make them either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Project {
    /// Its name: lowercase letters, digits, dashes and underscores.
    pub name: String,
    /// Its folder, absolute and without symbolic links.
    pub dir: PathBuf,
    /// The Compose files that it was read from, absolute, in the order in which they were merged.
    pub files: Vec<PathBuf>,
    /// The services by name; never empty.
    pub services: BTreeMap<String, Service>,
    /// The networks by the name that services use. The one of services that name none is `default`.
    pub networks: BTreeMap<String, Network>,
    /// The named volumes by the name that services use.
    pub volumes: BTreeMap<String, Volume>,
}
