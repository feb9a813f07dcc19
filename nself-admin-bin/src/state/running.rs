//! What the running server tells the other commands: where it is.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{StateDir, StateError};

const FILE: &str = "running.json";

/// A server that runs, or ran until it was killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// How a browser reaches it, without a slash at the end.
    pub(crate) url: String,
    /// The SHA-256 of the certificate that it shows, if it speaks TLS.
    pub(crate) fingerprint: Option<String>,
}

impl Running {
    /// Tells the other commands.
    pub(crate) fn tell(&self, dir: &StateDir) -> Result<(), StateError> {
        dir.replace_json(FILE, self)
    }

    /// The one that told last, if there is one.
    pub(crate) fn find(dir: &StateDir) -> Result<Option<Self>, StateError> {
        dir.read_json(FILE)
    }

    /// Tells that none runs any more.
    pub(crate) fn forget(dir: &StateDir) -> Result<(), StateError> {
        dir.remove(FILE)
    }
}
