//! One container, and what events told of the end of its process. Only events can tell a process that
//! was asked to stop from one that failed; a list sees the exit code alone.

use std::time::{Duration, Instant};

use super::ServiceKey;
use crate::engine::{Container, ContainerAction, ContainerState};

/// A container that is known.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) container: Container,
    pub(crate) key: ServiceKey,
    pub(super) told: Told,
}

/// What events told since the process began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Whether somebody sent it a signal. It may have been handled.
    killed: bool,
    /// Why it ended.
    end: Option<End>,
    /// Until when the news that it was asked to stop may come.
    held_until: Option<Instant>,
}

/// Why a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Somebody asked for it.
    Asked,
    /// By itself.
    ByItself,
}

impl Record {
    /// The Compose project that it belongs to.
    pub(crate) fn project(&self) -> Option<&str> {
        self.container.project.as_deref()
    }

    /// Takes what happened to the container.
    pub(super) fn handle(&mut self, action: ContainerAction, now: Instant) {
        let told = &mut self.told;
        match action {
            ContainerAction::Start | ContainerAction::Restart => *told = Told::default(),
            ContainerAction::Kill => told.killed = true,
            ContainerAction::Die { .. } if told.killed => {
                told.held_until = Some(now + STOP_FOLLOWS_WITHIN);
            }
            // The exit code decides.
            ContainerAction::Die { tells_signals: false, .. } => told.end = None,
            ContainerAction::Die { .. } => told.end = Some(End::ByItself),
            ContainerAction::Stop => *told = Told { end: Some(End::Asked), ..Told::default() },
            ContainerAction::Create | ContainerAction::Destroy | ContainerAction::Change => {}
        }
    }

    /// Ends the waiting for news, if it is time. True if it was.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> bool {
        let due = self.told.held_until.is_some_and(|until| until <= now);
        if due {
            // Killed, and nobody said that it was to stop: the exit code decides.
            self.told = Told::default();
        }
        due
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.told.held_until
    }

    pub(super) fn is_held(&self) -> bool {
        self.told.held_until.is_some()
    }

    /// What of the news still holds for what is known of the container now.
    pub(super) fn told_for(&self, container: &Container) -> Told {
        let same_run = self.container.started_at.is_none()
            || self.container.started_at == container.started_at;
        if same_run { self.told } else { Told { end: None, ..self.told } }
    }

    /// Whether the process ended by failing: by itself with a code other than 0, or killed for want
    /// of memory.
    pub(crate) fn has_failed(&self) -> bool {
        let container = &self.container;
        if container.state != ContainerState::Exited {
            return false;
        }
        let code = container.exit_code.unwrap_or(0);
        let out_of_memory = container.oom_killed == Some(true) && code != 0;
        match self.told.end {
            Some(End::Asked) => false,
            Some(End::ByItself) => code != 0,
            // 130, 143 and 137 are what the signals of Ctrl-C, `stop` and `kill` end with.
            None => out_of_memory || !matches!(code, 0 | 130 | 137 | 143),
        }
    }
}

/// How long after the end of a process the news that it was asked for may take.
const STOP_FOLLOWS_WITHIN: Duration = Duration::from_secs(1);
