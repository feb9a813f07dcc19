//! A container as the engine describes it, cut down to what a service's status is made of.

use nself_realtime::NanoTimestamp;
use nself_realtime::event::{HealthState, Port};

use crate::details::Configuration;

/// What an engine says about a container. What a list does not tell is absent until an inspection.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Container {
    /// Its identity for ever.
    pub id: String,
    /// Its name, without the slash that the engine puts before it.
    pub name: String,
    /// What it was made from.
    pub image: String,
    /// The Compose project that it belongs to.
    pub project: Option<String>,
    /// The service of that project.
    pub service: Option<String>,
    /// Whether it was made for one command (`docker compose run`).
    pub one_off: bool,
    /// What it does.
    pub state: ContainerState,
    /// What its health check says, if it has one.
    pub health: Option<HealthState>,
    /// How often in a row the check has failed.
    pub failing_streak: Option<u64>,
    /// When the check ran last.
    pub last_check: Option<NanoTimestamp>,
    /// What the last check printed.
    pub check_output: Option<String>,
    /// What its process exited with, if it is dead.
    pub exit_code: Option<i64>,
    /// Whether the kernel killed it for want of memory.
    pub oom_killed: Option<bool>,
    /// How often the engine started it again by itself.
    pub restart_count: Option<u64>,
    /// When it started last.
    pub started_at: Option<NanoTimestamp>,
    /// What the engine says went wrong with it.
    pub error: Option<String>,
    /// The published ports.
    pub ports: Vec<Port>,
    /// Its memory limit in bytes, if it has one of its own.
    pub memory_limit: Option<u64>,
    /// Where its log goes.
    pub log_driver: Option<String>,
    /// Whether lines are dropped while its log cannot keep up (`mode=non-blocking`): nothing tells
    /// which.
    pub log_drops_lines: bool,
    /// How it was configured, without secrets.
    pub configuration: Option<Box<Configuration>>,
}

impl Container {
    /// A container of which nothing else is known.
    pub fn new(id: impl Into<String>, name: impl Into<String>, state: ContainerState) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            image: String::new(),
            project: None,
            service: None,
            one_off: false,
            state,
            health: None,
            failing_streak: None,
            last_check: None,
            check_output: None,
            exit_code: None,
            oom_killed: None,
            restart_count: None,
            started_at: None,
            error: None,
            ports: Vec::new(),
            memory_limit: None,
            log_driver: None,
            log_drops_lines: false,
            configuration: None,
        }
    }

    /// Makes it a member of a Compose service.
    pub fn in_service(mut self, project: impl Into<String>, service: impl Into<String>) -> Self {
        self.project = Some(project.into());
        self.service = Some(service.into());
        self
    }
}

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContainerState {
    /// It was never started.
    Created,
    /// Its process runs.
    Running,
    /// Its processes are frozen.
    Paused,
    /// It is dead, and the engine is about to start it again.
    Restarting,
    /// It is dead.
    Exited,
    /// It is being removed.
    Removing,
}

impl ContainerState {
    /// Whether it has a process, or is about to have one again.
    pub fn is_up(self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Restarting)
    }

    /// Whether it has a process that can print and use memory.
    pub fn has_process(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }
}
