//! The one task that knows everything about an engine: news come in, inspections and actions go out,
//! and what changed is published. Nothing else touches the inventory.

use std::sync::Arc;
use std::time::Duration;

use nself_realtime::event::{EngineState, EngineStatus, ServiceState};
use nself_realtime::{Demand, Emitter, Hub, Name, RoomName};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::JoinMap;

use super::link::{Link, News, within};
use super::obituary::Obituary;
use super::rooms::Rooms;
use super::target::Target;
use super::watches::Watches;
use super::{DockerConfig, Known, engine_status};
use crate::actions::{Accepted, Action, ActionError};
use crate::engine::{Container, Engine, EngineError};
use crate::inventory::{Change, Inventory, Record, ServiceKey, name_or_digest};
use crate::logs::Origin;

/// A wish of somebody who holds a handle.
#[derive(Debug)]
pub(super) enum Command {
    /// Do something to a service.
    Act { key: ServiceKey, action: Action, reply: oneshot::Sender<Result<Accepted, ActionError>> },
    /// Do something to every service of a room.
    ActOnRoom { room: RoomName, action: Action, reply: oneshot::Sender<Beginnings> },
    /// Tell which containers a service has.
    Origins { key: ServiceKey, reply: oneshot::Sender<Vec<Origin>> },
    /// Tell the identities of the containers that a service has.
    Containers { key: ServiceKey, reply: oneshot::Sender<Vec<String>> },
}

/// Of each of several services, whether an action has begun.
pub(super) type Beginnings = Vec<(Name, Result<Accepted, ActionError>)>;

/// How an action ended, and who may wait to hear it.
type Ended = (Result<(), EngineError>, oneshot::Sender<Result<(), EngineError>>);

/// Everything about one engine.
pub(super) struct Desk {
    engine: Arc<dyn Engine>,
    system: Emitter,
    demand: Demand,
    config: DockerConfig,
    commands: mpsc::Receiver<Command>,
    news: mpsc::Receiver<News>,
    known: watch::Sender<Known>,
    inventory: Inventory,
    rooms: Rooms,
    watches: Watches,
    watches_may_change: bool,
    listed: bool,
    /// How many times the engine came online.
    connection: u64,
    online: bool,
    /// The link, and the announcements of failures that are being made.
    tasks: JoinSet<()>,
    inspections: JoinMap<String, Result<Container, EngineError>>,
    actions: JoinMap<ServiceKey, Ended>,
}

impl Desk {
    pub(super) fn new(
        engine: Arc<dyn Engine>,
        hub: Hub,
        config: DockerConfig,
        commands: mpsc::Receiver<Command>,
        known: watch::Sender<Known>,
    ) -> Self {
        let (news, received) = mpsc::channel(NEWS_WAITING);
        let clock = Arc::clone(hub.clock());
        let mut tasks = JoinSet::new();
        let link = Link {
            engine: Arc::clone(&engine),
            clock: Arc::clone(&clock),
            list_every: config.list_every,
            news,
        };
        tasks.spawn(link.hold());
        Self {
            watches: Watches::new(Arc::clone(&engine), clock, config.linger),
            system: hub.system(),
            demand: hub.demand(),
            rooms: Rooms::new(hub, config.keep_room.clone()),
            engine,
            config,
            commands,
            news: received,
            known,
            inventory: Inventory::default(),
            watches_may_change: false,
            listed: false,
            connection: 0,
            online: false,
            tasks,
            inspections: JoinMap::new(),
            actions: JoinMap::new(),
        }
    }

    /// Works until it is told to stop.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let status = engine_status(&self.config.engine, EngineState::Connecting);
        self.tell_engine(status);
        stop.run_until_cancelled(self.work()).await;
        self.watches.end().await;
        self.tasks.shutdown().await;
    }

    async fn work(&mut self) {
        loop {
            self.follow_up();
            let deadline = self.poll_timeout();
            tokio::select! {
                Some(news) = self.news.recv() => self.handle_news(news),
                Some(command) = self.commands.recv() => self.handle_command(command),
                Some((id, answer)) = self.inspections.join_next() => {
                    let answer = answer.unwrap_or_else(|failed| Err(failure(&failed)));
                    self.inventory.handle_inspected(&id, answer);
                    self.watches_may_change = true;
                }
                Some((key, ended)) = self.actions.join_next() => match ended {
                    Ok((outcome, tell)) => {
                        self.end(&key, outcome.as_ref().err());
                        if tell.send(outcome).is_err() {
                            tracing::debug!("nobody waits for the outcome of an action");
                        }
                    }
                    Err(failed) => self.end(&key, Some(&failure(&failed))),
                },
                Some(ended) = self.tasks.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a task of the supervisor failed");
                    }
                }
                () = self.watches.follower_ended() => self.watches_may_change = true,
                () = self.demand.changed() => self.watches_may_change = true,
                () = sleep_until(deadline) => {
                    let now = Instant::now();
                    self.inventory.handle_timeout(now.into_std());
                    self.rooms.handle_timeout(now);
                    self.watches_may_change = true;
                }
            }
        }
    }

    fn handle_command(&mut self, command: Command) {
        let heard = match command {
            Command::Act { key, action, reply } => reply.send(self.begin(&key, action)).is_ok(),
            Command::ActOnRoom { room, action, reply } => {
                let keys: Vec<ServiceKey> = self.inventory.keys_in(&room).cloned().collect();
                let begun = keys.into_iter().map(|key| {
                    let accepted = self.begin(&key, action);
                    (key.service, accepted)
                });
                reply.send(begun.collect()).is_ok()
            }
            Command::Origins { key, reply } => reply.send(self.origins(&key)).is_ok(),
            Command::Containers { key, reply } => {
                let containers = self.inventory.containers_of(&key);
                let ids = containers.map(|record| record.container.id.clone());
                reply.send(ids.collect()).is_ok()
            }
        };
        if !heard {
            tracing::debug!("nobody waits for the answer to a command");
        }
    }

    fn origins(&self, key: &ServiceKey) -> Vec<Origin> {
        let origin = |record: &Record| Origin {
            service: key.service.clone(),
            container: name_or_digest(&record.container.id),
            over: !record.container.state.has_process(),
        };
        self.inventory.containers_of(key).map(origin).collect()
    }

    fn handle_news(&mut self, news: News) {
        match news {
            News::Listing => self.inventory.begin_list(),
            News::Online(version) => {
                self.online = true;
                self.connection += 1;
                let mut status = engine_status(&self.config.engine, EngineState::Online);
                status.version = version.engine;
                status.api_version = version.api;
                self.tell_engine(status);
            }
            News::Listed(containers) => {
                self.inventory.handle_list(containers);
                self.listed = true;
            }
            News::Event(event) => {
                self.inventory.handle_event(&event, Instant::now().into_std());
            }
            News::Offline(error) => {
                self.online = false;
                self.inspections.abort_all();
                self.inventory.handle_disconnect();
                let mut status = engine_status(&self.config.engine, EngineState::Offline);
                status.message = Some(crate::text::at_most(&error.to_string(), 4_096));
                self.tell_engine(status);
                self.known.send_if_modified(|known| {
                    !std::mem::replace(&mut known.first_list_tried, true)
                });
            }
        }
        self.watches_may_change = true;
    }

    /// Does what follows from what has come in: asks, publishes, watches.
    fn follow_up(&mut self) {
        while let Some(id) = self.inventory.poll_inspection() {
            let engine = Arc::clone(&self.engine);
            let inspect = id.clone();
            self.inspections.spawn(id, async move { within(engine.inspect(&inspect)).await });
        }
        for change in self.inventory.poll_changes() {
            self.publish(&change);
        }
        if self.listed && self.inventory.is_settled() {
            self.known
                .send_if_modified(|known| !std::mem::replace(&mut known.first_list_tried, true));
        }
        if std::mem::take(&mut self.watches_may_change) {
            let (rooms, connection) = (&mut self.rooms, self.connection);
            let target = |record: &Record| {
                let emitter = rooms.emitter(&record.key.room, record.project()).clone();
                Target::new(record, emitter, connection)
            };
            self.watches.reconcile(&self.inventory, &self.demand, target, Instant::now());
            let open = self.watches.len();
            self.known
                .send_if_modified(|known| std::mem::replace(&mut known.followers, open) != open);
        }
    }

    fn publish(&mut self, change: &Change) {
        let Change { key, before, status } = change;
        let project = self.inventory.containers_of(key).find_map(Record::project);
        let emitter = self.rooms.emitter(&key.room, project);
        if let Err(error) = emitter.service_status(status) {
            tracing::error!(room = %key.room, service = %key.service, %error, "status was not published");
        }
        self.known.send_modify(|known| {
            if status.status == ServiceState::Removed {
                known.services.remove(key);
            } else {
                known.services.insert(key.clone(), status.clone());
            }
        });
        if status.status == ServiceState::Removed && !self.inventory.has_services_in(&key.room) {
            self.rooms.handle_empty(&key.room, Instant::now());
        }
        // Who stops what has failed already hears nothing new.
        let had_failed = [ServiceState::Failed, ServiceState::Stopping];
        let was_well = before.as_ref().is_some_and(|before| !had_failed.contains(&before.status));
        if status.status == ServiceState::Failed && was_well {
            self.announce_failure(key, status.message.clone());
        }
    }

    fn announce_failure(&mut self, key: &ServiceKey, cause: Option<String>) {
        let Some(failed) = self.inventory.failed_replica(key) else { return };
        let obituary = Obituary {
            engine: Arc::clone(&self.engine),
            system: self.system.clone(),
            key: key.clone(),
            container: failed.container.id.clone(),
            cause: cause.unwrap_or_default(),
        };
        self.tasks.spawn(obituary.publish());
    }

    fn begin(&mut self, key: &ServiceKey, action: Action) -> Result<Accepted, ActionError> {
        if !self.online {
            return Err(ActionError::EngineOffline);
        }
        let (room, service) = (key.room.clone(), key.service.clone());
        if let Some(running) = self.inventory.action_on(key) {
            return Err(ActionError::Conflict { service, running });
        }
        let Some((containers, status)) = self.inventory.begin_action(key, action) else {
            return Err(ActionError::NotFound { room, service });
        };
        self.publish(&Change { key: key.clone(), before: None, status });
        let (accepted, tell) = Accepted::begin();
        let performed = action.perform(Arc::clone(&self.engine), containers);
        self.actions.spawn(key.clone(), async move { (performed.await, tell) });
        Ok(accepted)
    }

    fn end(&mut self, key: &ServiceKey, refusal: Option<&EngineError>) {
        let refusal = refusal.map(|error| crate::text::at_most(&error.to_string(), 4_096));
        if let Some(why) = &refusal {
            tracing::info!(room = %key.room, service = %key.service, why, "action refused");
        }
        self.inventory.end_action(key, refusal);
        self.watches_may_change = true;
    }

    fn tell_engine(&mut self, status: EngineStatus) {
        let before = self.known.borrow().engine.status;
        if before == status.status && before != EngineState::Connecting {
            // Retries of the same are no news; the reason may be another, and is kept.
            self.known.send_modify(|known| known.engine = status);
            return;
        }
        if let Err(error) = self.system.emit(&status) {
            tracing::error!(%error, "the engine's status was not published");
        }
        self.known.send_modify(|known| known.engine = status);
    }

    fn poll_timeout(&self) -> Instant {
        let far = Instant::now() + FAR;
        [
            self.inventory.poll_timeout().map(Instant::from_std),
            self.rooms.poll_timeout(),
            self.watches.poll_timeout(),
        ]
        .into_iter()
        .flatten()
        .fold(far, Instant::min)
    }
}

fn failure(failed: &tokio::task::JoinError) -> EngineError {
    EngineError::Broken { message: format!("the request ended early: {failed}") }
}

/// How much news may wait.
const NEWS_WAITING: usize = 256;

/// A deadline for when there is none.
const FAR: Duration = Duration::from_hours(1);
