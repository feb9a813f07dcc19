//! Compose files: from a project's folder to one checked [`Project`], without any engine.

mod model;

pub use self::model::{
    Build, Command, Condition, Dependency, Exposed, ExtraHost, FileMount, HealthCheck, HealthTest,
    IpPool, Logging, Mount, MountKind, Namespace, Network, NetworkMember, Port, Project, Protocol,
    Published, Relabel, Restart, Service, ServiceNetwork, Ulimit, Volume,
};
