//! The state of a scripted engine, and its clock. Every change wakes the streams that wait for one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nself_realtime::NanoTimestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use super::actor::Actor;
use super::project::Things;
use crate::engine::{
    Container, ContainerAction, ContainerState, EngineError, EngineEvent, PullFrame,
};

/// What is said in the course of a pull, and how long after what was said before.
pub(super) type Said = (Duration, Result<PullFrame, EngineError>);

/// A scripted engine's world.
#[derive(Debug)]
pub(super) struct World {
    start: NanoTimestamp,
    started: Instant,
    state: Mutex<State>,
    changes: watch::Sender<()>,
    pub(super) log_streams: AtomicUsize,
    pub(super) log_streams_opened: AtomicUsize,
    /// How many frames may come before a log stream breaks.
    pub(super) fragile: AtomicU64,
    pub(super) stats_streams: AtomicUsize,
    pub(super) pulls: AtomicUsize,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) actors: BTreeMap<String, Actor>,
    pub(super) events: Ring<EngineEvent>,
    /// Why nobody answers.
    pub(super) fault: Option<EngineError>,
    pub(super) refusal: Option<EngineError>,
    pub(super) loses_events: bool,
    /// How often streams were broken: those that are older than the last time are.
    pub(super) log_cuts: u64,
    pub(super) log_ends: u64,
    pub(super) log_spoils: u64,
    pub(super) event_cuts: u64,
    pub(super) event_spoils: u64,
    pub(super) event_mutes: u64,
    /// Why nobody gives a log.
    pub(super) log_refusal: Option<EngineError>,
    /// Whether a reading of a damaged log ends with an error.
    pub(super) complains: bool,
    pub(super) stats_mutes: u64,
    pub(super) inspection_takes: Duration,
    pub(super) inspected: usize,
    pub(super) inspecting: usize,
    pub(super) inspecting_most: usize,
    /// How often log streams fell silent: those that are older than the last time stay so.
    pub(super) mutes: u64,
    pub(super) mutes_new: bool,
    /// How the pull of an image goes.
    pub(super) pulls: BTreeMap<String, Vec<Said>>,
    pub(super) things: Things,
    last_time: i128,
}

impl World {
    pub(super) fn new(start: NanoTimestamp) -> Self {
        let state = State {
            actors: BTreeMap::new(),
            events: Ring::new(EVENTS_KEPT),
            fault: None,
            refusal: None,
            loses_events: false,
            log_cuts: 0,
            log_ends: 0,
            log_spoils: 0,
            log_refusal: None,
            complains: false,
            stats_mutes: 0,
            inspection_takes: Duration::ZERO,
            inspected: 0,
            inspecting: 0,
            inspecting_most: 0,
            event_cuts: 0,
            event_spoils: 0,
            event_mutes: 0,
            mutes: 0,
            mutes_new: false,
            pulls: BTreeMap::new(),
            things: Things::default(),
            last_time: 0,
        };
        Self {
            start,
            started: Instant::now(),
            state: Mutex::new(state),
            changes: watch::Sender::new(()),
            log_streams: AtomicUsize::new(0),
            log_streams_opened: AtomicUsize::new(0),
            fragile: AtomicU64::new(u64::MAX),
            stats_streams: AtomicUsize::new(0),
            pulls: AtomicUsize::new(0),
        }
    }

    /// What the engine's clock shows.
    pub(super) fn now(&self) -> NanoTimestamp {
        self.after_start(i128::try_from(self.started.elapsed().as_nanos()).unwrap_or(0))
    }

    /// The time so many nanoseconds after the start, or before it.
    pub(super) fn after_start(&self, nanos: i128) -> NanoTimestamp {
        NanoTimestamp::from_unix_nanos(self.start.unix_nanos() + nanos).unwrap_or(self.start)
    }

    /// The same, but never twice.
    pub(super) fn unique_now(&self) -> NanoTimestamp {
        let now = self.now();
        let mut state = self.lock();
        let nanos = now.unix_nanos().max(state.last_time + 1);
        state.last_time = nanos;
        NanoTimestamp::from_unix_nanos(nanos).unwrap_or(now)
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    pub(super) fn change<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let result = work(&mut self.lock());
        self.changes.send_replace(());
        result
    }

    /// Changes a container, if there is such a one.
    pub(super) fn with_actor(&self, id: &str, work: impl FnOnce(&mut Actor)) {
        self.change(|state| state.actors.get_mut(id).map(work));
    }

    /// What wakes those who wait for a change from now on.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    pub(super) fn tell(&self, id: &str, action: ContainerAction) {
        let event = EngineEvent::new(id, self.unique_now(), action);
        self.change(|state| {
            if !state.loses_events && state.fault.is_none() {
                state.events.push(event);
            }
        });
    }

    /// Fails if nobody answers.
    pub(super) fn check(&self) -> Result<(), EngineError> {
        self.read(|state| state.fault.clone()).map_or(Ok(()), Err)
    }

    pub(super) fn actor(&self, id: &str) -> Result<Container, EngineError> {
        self.read(|state| state.actors.get(id).map(|actor| actor.container.clone()))
            .ok_or_else(|| no_such_container(id))
    }

    pub(super) fn is_up(&self, id: &str) -> bool {
        self.actor(id).is_ok_and(|container| container.state == ContainerState::Running)
    }

    /// Counts a frame down to where a log stream breaks. Only one does.
    pub(super) fn is_cut_here(&self) -> bool {
        let left = self.fragile.load(Ordering::Acquire);
        let next =
            if left == 0 { u64::MAX } else { left.saturating_sub(u64::from(left < u64::MAX)) };
        self.fragile.store(next, Ordering::Release);
        left == 0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(super) fn add(&mut self, container: Container) {
        self.actors.insert(container.id.clone(), Actor::new(container));
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.actors.remove(id);
        self.things.forget(id);
    }
}

pub(super) fn no_such_container(id: &str) -> EngineError {
    EngineError::Api { status: 404, message: format!("No such container: {id}") }
}

/// The newest of a sequence, each with its number.
#[derive(Debug)]
pub(super) struct Ring<T> {
    kept: VecDeque<T>,
    capacity: usize,
    dropped: u64,
}

impl<T> Ring<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { kept: VecDeque::new(), capacity, dropped: 0 }
    }

    pub(super) fn push(&mut self, item: T) {
        if self.kept.len() == self.capacity {
            self.kept.pop_front();
            self.dropped += 1;
        }
        self.kept.push_back(item);
    }

    pub(super) fn forget(&mut self) {
        self.dropped = self.end();
        self.kept.clear();
    }

    /// The number that the next one will have.
    pub(super) fn end(&self) -> u64 {
        self.dropped + self.kept.len() as u64
    }

    /// The first one from that number on, with its number.
    pub(super) fn from(&self, number: u64) -> Option<(u64, &T)> {
        let number = number.max(self.dropped);
        let index = usize::try_from(number - self.dropped).ok()?;
        Some((number, self.kept.get(index)?))
    }

    /// The number of the first one that holds, or of the next one.
    pub(super) fn first(&self, holds: impl Fn(&T) -> bool) -> u64 {
        let index = self.kept.iter().position(holds).unwrap_or(self.kept.len());
        self.dropped + index as u64
    }
}

/// How many events an engine remembers.
const EVENTS_KEPT: usize = 256;
