//! What the running server tells the other commands: where it is.

use std::fs::{File, TryLockError};
use std::io;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{StateDir, StateError, private};

const FILE: &str = "running.json";

/// Held by a server as long as it lives: one that is killed lets go of it, and leaves its file.
const ALIVE: &str = "running.lock";

/// A server that runs.
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
    /// Tells the other commands, as long as what it returns is held.
    pub(crate) fn tell(&self, dir: &StateDir) -> Result<Alive, StateError> {
        let lock = || {
            // Some file systems lock only what can be read and written.
            let file = private().create(true).read(true).append(true).open(dir.file(ALIVE))?;
            dir.give(&file)?;
            file.lock_shared()?;
            Ok(Alive { _file: file })
        };
        let alive = lock().map_err(|source| StateError::Write { path: dir.file(ALIVE), source })?;
        dir.replace_json(FILE, self)?;
        Ok(alive)
    }

    /// The one that told last, if one is alive.
    pub(crate) fn find(dir: &StateDir) -> Result<Option<Self>, StateError> {
        let read = |source| StateError::Read { path: dir.file(ALIVE), source };
        // One at a time: another one who looks would seem to be a server.
        let _lock = dir.lock()?;
        let file = match private().read(true).append(true).open(dir.file(ALIVE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(read)?,
        };
        match file.try_lock() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => dir.read_json(FILE),
            Err(TryLockError::Error(error)) => Err(read(error)),
        }
    }

    /// Tells that none runs any more.
    pub(crate) fn forget(dir: &StateDir) -> Result<(), StateError> {
        dir.remove(FILE)
    }
}

/// That a server is alive, until it is dropped.
#[derive(Debug)]
pub(crate) struct Alive {
    _file: File,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_found_as_long_as_it_is_alive() {
        let parent = tempfile::tempdir().unwrap();
        let dir = StateDir::open(parent.path().to_owned()).unwrap();
        assert_eq!(Running::find(&dir).unwrap(), None);
        let running = Running {
            address: "127.0.0.1:3021".parse().unwrap(),
            url: "http://127.0.0.1:3021".to_owned(),
            fingerprint: None,
        };
        let alive = running.tell(&dir).unwrap();
        assert_eq!(Running::find(&dir).unwrap().as_ref(), Some(&running));
        drop(alive);
        assert!(dir.file(FILE).exists(), "as after a kill");
        assert_eq!(Running::find(&dir).unwrap(), None);
    }
}
