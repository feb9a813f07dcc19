//! Compose files: from a project's folder to one checked [`Project`], without any engine.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use nself_docker::compose::{self, LoadOptions};
//!
//! let options = LoadOptions::new().environment(std::env::vars());
//! match compose::load(Path::new("shop"), &options) {
//!     Ok(loaded) => println!("{}", loaded.project.to_yaml()),
//!     Err(error) => eprintln!("{error}"),
//! }
//! ```
//!
//! # What is read
//!
//! `compose.yaml`, or what else Compose takes for it, its override file, `.env` (else `.env.dev`) and the
//! `env_file`s. [docs/compose.md] lists the keys. A key that is not read is an error, never ignored: what is
//! built is what the file says.
//!
//! # What is refused
//!
//! Whatever gives a container more of the host than the project's folder is a matter of a [`Rule`] and
//! refused unless it is [allowed](LoadOptions::allow). Symbolic links are resolved before that is judged.
//!
//! [docs/compose.md]: https://github.com/nself-org/nself-realtime/blob/main/docs/compose.md

mod dotenv;
mod files;
mod interpolate;
mod keys;
mod load;
mod merge;
mod model;
mod number;
mod outline;
mod paths;
mod print;
mod problem;
mod read;
mod report;
mod rule;
mod tree;
mod yaml;

pub use self::load::{LoadOptions, Loaded, load};
pub use self::model::{
    Build, Command, Condition, Dependency, Exposed, ExtraHost, FileMount, HealthCheck, HealthTest,
    IpPool, Logging, Mount, MountKind, Namespace, Network, NetworkMember, Port, Project, Protocol,
    Published, Relabel, Restart, Service, ServiceNetwork, Ulimit, Volume,
};
pub use self::outline::{Outline, outline};
pub use self::problem::{LoadError, Problem, ProblemKind};
pub use self::rule::{Rule, UnknownRule};
