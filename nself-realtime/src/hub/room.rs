//! A room that several threads use: its log behind one lock, and the readers that wait for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use slab::Slab;

use super::Randomness;
use crate::broker::{Broker, BrokerError, Log, Record};
use crate::event::Delivery;
use crate::room::{Filter, FilterId, Limits, RoomLog};
use crate::signal::Signal;
use crate::{Cursor, Epoch, RoomName};

/// A room in use.
#[derive(Debug)]
pub(crate) struct Room {
    state: Mutex<RoomState>,
    demand: Arc<Signal>,
}

#[derive(Debug)]
pub(super) struct RoomState {
    pub(super) log: RoomLog,
    pub(super) closed: bool,
    waiters: Slab<Waiter>,
    // The lowest position that anybody waits for: most events wake nobody.
    soonest: u64,
}

/// A reader that waits. Taken once it is woken.
#[derive(Debug)]
struct Waiter {
    waker: Option<Waker>,
    at: u64,
}

/// Stands for a reader among those that may wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct WaiterId(usize);

impl Room {
    /// A room whose log begins here, unless the broker says something else.
    pub(super) fn open(
        name: RoomName,
        broker: &dyn Broker,
        randomness: &dyn Randomness,
        demand: &Arc<Signal>,
    ) -> Arc<Self> {
        let epoch = Epoch::from_random(randomness.bits());
        let log = RoomLog::new(name.clone(), epoch, Limits::default());
        let state = RoomState { log, closed: false, waiters: Slab::new(), soonest: u64::MAX };
        let room = Arc::new(Self { state: Mutex::new(state), demand: Arc::clone(demand) });
        broker.open(&Log::new(name, &room));
        room
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, RoomState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Appends an event: at the next position, or at `expected` if that is the next one. What stands
    /// there already is passed over.
    pub(crate) fn append(
        &self,
        record: Record<'_>,
        expected: Option<u64>,
    ) -> Result<Cursor, BrokerError> {
        let immediate = record.delivery == Delivery::Immediate;
        let mut state = self.lock();
        let head = state.log.head();
        if state.closed {
            return Err(BrokerError::RoomClosed { room: state.log.name().clone() });
        }
        match expected {
            Some(seq) if seq <= head => return Ok(state.log.cursor(seq)),
            Some(seq) if seq > head + 1 => return Err(BrokerError::OutOfOrder { seq, head }),
            _ => {}
        }
        let seq = state.log.append(record)?;
        let due =
            if immediate || seq >= state.soonest { state.due(seq, immediate) } else { Vec::new() };
        let cursor = state.log.cursor(seq);
        drop(state);
        due.into_iter().for_each(Waker::wake);
        Ok(cursor)
    }

    /// Begins another life of the log; readers are reset.
    pub(crate) fn begin(&self, epoch: Epoch, after: u64) {
        let mut state = self.lock();
        state.log.begin(epoch, after);
        let due = state.due(u64::MAX, true);
        drop(state);
        due.into_iter().for_each(Waker::wake);
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let due = state.due(u64::MAX, true);
        drop(state);
        due.into_iter().for_each(Waker::wake);
    }

    /// Adds a reader with these filters, unless the room is closed.
    pub(super) fn join(&self, filters: Vec<Filter>) -> Option<(FilterId, WaiterId)> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        let filter = state.log.add_filters(filters);
        let waiter = WaiterId(state.waiters.insert(Waiter { waker: None, at: u64::MAX }));
        drop(state);
        self.demand.notify();
        Some((filter, waiter))
    }

    /// Adds a list of filters to those in use.
    pub(super) fn add_filters(&self, filters: Vec<Filter>) -> FilterId {
        let filter = self.lock().log.add_filters(filters);
        self.demand.notify();
        filter
    }

    /// Gives a list of filters back.
    pub(super) fn remove_filters(&self, filter: FilterId) {
        self.lock().log.remove_filters(filter);
        self.demand.notify();
    }

    pub(super) fn leave(&self, filter: FilterId, waiter: WaiterId) {
        let mut state = self.lock();
        state.waiters.try_remove(waiter.0);
        drop(state);
        self.remove_filters(filter);
    }
}

impl RoomState {
    /// Wakes that reader at the next immediate event, or when the log has come to `at`.
    pub(super) fn wait(&mut self, waiter: WaiterId, waker: &Waker, at: u64) {
        if let Some(waiter) = self.waiters.get_mut(waiter.0) {
            match &mut waiter.waker {
                Some(known) => known.clone_from(waker),
                None => waiter.waker = Some(waker.clone()),
            }
            waiter.at = at;
            self.soonest = self.soonest.min(at);
        }
    }

    fn due(&mut self, seq: u64, everyone: bool) -> Vec<Waker> {
        let mut due = Vec::new();
        self.soonest = u64::MAX;
        for (_, waiter) in &mut self.waiters {
            if everyone || seq >= waiter.at {
                due.extend(waiter.waker.take());
            } else if waiter.waker.is_some() {
                self.soonest = self.soonest.min(waiter.at);
            }
        }
        due
    }
}
