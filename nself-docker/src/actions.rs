//! What can be done to a service, why it may not be, and the doing.

use std::sync::Arc;

use futures::future::join_all;
use nself_realtime::event::ServiceState;
use nself_realtime::{Name, RoomName};
use tokio::sync::oneshot;

use crate::engine::{Engine, EngineError};

/// Something to do to all containers of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Start those that do not run.
    Start,
    /// Stop those that run.
    Stop,
    /// Stop and start them.
    Restart,
}

impl Action {
    /// What a service is while this is done to it.
    pub(crate) fn state_meanwhile(self) -> ServiceState {
        match self {
            Self::Start => ServiceState::Starting,
            Self::Stop => ServiceState::Stopping,
            Self::Restart => ServiceState::Restarting,
        }
    }

    /// Does it to these containers, all at once. The first refusal comes back, if there is one.
    pub(crate) async fn perform(
        self,
        engine: Arc<dyn Engine>,
        containers: Vec<String>,
    ) -> Result<(), EngineError> {
        let answers = join_all(containers.iter().map(|id| match self {
            Self::Start => engine.start(id),
            Self::Stop => engine.stop(id),
            Self::Restart => engine.restart(id),
        }));
        answers.await.into_iter().collect()
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
        })
    }
}

/// An action that has begun. It goes on whether this is kept or dropped.
#[derive(Debug)]
pub struct Accepted {
    outcome: oneshot::Receiver<Result<(), EngineError>>,
}

impl Accepted {
    /// An action that has begun, and what its outcome is to be told to.
    pub(crate) fn begin() -> (Self, oneshot::Sender<Result<(), EngineError>>) {
        let (tell, outcome) = oneshot::channel();
        (Self { outcome }, tell)
    }

    /// Waits until the engine has done it to all containers of the service, or has refused. A container
    /// may ask for minutes of grace before it is killed.
    ///
    /// # Errors
    ///
    /// [`OutcomeError`]. It may have been done to some of several containers.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it returns, the outcome is told by `service:status` alone.
    pub async fn ended(self) -> Result<(), OutcomeError> {
        let outcome = self.outcome.await.map_err(|_| OutcomeError::Abandoned)?;
        outcome.map_err(OutcomeError::Engine)
    }
}

/// Why an action that had begun did not succeed, as far as anybody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutcomeError {
    /// The engine refused, or went away before it had answered: the first refusal, if there are several.
    #[error(transparent)]
    Engine(EngineError),
    /// [`Docker`](crate::Docker) ended before the engine had answered: it may have been done or not.
    #[error("abandoned before the engine had answered: look what became of it")]
    Abandoned,
}

/// Why an action was not begun.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ActionError {
    /// There is no such service.
    #[error("there is no service {service} in {room}")]
    NotFound {
        /// Where it should have been.
        room: RoomName,
        /// What it should have been called.
        service: Name,
    },
    /// Another action on the same service has not ended yet.
    #[error("{service} is busy: a {running} has not ended yet; wait for its outcome")]
    Conflict {
        /// The service.
        service: Name,
        /// What is being done to it.
        running: Action,
    },
    /// The engine does not answer.
    #[error("the engine is offline: wait until it is back")]
    EngineOffline,
}
