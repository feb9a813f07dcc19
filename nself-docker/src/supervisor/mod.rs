//! The one who holds the truth about an engine, and the handle that others hold.

mod desk;
mod link;
mod obituary;
mod rooms;
mod target;
mod watches;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nself_realtime::event::{EngineState, EngineStatus, ServiceStatus};
use nself_realtime::{Hub, Name, RoomName};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use self::desk::{Command, Desk};
use crate::actions::{Action, ActionError};
use crate::engine::Engine;
use crate::inventory::ServiceKey;

/// How an engine is looked after. The default is good for production.
#[derive(Debug, Clone)]
pub struct DockerConfig {
    engine: Name,
    list_every: Duration,
    linger: Duration,
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
}

impl Default for DockerConfig {
    fn default() -> Self {
        Self {
            engine: crate::inventory::name_or_digest("docker"),
            list_every: Duration::from_secs(30),
            linger: Duration::from_secs(10),
        }
    }
}

/// An engine whose events go into a hub. A cheap clone; everything ends with the last one, or by
/// [`Docker::shutdown`].
#[derive(Debug, Clone)]
pub struct Docker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    commands: mpsc::Sender<Command>,
    known: watch::Receiver<Known>,
    tasks: TaskTracker,
    stop: CancellationToken,
    _stop_with_last_handle: DropGuard,
}

/// What is known, for those who ask instead of listening.
#[derive(Debug, Clone)]
struct Known {
    engine: EngineStatus,
    services: BTreeMap<ServiceKey, ServiceStatus>,
    first_list_tried: bool,
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
        });
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let desk = Desk::new(engine, hub, config, received, tell);
        tasks.spawn(desk.run(stop.clone()));
        tasks.close();
        let guard = stop.clone().drop_guard();
        let shared = Shared { commands, known, tasks, stop, _stop_with_last_handle: guard };
        Self { shared: Arc::new(shared) }
    }

    /// Begins an action on a service. Returns as soon as it has begun and its beginning was
    /// published; how it ends is told by `service:status`, a refusal as the old status with a message.
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
    ) -> Result<(), ActionError> {
        let (reply, answer) = oneshot::channel();
        let key = ServiceKey { room: room.clone(), service: service.clone() };
        let command = Command { key, action, reply };
        if self.shared.commands.send(command).await.is_err() {
            return Err(ActionError::EngineOffline);
        }
        answer.await.unwrap_or(Err(ActionError::EngineOffline))
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

/// How many actions may wait to be looked at.
const COMMANDS_WAITING: usize = 64;
