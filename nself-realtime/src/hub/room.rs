//! A room that several threads use: its log behind one lock, and the readers that wait for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use slab::Slab;

use crate::NameError;
use crate::event::Delivery;
use crate::room::{Draft, Filter, FilterId, RoomLog};
use crate::signal::Signal;

/// A room in use.
#[derive(Debug)]
pub(super) struct Room {
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
    pub(super) fn new(log: RoomLog, demand: Arc<Signal>) -> Self {
        let state = RoomState { log, closed: false, waiters: Slab::new(), soonest: u64::MAX };
        Self { state: Mutex::new(state), demand }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, RoomState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes an event; `None` if the room is closed.
    pub(super) fn publish(&self, draft: Draft<'_>) -> Option<Result<u64, NameError>> {
        let immediate = draft.rule.delivery == Delivery::Immediate;
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        let seq = state.log.append(draft);
        let due = match seq {
            Ok(seq) if immediate || seq >= state.soonest => state.due(seq, immediate),
            _ => Vec::new(),
        };
        drop(state);
        due.into_iter().for_each(Waker::wake);
        Some(seq)
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
