//! The one who holds the truth about an engine, and the handle that others hold.

mod desk;
mod link;
mod obituary;
mod rooms;
mod samples;
mod target;
mod watches;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use nself_realtime::event::{EngineState, EngineStatus, ServiceStatus};
use nself_realtime::{Hub, Name, RoomName};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use self::desk::{Command, Desk};
use self::link::within;
use crate::actions::{Accepted, Action, ActionError};
use crate::details::{ContainerDetails, DetailsError, ServiceDetails};
use crate::engine::Engine;
use crate::inventory::ServiceKey;
use crate::logs::{History, HistoryQuery, read_history};

/// How an engine is looked after. The default is good for production.
#[derive(Debug, Clone)]
pub struct DockerConfig {
    engine: Name,
    list_every: Duration,
    linger: Duration,
    keep_room: Option<RoomName>,
}

impl DockerConfig {
    /// What the engine is called in `engine:status`. Default `docker`.
    pub fn engine(mut self, name: Name) -> Self {
        self.engine = name;
        self
    }

    /// How often everything is listed: that long a lost event stays unnoticed at most. Default 30 s;
    /// not less than 1 s.
    pub fn list_every(mut self, interval: Duration) -> Self {
        self.list_every = interval.max(Duration::from_secs(1));
        self
    }

    /// How long logs and stats go on after the last one who watched has left. Default 10 s.
    pub fn linger(mut self, time: Duration) -> Self {
        self.linger = time;
        self
    }

    /// A room that is there from the beginning and stays, whether its project has a service or not.
    /// Default: none.
    pub fn keep_room(mut self, room: RoomName) -> Self {
        self.keep_room = Some(room);
        self
    }
}

impl Default for DockerConfig {
    fn default() -> Self {
        Self {
            engine: crate::inventory::name_or_digest("docker"),
            list_every: Duration::from_secs(30),
            linger: Duration::from_secs(10),
            keep_room: None,
        }
    }
}

/// An engine whose events go into a hub. A cheap clone; everything ends with the last one, or by
/// [`Docker::shutdown`].
#[derive(Debug, Clone)]
pub struct Docker {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Arc<dyn Engine>,
    /// Reading old lines costs the engine much: only so many at once.
    histories: Semaphore,
    commands: mpsc::Sender<Command>,
    known: watch::Receiver<Known>,
    tasks: TaskTracker,
    stop: CancellationToken,
    _stop_with_last_handle: DropGuard,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("known", &*self.known.borrow()).finish_non_exhaustive()
    }
}

/// What is known, for those who ask instead of listening.
#[derive(Debug, Clone)]
struct Known {
    engine: EngineStatus,
    services: BTreeMap<ServiceKey, ServiceStatus>,
    first_list_tried: bool,
    followers: usize,
}

impl Docker {
    /// Begins to look after an engine. There need not be one: it is waited for.
    ///
    /// Must be called within a tokio runtime.
    pub fn spawn(engine: Arc<dyn Engine>, hub: Hub, config: DockerConfig) -> Self {
        let (commands, received) = mpsc::channel(COMMANDS_WAITING);
        let (tell, known) = watch::channel(Known {
            engine: engine_status(&config.engine, EngineState::Connecting),
            services: BTreeMap::new(),
            first_list_tried: false,
            followers: 0,
        });
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let desk = Desk::new(Arc::clone(&engine), hub, config, received, tell);
        tasks.spawn(desk.run(stop.clone()));
        tasks.close();
        let guard = stop.clone().drop_guard();
        let shared = Shared {
            engine,
            histories: Semaphore::new(HISTORIES_AT_ONCE),
            commands,
            known,
            tasks,
            stop,
            _stop_with_last_handle: guard,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Begins an action on a service. Returns as soon as it has begun and its beginning was
    /// published; how it ends is told by `service:status`, a refusal as the old status with a message, and
    /// by [`Accepted::ended`] to whoever asked for it.
    ///
    /// # Errors
    ///
    /// [`ActionError`]: nothing was begun.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it returns, the action may have begun or not.
    pub async fn act(
        &self,
        room: &RoomName,
        service: &Name,
        action: Action,
    ) -> Result<Accepted, ActionError> {
        let key = ServiceKey { room: room.clone(), service: service.clone() };
        let answer = self.command(|reply| Command::Act { key, action, reply }).await;
        answer.unwrap_or(Err(ActionError::EngineOffline))
    }

    /// Begins an action on every service of a project's room, and tells of each whether it has begun:
    /// one that is busy does not hold the others up. None, if there is no such room.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it returns, the actions may have begun or not.
    pub async fn act_on_project(
        &self,
        room: &RoomName,
        action: Action,
    ) -> Vec<(Name, Result<Accepted, ActionError>)> {
        let room = room.clone();
        let answer = self.command(|reply| Command::ActOnRoom { room, action, reply }).await;
        answer.unwrap_or_default()
    }

    /// Reads old lines of a service's log from the engine.
    ///
    /// # Errors
    ///
    /// [`HistoryError`]: nothing was read. What could be read of some containers only is told by
    /// [`History::unavailable`].
    ///
    /// # Cancel safety
    ///
    /// It can be dropped at any time.
    pub async fn history(
        &self,
        room: &RoomName,
        service: &Name,
        query: &HistoryQuery,
    ) -> Result<History, HistoryError> {
        let key = ServiceKey { room: room.clone(), service: service.clone() };
        let origins = self.command(|reply| Command::Origins { key, reply }).await;
        let origins = origins.ok_or(HistoryError::EngineOffline)?;
        if origins.is_empty() {
            return Err(HistoryError::NotFound { room: room.clone(), service: service.clone() });
        }
        let reading = async {
            // It is never closed.
            let _turn = self.shared.histories.acquire().await;
            read_history(self.shared.engine.as_ref(), &origins, query).await
        };
        let history = timeout(HISTORY_WITHIN, reading).await;
        let history =
            history.map_err(|_| HistoryError::Timeout { seconds: HISTORY_WITHIN.as_secs() })?;
        if history.unavailable.iter().any(|(_, error)| error.is_offline()) {
            return Err(HistoryError::EngineOffline);
        }
        Ok(history)
    }

    /// Asks the engine what a service is made of. Secrets are masked.
    ///
    /// # Errors
    ///
    /// [`DetailsError`]: the engine does not say.
    ///
    /// # Cancel safety
    ///
    /// It can be dropped at any time.
    pub async fn details(
        &self,
        room: &RoomName,
        service: &Name,
    ) -> Result<ServiceDetails, DetailsError> {
        let key = ServiceKey { room: room.clone(), service: service.clone() };
        let containers = self.command(|reply| Command::Containers { key, reply }).await;
        let containers = containers.ok_or(DetailsError::EngineOffline)?;
        let inspections = containers.iter().map(|id| within(self.shared.engine.inspect(id)));
        let mut found = Vec::new();
        for answer in join_all(inspections).await {
            match answer {
                Ok(container) => found.push(ContainerDetails::from(container)),
                // It went away in between.
                Err(error) if error.is_not_found() => {}
                Err(error) if error.is_offline() => return Err(DetailsError::EngineOffline),
                Err(error) => return Err(DetailsError::Engine(error)),
            }
        }
        if found.is_empty() {
            return Err(DetailsError::NotFound { room: room.clone(), service: service.clone() });
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(ServiceDetails { service: service.clone(), containers: found })
    }

    /// Asks the supervisor; `None` if it has ended.
    async fn command<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.shared.commands.send(command(reply)).await.ok()?;
        answer.await.ok()
    }

    /// Whether the engine was asked once for everything there is, or could not be.
    pub fn first_list_tried(&self) -> bool {
        self.shared.known.borrow().first_list_tried
    }

    /// Waits until [`Docker::first_list_tried`].
    ///
    /// # Cancel safety
    ///
    /// It can be dropped at any time.
    pub async fn wait_for_first_list(&self) {
        let mut known = self.shared.known.clone();
        // An error says that the supervisor has ended: nothing more will be tried.
        if known.wait_for(|known| known.first_list_tried).await.is_err() {
            tracing::debug!("the supervisor ended before the first list");
        }
    }

    /// How the engine is.
    pub fn engine(&self) -> EngineStatus {
        self.shared.known.borrow().engine.clone()
    }

    /// How many logs and stats are being read from the engine, at most 256 of each. A log beyond that is
    /// marked as `unavailable`; that no more stats are read is in the program's own log.
    pub fn followers(&self) -> usize {
        self.shared.known.borrow().followers
    }

    /// How every service is, by room and name.
    pub fn services(&self) -> Vec<(RoomName, ServiceStatus)> {
        let known = self.shared.known.borrow();
        known.services.iter().map(|(key, status)| (key.room.clone(), status.clone())).collect()
    }

    /// Ends everything and returns when it has ended. Other handles know nothing new from then on.
    pub async fn shutdown(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.wait().await;
    }
}

fn engine_status(engine: &Name, status: EngineState) -> EngineStatus {
    EngineStatus { engine: engine.clone(), status, version: None, api_version: None, message: None }
}

/// Why old lines could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// There is no such service.
    #[error("there is no service {service} in {room}")]
    NotFound {
        /// Where it should have been.
        room: RoomName,
        /// What it should have been called.
        service: Name,
    },
    /// The engine does not answer.
    #[error("the engine is offline: wait until it is back")]
    EngineOffline,
    /// The engine took too long.
    #[error("the engine did not give the lines within {seconds} s: ask for fewer, or newer ones")]
    Timeout {
        /// How long it was waited for.
        seconds: u64,
    },
}

/// How many readings of old lines go on at once.
const HISTORIES_AT_ONCE: usize = 2;

/// How long one may take, its turn included.
const HISTORY_WITHIN: Duration = Duration::from_secs(30);

/// How many actions may wait to be looked at.
const COMMANDS_WAITING: usize = 64;
