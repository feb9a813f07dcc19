//! What an engine was asked and what came of it, counted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::EngineError;
use crate::durations::Durations;

/// What an engine can be asked: the methods of [`Engine`](super::Engine).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "they are named as the methods that they stand for")]
#[non_exhaustive]
pub enum EngineCall {
    Version,
    Events,
    List,
    Inspect,
    Logs,
    Stats,
    Pull,
    Start,
    Stop,
    Restart,
    Network,
    CreateNetwork,
    Volume,
    CreateVolume,
    Image,
    Build,
    Project,
    VolumesOf,
    Create,
    Rename,
    Remove,
}

impl EngineCall {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::Version,
        Self::Events,
        Self::List,
        Self::Inspect,
        Self::Logs,
        Self::Stats,
        Self::Pull,
        Self::Start,
        Self::Stop,
        Self::Restart,
        Self::Network,
        Self::CreateNetwork,
        Self::Volume,
        Self::CreateVolume,
        Self::Image,
        Self::Build,
        Self::Project,
        Self::VolumesOf,
        Self::Create,
        Self::Rename,
        Self::Remove,
    ];

    /// Its name in metrics, which is that of the method.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Events => "events",
            Self::List => "list",
            Self::Inspect => "inspect",
            Self::Logs => "logs",
            Self::Stats => "stats",
            Self::Pull => "pull",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Network => "network",
            Self::CreateNetwork => "create_network",
            Self::Volume => "volume",
            Self::CreateVolume => "create_volume",
            Self::Image => "image",
            Self::Build => "build",
            Self::Project => "project",
            Self::VolumesOf => "volumes_of",
            Self::Create => "create",
            Self::Rename => "rename",
            Self::Remove => "remove",
        }
    }

    /// Whether it is answered once; a stream goes on for as long as it is read.
    pub fn is_question(self) -> bool {
        !matches!(self, Self::Events | Self::Logs | Self::Stats | Self::Pull | Self::Build)
    }
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallOutcome {
    /// It was answered, or its stream came to its end.
    Ok,
    /// What it was about does not exist.
    NotFound,
    /// The engine was busy with it, or has something of that name.
    Conflict,
    /// The engine answered another error.
    Refused,
    /// The engine cannot be reached, or its connection broke.
    Unreachable,
    /// The engine did not answer in time.
    Timeout,
    /// The answer makes no sense.
    Unreadable,
    /// Nobody waited any longer: a stream was not wanted any more, an answer took too long for the one
    /// who asked.
    GivenUp,
}

impl CallOutcome {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::NotFound,
        Self::Conflict,
        Self::Refused,
        Self::Unreachable,
        Self::Timeout,
        Self::Unreadable,
        Self::GivenUp,
    ];

    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Unreadable => "unreadable",
            Self::GivenUp => "given_up",
        }
    }
}

impl From<&EngineError> for CallOutcome {
    fn from(error: &EngineError) -> Self {
        match error {
            EngineError::Api { status: 404, .. } => Self::NotFound,
            EngineError::Api { status: 409, .. } => Self::Conflict,
            EngineError::Api { .. } | EngineError::ReadingFailed { .. } => Self::Refused,
            EngineError::Timeout { .. } => Self::Timeout,
            EngineError::Unreadable { .. } => Self::Unreadable,
            EngineError::SocketMissing { .. }
            | EngineError::PermissionDenied { .. }
            | EngineError::Refused { .. }
            | EngineError::Address { .. }
            | EngineError::TooOld { .. }
            | EngineError::Broken { .. } => Self::Unreachable,
        }
    }
}

/// The calls of one kind that have ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallStatistics {
    /// Which kind.
    pub call: EngineCall,
    /// How many ended how, for each of [`CallOutcome::ALL`].
    pub outcomes: Vec<(CallOutcome, u64)>,
    /// How long they took, whatever came of them; absent for streams.
    pub took: Option<Durations>,
}

impl CallStatistics {
    fn new(call: EngineCall) -> Self {
        let outcomes = CallOutcome::ALL.map(|outcome| (outcome, 0));
        let took = call.is_question().then(|| Durations::new(&BOUNDS));
        Self { call, outcomes: outcomes.into(), took }
    }

    fn add(&mut self, outcome: CallOutcome, took: Duration) {
        if let Some((_, count)) = self.outcomes.iter_mut().find(|(own, _)| *own == outcome) {
            *count += 1;
        }
        if let Some(durations) = &mut self.took {
            durations.add(took);
        }
    }
}

/// The counts of all calls. A cheap clone.
#[derive(Debug, Clone)]
pub struct EngineCalls {
    of_each: Arc<Mutex<Vec<CallStatistics>>>,
}

impl EngineCalls {
    pub(super) fn new() -> Self {
        let of_each = EngineCall::ALL.map(CallStatistics::new).into();
        Self { of_each: Arc::new(Mutex::new(of_each)) }
    }

    /// What was counted so far, for each of [`EngineCall::ALL`].
    pub fn statistics(&self) -> Vec<CallStatistics> {
        self.lock().clone()
    }

    /// Notes that a call begins.
    pub(super) fn begin(&self, call: EngineCall) -> Calling {
        let began = Instant::now();
        Calling { calls: self.clone(), call, began, outcome: CallOutcome::GivenUp }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<CallStatistics>> {
        self.of_each.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that has begun. It is counted when it is dropped, as given up unless it was said how it ended.
#[derive(Debug)]
pub(super) struct Calling {
    calls: EngineCalls,
    call: EngineCall,
    began: Instant,
    outcome: CallOutcome,
}

impl Calling {
    /// Ends it with that error, or well.
    pub(super) fn end(mut self, error: Option<&EngineError>) {
        self.outcome = error.map_or(CallOutcome::Ok, CallOutcome::from);
    }
}

impl Drop for Calling {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        let mut of_each = self.calls.lock();
        if let Some(of_this) = of_each.iter_mut().find(|of_one| of_one.call == self.call) {
            of_this.add(self.outcome, took);
        }
    }
}

/// A question takes milliseconds; a stop takes as long as the container's grace.
static BOUNDS: [Duration; 11] = [
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_mins(1),
];
