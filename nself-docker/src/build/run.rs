//! A build under way: what its steps share.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::error::{BuildCause, BuildError};
use super::journal::Journal;
use crate::compose::Project;
use crate::engine::{Engine, EngineError};

/// What the steps work with.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) engine: &'a dyn Engine,
    pub(super) project: &'a Project,
    pub(super) journal: &'a Journal,
    /// Cancelled when the build is to stop.
    pub(super) stop: &'a CancellationToken,
    /// How long a container may take to become healthy, or to run to its end.
    pub(super) patience: Duration,
}

/// Why a step did not come to its end.
#[derive(Debug)]
pub(super) enum Halt {
    /// It was told to stop.
    Cancelled,
    /// Something that it waited for failed, which tells why.
    Skipped,
    Failed(Box<Failure>),
}

#[derive(Debug)]
pub(super) struct Failure {
    service: Option<String>,
    cause: BuildCause,
    output: Vec<String>,
}

impl Halt {
    /// A failure at a service.
    pub(super) fn at(service: &str, cause: impl Into<BuildCause>) -> Self {
        Self::quoting(service, cause, Vec::new())
    }

    /// A failure at a service that printed this before.
    pub(super) fn quoting(
        service: &str,
        cause: impl Into<BuildCause>,
        output: Vec<String>,
    ) -> Self {
        let service = Some(service.to_owned());
        Self::Failed(Box::new(Failure { service, cause: cause.into(), output }))
    }

    pub(super) fn into_error(self, journal: &Journal) -> BuildError {
        let step = journal.step();
        match self {
            Self::Failed(failure) => {
                let Failure { service, cause, output } = *failure;
                BuildError::Failed { step, service, cause, output }
            }
            Self::Cancelled | Self::Skipped => {
                BuildError::Cancelled { step, made: journal.made_so_far() }
            }
        }
    }
}

impl Halt {
    /// The same, and the container before could not be brought back.
    pub(super) fn not_restored(self, service: &str, source: EngineError) -> Self {
        let (cause, output) = match self {
            Self::Failed(failure) => (failure.cause, failure.output),
            Self::Cancelled | Self::Skipped => (BuildCause::Cancelled, Vec::new()),
        };
        Self::quoting(service, BuildCause::NotRestored { cause: Box::new(cause), source }, output)
    }
}

impl Failure {
    pub(super) fn set_output(&mut self, output: Vec<String>) {
        self.output = output;
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.cause.fmt(f)
    }
}

impl<C: Into<BuildCause>> From<C> for Halt {
    fn from(cause: C) -> Self {
        Self::Failed(Box::new(Failure { service: None, cause: cause.into(), output: Vec::new() }))
    }
}

impl Run<'_> {
    /// Waits for something that leaves nothing half done when it is dropped.
    pub(super) async fn until_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, Halt> {
        self.stop.run_until_cancelled(work).await.ok_or(Halt::Cancelled)
    }

    /// Asks the engine something.
    pub(super) async fn ask<T>(
        &self,
        question: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, Halt> {
        Ok(self.until_stopped(question).await??)
    }

    /// Stops here, if that is wanted. What follows is not interrupted.
    pub(super) fn check(&self) -> Result<(), Halt> {
        if self.stop.is_cancelled() { Err(Halt::Cancelled) } else { Ok(()) }
    }
}
