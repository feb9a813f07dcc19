//! Why a build ended without being complete.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::context::ContextError;
use super::step::BuildStep;
use crate::compose::LoadError;
use crate::engine::EngineError;

/// Why a build is not complete.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// It was told to stop.
    #[error("the build was cancelled while {}; {}", step.name().to_lowercase(), told(made))]
    Cancelled {
        /// The step that it was at.
        step: BuildStep,
        /// What it had made by then, as `network shop_default`; it is still there.
        made: Vec<String>,
    },
    /// It could not do what it was to do.
    #[error("{step}: {}{cause}", of(service.as_deref()))]
    Failed {
        /// The step that failed.
        step: BuildStep,
        /// The service that it failed at, if it was one.
        service: Option<String>,
        /// Why.
        #[source]
        cause: BuildCause,
        /// The last lines that the build or the container printed, 20 at most.
        output: Vec<String>,
    },
}

/// Why a step of a build failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildCause {
    /// The project is not valid.
    #[error("{0}")]
    Project(#[from] LoadError),
    /// The file could not be written.
    #[error("{} cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The engine did not do it.
    #[error("{}", words_of(.0))]
    Engine(#[from] EngineError),
    /// The files of a build cannot be sent.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// The files of a build could not be packed to their end.
    #[error("{message}")]
    Packing {
        /// Which file, and why.
        message: String,
    },
    /// A network or volume that is there belongs to something else.
    #[error(
        "there is a {kind} {name} that this project did not make: set `external: true` to use it, or give \
         yours another name"
    )]
    Foreign {
        /// `network` or `volume`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// A network or volume that has to be there is not.
    #[error(
        "the {kind} {name} is external and not there: make it with `docker {kind} create {name}`"
    )]
    Missing {
        /// `network` or `volume`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The build of an image ended without one.
    #[error("the engine stopped telling of the build of {image}")]
    NoImage {
        /// The image.
        image: String,
    },
    /// A container exited when it should run.
    #[error("it exited with code {code}{}", if *oom { ", killed for want of memory" } else { "" })]
    Exited {
        /// Its exit code.
        code: i64,
        /// Whether the kernel killed it.
        oom: bool,
    },
    /// A container is there and does not run.
    #[error("it does not run: {state}")]
    NotRunning {
        /// What it does instead.
        state: String,
    },
    /// A health check failed.
    #[error("its health check failed{}", said(output.as_deref()))]
    Unhealthy {
        /// What the check printed.
        output: Option<String>,
    },
    /// Something depends on a health check that is not there.
    #[error("something waits for it to be healthy, and it has no health check")]
    NoHealthCheck,
    /// A container took too long.
    #[error("it was not {wanted} after {} s", after.as_secs())]
    TooLong {
        /// What was waited for.
        wanted: &'static str,
        /// For how long.
        after: Duration,
    },
    /// The build was cancelled.
    #[error("the build was cancelled")]
    Cancelled,
    /// A fault of this program.
    #[error(
        "the build ended without a word, which is a fault of this program: its own log may say more"
    )]
    Abandoned,
    /// The one that was there before could not be started again.
    #[error("{cause}; and the one before it could not be brought back: {}", words_of(source))]
    NotRestored {
        /// Why it was to be replaced and was not.
        cause: Box<Self>,
        /// What the engine says.
        source: EngineError,
    },
}

impl BuildCause {
    /// Whether the project asks for what is not allowed, and nothing else is wrong with it.
    pub fn is_policy(&self) -> bool {
        matches!(self, Self::Project(error) if error.is_policy())
    }
}

/// What an engine says: the mends in the text of its refusals are those of actions on a container.
pub(super) fn words_of(error: &EngineError) -> String {
    match error {
        EngineError::Api { message, .. } => message.clone(),
        other => other.to_string(),
    }
}

/// What had been made, in words for people.
pub(super) fn told(made: &[String]) -> String {
    match made {
        [] => "nothing had been made".to_owned(),
        made => format!("made before and left: {}", made.join(", ")),
    }
}

fn of(service: Option<&str>) -> String {
    service.map(|service| format!("{service}: ")).unwrap_or_default()
}

fn said(output: Option<&str>) -> String {
    output.map(|output| format!(": {}", output.trim())).unwrap_or_default()
}
