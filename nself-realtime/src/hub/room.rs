//! A room that several threads use: its log behind one lock, and the readers that wait for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

use slab::Slab;

use super::Randomness;
use super::budget::{Budget, Place};
use super::wakes::Wakes;
use crate::broker::{Broker, BrokerError, Log, Record};
use crate::event::Delivery;
use crate::room::{Filter, FilterId, Flow, Headway, Limits, RoomLog};
use crate::signal::{Signal, Waiting};
use crate::{Cursor, Epoch, RoomName};

/// What the rooms of a hub have in common.
#[derive(Debug, Clone, Default)]
pub(super) struct Surroundings {
    pub(super) budget: Arc<Budget>,
    /// Tells that subscriptions have come or gone.
    pub(super) demand: Arc<Signal>,
    pub(super) wakes: Arc<Wakes>,
}

/// A room in use.
#[derive(Debug)]
pub(crate) struct Room {
    state: Mutex<RoomState>,
    kept: AtomicUsize,
    place: Place,
    surroundings: Surroundings,
    // Tells the producer of a stream that its reader has moved.
    flow_changes: Arc<Signal>,
}

#[derive(Debug)]
pub(super) struct RoomState {
    pub(super) log: RoomLog,
    pub(super) closed: bool,
    /// Of a stream: how far its producer may go.
    pub(super) flow: Option<Flow>,
    waiters: Slab<Waiter>,
    // The lowest position that anybody waits for: most events wake nobody.
    soonest: u64,
    // Those whose time has come will be woken soon.
    called: Option<Call>,
}

/// Whom of those who wait to wake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Call {
    /// Who waits for no more than there is.
    Due,
    /// All of them.
    Everyone,
}

/// As many readers are woken at once by who publishes: that is sooner than by another task.
const FEW_READERS: usize = 16;

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
        surroundings: &Surroundings,
    ) -> Arc<Self> {
        let epoch = Epoch::from_random(randomness.bits());
        let log = RoomLog::new(name.clone(), epoch, Limits::default());
        let room = Self::new(log, None, surroundings);
        broker.open(&Log::new(name, &room));
        room
    }

    /// A room for one stream to one reader: it lives here, whatever broker there is.
    pub(super) fn open_stream(
        name: RoomName,
        randomness: &dyn Randomness,
        surroundings: &Surroundings,
    ) -> Arc<Self> {
        let epoch = Epoch::from_random(randomness.bits());
        let log = RoomLog::new(name, epoch, Limits::default());
        Self::new(log, Some(Flow::new()), surroundings)
    }

    fn new(log: RoomLog, flow: Option<Flow>, surroundings: &Surroundings) -> Arc<Self> {
        let (waiters, soonest, called) = (Slab::new(), u64::MAX, None);
        let room = Arc::new(Self {
            state: Mutex::new(RoomState { log, closed: false, flow, waiters, soonest, called }),
            kept: AtomicUsize::new(0),
            place: Place::default(),
            surroundings: surroundings.clone(),
            flow_changes: Arc::default(),
        });
        surroundings.budget.add_room(&room);
        room
    }

    /// The bytes that it keeps.
    pub(super) fn kept(&self) -> usize {
        self.kept.load(Ordering::Relaxed)
    }

    /// Where it stands among all rooms.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Lets go of that many bytes.
    pub(super) fn give_way(&self, bytes: usize) {
        let mut state = self.lock();
        state.log.give_way(bytes);
        self.note_kept(&state);
    }

    /// Keeps nothing more of a key.
    pub(super) fn forget(&self, event_type: &str, key: &str) {
        let mut state = self.lock();
        state.log.forget(event_type, key);
        self.note_kept(&state);
    }

    /// Notes what the log keeps, while it is locked. Says whether all rooms keep too much.
    fn note_kept(&self, state: &RoomState) -> bool {
        let now = state.log.kept();
        let before = self.kept.swap(now, Ordering::Relaxed);
        now != before && self.surroundings.budget.changed(self, before, now)
    }

    /// Whether the producer of a stream may go on; `None` if the room is closed.
    pub(crate) fn headway(&self, now: Instant, all: bool) -> Option<Headway> {
        let state = self.lock();
        let headway = state.flow.as_ref().filter(|_| !state.closed);
        headway.map(|flow| flow.check(now, all))
    }

    /// Waits until the reader of a stream moves.
    pub(crate) fn flow_changes(&self) -> Waiting {
        self.flow_changes.wait()
    }

    /// Makes a visitor the reader of a stream: what it has it need not acknowledge, and one that has
    /// nothing begins at the beginning. Returns from where it reads; `None` if this is no stream.
    #[cfg(feature = "poll")]
    pub(super) fn visit_stream(&self, now: Instant, since: Option<Cursor>) -> Option<Cursor> {
        let mut state = self.lock();
        let start = state.log.cursor(0);
        let since = since.filter(|since| state.log.continues(*since)).unwrap_or(start);
        state.flow.as_mut()?.take_over();
        drop(state);
        self.change_flow(|flow, log| {
            flow.acknowledged(now, since.seq);
            log.acknowledge(since.seq);
        });
        self.wake_all();
        Some(since)
    }

    /// Changes how far the producer of a stream may go.
    pub(crate) fn change_flow(&self, change: impl FnOnce(&mut Flow, &mut RoomLog)) {
        let mut state = self.lock();
        let RoomState { flow, log, .. } = &mut *state;
        if let Some(flow) = flow {
            change(flow, log);
        }
        self.note_kept(&state);
        drop(state);
        self.flow_changes.notify();
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
        self: &Arc<Self>,
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
        let call = if immediate {
            state.call(Call::Everyone)
        } else {
            seq >= state.soonest && state.call(Call::Due)
        };
        let few = state.waiters.len() <= FEW_READERS;
        let due = if call && few { state.take_called() } else { Vec::new() };
        let cursor = state.log.cursor(seq);
        let too_much = self.note_kept(&state);
        drop(state);
        due.into_iter().for_each(Waker::wake);
        if call && !few && !self.surroundings.wakes.call(self) {
            self.wake_called();
        }
        if too_much {
            self.surroundings.budget.relieve();
        }
        Ok(cursor)
    }

    /// Wakes the readers that were called since.
    pub(super) fn wake_called(&self) {
        let due = self.lock().take_called();
        due.into_iter().for_each(Waker::wake);
    }

    /// Begins another life of the log; readers are reset.
    pub(crate) fn begin(&self, epoch: Epoch, after: u64) {
        let mut state = self.lock();
        state.log.begin(epoch, after);
        self.note_kept(&state);
        let due = state.due(u64::MAX, true);
        drop(state);
        due.into_iter().for_each(Waker::wake);
    }

    /// Ends it. Emitters and readers that still have it keep nothing of what was published.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let end = state.log.cursor(state.log.head());
        state.log.begin(end.epoch, end.seq);
        self.note_kept(&state);
        let due = state.due(u64::MAX, true);
        drop(state);
        due.into_iter().for_each(Waker::wake);
        self.flow_changes.notify();
    }

    /// Wakes everyone who waits: something other than an event has come.
    pub(super) fn wake_all(&self) {
        let due = self.lock().due(u64::MAX, true);
        due.into_iter().for_each(Waker::wake);
        self.flow_changes.notify();
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
        self.surroundings.demand.notify();
        Some((filter, waiter))
    }

    /// Adds a list of filters to those in use.
    pub(super) fn add_filters(&self, filters: Vec<Filter>) -> FilterId {
        let filter = self.lock().log.add_filters(filters);
        self.surroundings.demand.notify();
        filter
    }

    /// Gives a list of filters back.
    pub(super) fn remove_filters(&self, filter: FilterId) {
        self.lock().log.remove_filters(filter);
        self.surroundings.demand.notify();
    }

    pub(super) fn leave(&self, filter: FilterId, waiter: WaiterId) {
        let mut state = self.lock();
        state.waiters.try_remove(waiter.0);
        // Whoever is woken is looked for among all places. Looking for those to give back is as long a
        // look: it is done where few are left, each time that half of them have gone.
        let (left, places) = (state.waiters.len(), state.waiters.capacity());
        if left.next_power_of_two() == left.max(1) && left < places / 4 {
            state.waiters.shrink_to_fit();
        }
        drop(state);
        self.remove_filters(filter);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.surroundings.budget.remove_room(self);
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

    /// Notes whom to wake. Says whether nobody was called until now.
    fn call(&mut self, call: Call) -> bool {
        let before = self.called;
        self.called = before.max(Some(call));
        before.is_none()
    }

    /// Those who were called since.
    fn take_called(&mut self) -> Vec<Waker> {
        let (called, head) = (self.called.take(), self.log.head());
        called.map(|call| self.due(head, call == Call::Everyone)).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hub;

    #[test]
    fn places_of_readers_that_have_left_are_given_back() {
        let name = RoomName::new("shop").unwrap();
        let hub = Hub::new();
        hub.open_room(&name);
        let room = hub.room(&name).unwrap();
        let readers: Vec<_> = (0..1_000).map(|_| room.join(Vec::new()).unwrap()).collect();
        let (stays, leave) = readers.split_first().unwrap();
        for (filter, waiter) in leave {
            room.leave(*filter, *waiter);
        }
        assert!(room.lock().waiters.capacity() < 10);
        room.lock().wait(stays.1, Waker::noop(), 1);
        assert_eq!(room.lock().due(1, false).len(), 1, "who stays is still found");
    }
}
