//! What there is: containers, and the services that they make up. It performs no I/O and reads no
//! clock: what the engine says goes in, what to inspect and what to publish comes out.
//!
//! The list and the inspections are the truth; events say only where to look, and why a process
//! ended. A service is published when nothing about its containers is being found out, and only if
//! it changed.

mod death;
mod key;
mod record;
mod status;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::time::Instant;

use nself_realtime::RoomName;
use nself_realtime::event::{ServiceState, ServiceStatus};

pub use self::key::room_of_project;
pub(crate) use self::key::{ServiceKey, name_or_digest};
pub(crate) use self::record::Record;
use self::record::Told;
use self::status::{same, status_of};
use crate::actions::Action;
use crate::engine::{Container, ContainerAction, ContainerState, EngineError, EngineEvent};

/// All containers and services of one engine.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    records: HashMap<String, Record>,
    services: BTreeMap<ServiceKey, Service>,
    /// Services that may have changed since they were published.
    dirty: BTreeSet<ServiceKey>,
    /// Containers to inspect, and those that are being inspected.
    to_inspect: BTreeSet<String>,
    in_flight: HashSet<String>,
    /// The one that was asked about last.
    turn: String,
    /// Containers about whose end more news may come.
    held: HashSet<String>,
    /// What was told while a list was on its way; that list does not know it yet.
    told_during_list: HashSet<String>,
}

#[derive(Debug, Default)]
struct Service {
    containers: BTreeSet<String>,
    published: Option<ServiceStatus>,
    action: Option<Action>,
    /// Why the last action was refused, for as long as the service is as it was then.
    refusal: Option<(ServiceState, String)>,
}

impl Inventory {
    /// Notes that a list is asked for now.
    pub(crate) fn begin_list(&mut self) {
        self.told_during_list.clear();
    }

    /// Takes a list of all containers.
    pub(crate) fn handle_list(&mut self, containers: Vec<Container>) {
        let listed: HashSet<String> = containers.iter().map(|c| c.id.clone()).collect();
        let told = std::mem::take(&mut self.told_during_list);
        let gone = |id: &&String| !listed.contains(*id) && !told.contains(*id);
        for id in self.records.keys().filter(gone).cloned().collect::<Vec<_>>() {
            self.remove(&id);
        }
        for container in containers.into_iter().filter(|c| !c.one_off && !told.contains(&c.id)) {
            let known = self.records.get(&container.id).map(|record| &record.container);
            let as_known = known.is_some_and(|known| is_as_known(known, &container));
            let is_new = known.is_none();
            // The dead are many, and a list says enough of most of them.
            if container.state.is_up() || (!as_known && (!is_new || unclear(&container))) {
                self.to_inspect.insert(container.id.clone());
            }
            // Of one in a state that the list has no word for, what is known stands until then.
            if !as_known && (is_new || !is_without_end(&container)) {
                self.put(container);
            }
        }
    }

    /// Takes an event.
    pub(crate) fn handle_event(&mut self, event: &EngineEvent, now: Instant) {
        let id = &event.container;
        self.told_during_list.insert(id.clone());
        if event.action == ContainerAction::Destroy {
            self.remove(id);
            return;
        }
        if let Some(record) = self.records.get_mut(id) {
            record.handle(event.action, now);
            if record.is_held() {
                self.held.insert(id.clone());
            }
            self.dirty.insert(record.key.clone());
        }
        if event.action != ContainerAction::Kill {
            self.to_inspect.insert(id.clone());
        }
    }

    /// Takes the answer to an inspection that [`Inventory::poll_inspection`] asked for.
    pub(crate) fn handle_inspected(&mut self, id: &str, answer: Result<Container, EngineError>) {
        if !self.in_flight.remove(id) {
            // It was removed meanwhile: the answer is older than that.
            return;
        }
        if let Some(record) = self.records.get(id) {
            self.dirty.insert(record.key.clone());
        }
        match answer {
            Ok(container) if container.one_off => self.remove(id),
            Ok(container) => self.put(container),
            Err(error) if error.is_not_found() => self.remove(id),
            Err(error) => {
                tracing::warn!(container = id, %error, "container could not be inspected");
            }
        }
    }

    /// Notes that the time that [`Inventory::poll_timeout`] named has come.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.held.retain(|id| {
            let Some(record) = self.records.get_mut(id) else { return false };
            if record.handle_timeout(now) {
                self.dirty.insert(record.key.clone());
            }
            record.is_held()
        });
    }

    /// Notes that the connection is lost: nothing that was asked will be answered.
    pub(crate) fn handle_disconnect(&mut self) {
        self.to_inspect.clear();
        self.in_flight.clear();
    }

    /// The next container to inspect; its answer is expected.
    #[must_use]
    pub(crate) fn poll_inspection(&mut self) -> Option<String> {
        if self.in_flight.len() >= AT_ONCE {
            return None;
        }
        // In turn: where lists come faster than answers, the last ones would never be asked about.
        let later = self.to_inspect.range::<str, _>((Excluded(self.turn.as_str()), Unbounded));
        // What is being inspected and was told about meanwhile is inspected once more, afterwards.
        let mut waiting = later.chain(&self.to_inspect);
        let id = waiting.find(|id| !self.in_flight.contains(*id))?.clone();
        self.turn.clone_from(&id);
        self.to_inspect.remove(&id);
        self.in_flight.insert(id.clone());
        Some(id)
    }

    /// Whether everything that was asked about is known.
    pub(crate) fn is_settled(&self) -> bool {
        self.to_inspect.is_empty() && self.in_flight.is_empty()
    }

    /// When [`Inventory::handle_timeout`] is to be called.
    #[must_use]
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.held.iter().filter_map(|id| self.records.get(id)?.poll_timeout()).min()
    }

    /// What is to be published now: the services that changed.
    #[must_use]
    pub(crate) fn poll_changes(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        for key in std::mem::take(&mut self.dirty) {
            if self.is_open_question(&key) {
                self.dirty.insert(key);
                continue;
            }
            let Some(service) = self.services.get_mut(&key) else { continue };
            let replicas: Vec<&Record> =
                service.containers.iter().filter_map(|id| self.records.get(id)).collect();
            let before = service.published.take();
            let Some(mut status) = status_of(&key.service, &replicas) else {
                self.services.remove(&key);
                if before.is_some() {
                    let status = ServiceStatus::new(key.service.clone(), ServiceState::Removed);
                    changes.push(Change { key, before, status });
                }
                continue;
            };
            match &service.refusal {
                Some((state, why)) if *state == status.status => status.message = Some(why.clone()),
                _ => service.refusal = None,
            }
            let is_news = before.as_ref().is_none_or(|before| !same(before, &status));
            service.published = Some(status.clone());
            if is_news {
                changes.push(Change { key, before, status });
            }
        }
        changes
    }

    /// Whether nothing is to be said of a service yet: an action of ours runs, or something about
    /// one of its containers is being found out.
    fn is_open_question(&self, key: &ServiceKey) -> bool {
        self.services.get(key).is_some_and(|service| {
            service.action.is_some()
                || service.containers.iter().any(|id| {
                    self.to_inspect.contains(id)
                        || self.in_flight.contains(id)
                        || self.records.get(id).is_some_and(Record::is_held)
                })
        })
    }

    /// The action that runs on a service.
    pub(crate) fn action_on(&self, key: &ServiceKey) -> Option<Action> {
        self.services.get(key)?.action
    }

    /// Notes that an action begins. Gives the containers to do it to, and what to publish; `None` if
    /// there is no such service.
    pub(crate) fn begin_action(
        &mut self,
        key: &ServiceKey,
        action: Action,
    ) -> Option<(Vec<String>, ServiceStatus)> {
        let service = self.services.get_mut(key)?;
        service.action = Some(action);
        service.refusal = None;
        let mut status = service
            .published
            .clone()
            .unwrap_or_else(|| ServiceStatus::new(key.service.clone(), ServiceState::Created));
        status.status = action.state_meanwhile();
        status.message = None;
        service.published = Some(status.clone());
        Some((service.containers.iter().cloned().collect(), status))
    }

    /// Notes that an action has ended, and why it was refused, if it was.
    pub(crate) fn end_action(&mut self, key: &ServiceKey, refusal: Option<String>) {
        let Some(service) = self.services.get_mut(key) else { return };
        service.action = None;
        self.to_inspect.extend(service.containers.iter().cloned());
        self.dirty.insert(key.clone());
        if let Some(why) = refusal {
            let replicas: Vec<&Record> =
                service.containers.iter().filter_map(|id| self.records.get(id)).collect();
            let state = status_of(&key.service, &replicas).map(|status| status.status);
            service.refusal = state.map(|state| (state, why));
        }
    }

    /// A container of that service that has failed.
    pub(crate) fn failed_replica(&self, key: &ServiceKey) -> Option<&Record> {
        self.containers_of(key).find(|record| record.has_failed())
    }

    /// Whether a room has any service.
    pub(crate) fn has_services_in(&self, room: &RoomName) -> bool {
        self.keys_in(room).next().is_some()
    }

    /// All services with their containers.
    pub(crate) fn services(
        &self,
    ) -> impl Iterator<Item = (&ServiceKey, impl Iterator<Item = &Record>)> {
        self.services.iter().map(|(key, service)| {
            (key, service.containers.iter().filter_map(|id| self.records.get(id)))
        })
    }

    /// The services of a room.
    pub(crate) fn keys_in(&self, room: &RoomName) -> impl Iterator<Item = &ServiceKey> {
        self.services.keys().filter(move |key| key.room == *room)
    }

    /// The containers of one service; none, if there is no such service.
    pub(crate) fn containers_of(&self, key: &ServiceKey) -> impl Iterator<Item = &Record> {
        let containers = self.services.get(key).map(|service| &service.containers);
        containers.into_iter().flatten().filter_map(|id| self.records.get(id))
    }

    fn put(&mut self, container: Container) {
        let key = ServiceKey::of(&container);
        let id = container.id.clone();
        let told = match self.records.remove(&id) {
            Some(known) if known.key == key => known.told_for(&container),
            Some(known) => {
                self.leave(&known.key, &id);
                known.told_for(&container)
            }
            None => Told::default(),
        };
        self.services.entry(key.clone()).or_default().containers.insert(id.clone());
        self.dirty.insert(key.clone());
        self.records.insert(id, Record { container, key, told });
    }

    fn remove(&mut self, id: &str) {
        self.to_inspect.remove(id);
        self.in_flight.remove(id);
        if let Some(record) = self.records.remove(id) {
            self.leave(&record.key, id);
        }
    }

    fn leave(&mut self, key: &ServiceKey, id: &str) {
        if let Some(service) = self.services.get_mut(key) {
            service.containers.remove(id);
        }
        self.dirty.insert(key.clone());
    }
}

/// A service that is not as it was published before.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    pub(crate) key: ServiceKey,
    /// What was published before, if anything.
    pub(crate) before: Option<ServiceStatus>,
    pub(crate) status: ServiceStatus,
}

/// Whether a list says nothing new of a container. One that ran again between two lists, and nobody told,
/// is as dead as before; it may have another exit code.
fn is_as_known(known: &Container, listed: &Container) -> bool {
    known.state == listed.state
        && (listed.exit_code.is_none() || listed.exit_code == known.exit_code)
}

/// Whether a list cannot say if this container failed: by its code it may have been asked to stop,
/// or killed for want of memory.
fn unclear(container: &Container) -> bool {
    is_without_end(container)
        || container.state == ContainerState::Exited
            && container.oom_killed.is_none()
            && container.exit_code == Some(137)
}

/// Whether a list takes this container for dead and does not know what of.
fn is_without_end(container: &Container) -> bool {
    container.state == ContainerState::Exited && container.exit_code.is_none()
}

/// How many containers are inspected at once.
const AT_ONCE: usize = 8;

#[cfg(test)]
mod tests;
