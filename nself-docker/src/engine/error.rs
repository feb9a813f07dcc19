//! Why an engine did not do what it was asked: told by kind, never by the text of some library, and
//! with the mend where a person can mend it.

use std::time::Duration;

/// Why an engine did not answer, or refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Nothing is where the engine's socket should be.
    #[error(
        "no engine at {address}: the socket is not there; start the engine, or name another with --docker-host or DOCKER_HOST"
    )]
    SocketMissing {
        /// The address that was tried.
        address: String,
    },
    /// The socket is there and this user may not use it.
    #[error("no permission for {address}: {mend}")]
    PermissionDenied {
        /// The address that was tried.
        address: String,
        /// Which group may use it, and how to become one of it.
        mend: String,
    },
    /// The socket is there, or the host is, and nobody listens.
    #[error("nobody listens at {address}: start the engine")]
    Refused {
        /// The address that was tried.
        address: String,
    },
    /// The address cannot be used at all.
    #[error("{message}")]
    Address {
        /// What is wrong with it, and the mend.
        message: String,
    },
    /// The engine is older than what this crate understands.
    #[error(
        "the engine {engine} is too old, its interface is {api}: use Docker 20.10 or later, or Podman 4 or later"
    )]
    TooOld {
        /// Its own version.
        engine: String,
        /// The newest version of the interface that it speaks.
        api: String,
    },
    /// The engine answered that it will not.
    #[error("the engine answered {status}: {message}{}", mend_of(*status))]
    Api {
        /// The HTTP status.
        status: u16,
        /// Its words.
        message: String,
    },
    /// The engine did not answer in time.
    #[error("the engine did not answer within {} s: see whether the host is overloaded", after.as_secs())]
    Timeout {
        /// How long it was waited for.
        after: Duration,
    },
    /// The engine's answer makes no sense to us.
    #[error("the engine's answer cannot be read: {message}")]
    Unreadable {
        /// Where it stops making sense.
        message: String,
    },
    /// The engine itself could not read on in a log that it had begun to give: a damaged line, or a disk
    /// that does not answer.
    #[error("the engine cannot read on in the log: {message} (its own log may say more)")]
    ReadingFailed {
        /// Its words.
        message: String,
    },
    /// The connection broke.
    #[error("the connection to the engine broke: {message}; see whether it runs")]
    Broken {
        /// What the operating system says.
        message: String,
    },
}

impl EngineError {
    /// Whether the container that was asked about does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Api { status: 404, .. })
    }

    /// Whether the engine itself could not be reached; otherwise it is there and said no.
    pub fn is_offline(&self) -> bool {
        !matches!(self, Self::Api { .. } | Self::Unreadable { .. } | Self::ReadingFailed { .. })
    }
}

/// What can be done about a refusal, where its status says so.
fn mend_of(status: u16) -> &'static str {
    match status {
        404 => " (it has been removed)",
        409 => " (something else is being done to it: try again when that has ended)",
        500 => " (the engine's own log may say more)",
        501 => " (the engine cannot do it as this container is configured)",
        _ => "",
    }
}
