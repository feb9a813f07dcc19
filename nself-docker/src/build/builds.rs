//! The builds of a project: one at a time, and the last ones to be looked at.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nself_realtime::clock::{Clock as _, SystemClock};
use nself_realtime::{Hub, Name, RoomName};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Build;
use super::error::BuildCause;
use super::journal::Journal;
use super::notice;
use super::report::BuildReport;
use super::source::ProjectSource;
use super::statistics::BuildStatistics;
use crate::compose::Loaded;
use crate::engine::Engine;
use crate::inventory::room_of_project;

/// The builds of a project. A cheap clone; the builds go on until [`Builds::shutdown`], whoever holds it.
#[derive(Clone)]
pub struct Builds {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Arc<dyn Engine>,
    source: ProjectSource,
    hub: Hub,
    room: RoomName,
    runs: Mutex<Runs>,
    tasks: TaskTracker,
}

struct Runs {
    held: VecDeque<Held>,
    /// Those that are not kept any more.
    gone: BuildStatistics,
}

struct Held {
    id: Name,
    journal: Journal,
    stop: CancellationToken,
}

/// Why a build was not begun or cancelled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildsError {
    /// Another one has not ended yet.
    #[error("the build {running} has not ended yet: wait for its end, or cancel it")]
    Conflict {
        /// The other one.
        running: Name,
    },
    /// The project asks for what is not allowed.
    #[error("{0}")]
    Policy(BuildCause),
    /// The engine does not answer.
    #[error("the engine is offline: wait until it is back")]
    EngineOffline,
    /// The program is about to end.
    #[error("the program is about to end: start the build when it is back")]
    Closing,
    /// There is no such build.
    #[error("there is no build {id}; the last {KEPT} are kept")]
    NotFound {
        /// What it should have been called.
        id: String,
    },
}

impl Builds {
    /// The builds of that project on that engine. They are told in the room of the project; those of a
    /// project that cannot be read have no name, and are told in `room`. One that fails is told by a
    /// `notification`, too, which leads to it.
    pub fn new(
        engine: Arc<dyn Engine>,
        project: impl Into<ProjectSource>,
        hub: Hub,
        room: RoomName,
    ) -> Self {
        let shared = Shared {
            engine,
            source: project.into(),
            hub,
            room,
            runs: Mutex::new(Runs { held: VecDeque::new(), gone: BuildStatistics::new() }),
            tasks: TaskTracker::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Begins a build, and returns at once. A project that is not valid makes a build that fails in its
    /// first step, and can be looked at as any other; one that asks for what is not allowed makes none.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`BuildsError`]: nothing was begun.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it returns, nothing was begun.
    pub async fn start(&self) -> Result<Name, BuildsError> {
        self.may_begin(&self.lock())?;
        let loaded = self.shared.source.load().await;
        if let Err(cause) = &loaded
            && cause.is_policy()
        {
            return Err(BuildsError::Policy(loaded.err().unwrap_or(BuildCause::Abandoned)));
        }
        // What is wrong with a project is found without the engine.
        if loaded.is_ok()
            && self.shared.engine.version().await.is_err_and(|error| error.is_offline())
        {
            return Err(BuildsError::EngineOffline);
        }
        let Shared { engine, hub, room, tasks, .. } = &*self.shared;
        let (room, project) = match &loaded {
            Ok(Loaded { project, .. }) => (room_of_project(&project.name), project.name.clone()),
            Err(_) => (room.clone(), room.as_str().to_owned()),
        };
        let mut runs = self.lock();
        // Again: another one may have begun meanwhile, or the program may be about to end.
        self.may_begin(&runs)?;
        let id = identity();
        let source = ProjectSource::of(loaded);
        let build =
            Build::builder(Arc::clone(engine), source).on(hub.open_room(&room)).id(id.clone());
        let (journal, stop) = (build.journal(), CancellationToken::new());
        let ended = build.perform(journal.clone(), stop.clone());
        let (system, of) = (hub.system(), id.clone());
        tasks.spawn(async move {
            if let Err(error) = ended.await {
                notice::publish(&system, &room, &project, &of, &error);
            }
        });
        if runs.held.len() == KEPT
            && let Some(ended) = runs.held.pop_front().and_then(|oldest| oldest.journal.ended())
        {
            runs.gone.add(&ended);
        }
        runs.held.push_back(Held { id: id.clone(), journal, stop });
        Ok(id)
    }

    /// Tells a build to stop, and returns at once; its end is told as any other. One that has ended stays
    /// as it is.
    ///
    /// # Errors
    ///
    /// [`BuildsError::NotFound`].
    pub fn cancel(&self, id: &str) -> Result<(), BuildsError> {
        let runs = self.lock();
        let held = runs.held.iter().find(|held| held.id.as_str() == id);
        let held = held.ok_or_else(|| BuildsError::NotFound { id: id.to_owned() })?;
        held.stop.cancel();
        Ok(())
    }

    /// A build as it stands.
    ///
    /// # Errors
    ///
    /// [`BuildsError::NotFound`].
    pub fn report(&self, id: &str) -> Result<BuildReport, BuildsError> {
        let runs = self.lock();
        let held = runs.held.iter().find(|held| held.id.as_str() == id);
        let held = held.ok_or_else(|| BuildsError::NotFound { id: id.to_owned() })?;
        Ok(held.journal.report())
    }

    /// All builds that are kept as they stand, the newest first.
    pub fn reports(&self) -> Vec<BuildReport> {
        self.lock().held.iter().rev().map(|held| held.journal.report()).collect()
    }

    /// How all builds ended that have ended, and how long they took.
    pub fn statistics(&self) -> BuildStatistics {
        let runs = self.lock();
        let mut all = runs.gone.clone();
        for ended in runs.held.iter().filter_map(|held| held.journal.ended()) {
            all.add(&ended);
        }
        all
    }

    /// Cancels what is under way, and waits until it has taken back what is half done. Nothing is begun
    /// from now on.
    pub async fn shutdown(&self) {
        self.close();
        self.shared.tasks.wait().await;
    }

    /// Holds those up who begin: what has begun is cancelled, and nothing begins afterwards.
    fn close(&self) {
        let runs = self.lock();
        self.shared.tasks.close();
        for held in &runs.held {
            held.stop.cancel();
        }
    }

    fn may_begin(&self, runs: &Runs) -> Result<(), BuildsError> {
        if self.shared.tasks.is_closed() {
            return Err(BuildsError::Closing);
        }
        let running = runs.held.iter().find(|held| !held.journal.has_ended());
        running.map_or(Ok(()), |held| Err(BuildsError::Conflict { running: held.id.clone() }))
    }

    fn lock(&self) -> MutexGuard<'_, Runs> {
        self.shared.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Builds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builds").finish_non_exhaustive()
    }
}

/// A name made of the time, which no other build of this program has: two may begin in one millisecond.
#[expect(clippy::expect_used, reason = "letters, digits and a dash are always a name")]
pub(super) fn identity() -> Name {
    static LAST: AtomicI64 = AtomicI64::new(0);
    let millis = SystemClock.timestamp().unix_nanos() / 1_000_000;
    let millis = i64::try_from(millis).unwrap_or(0);
    let after = |last: i64| millis.max(last + 1);
    let last = LAST.fetch_update(Ordering::AcqRel, Ordering::Acquire, |last| Some(after(last)));
    let number = after(last.unwrap_or_else(|last| last));
    Name::new(format!("build-{number}")).expect("letters, digits and a dash are a name")
}

/// How many builds are kept, as rooms keep them too.
const KEPT: usize = 20;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn builds_that_begin_together_have_names_of_their_own() {
        let names: HashSet<_> = (0..1_000).map(|_| identity()).collect();
        assert_eq!(names.len(), 1_000);
    }
}
