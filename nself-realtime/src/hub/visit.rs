//! One look into a room from a cursor, by somebody of whom nothing is remembered afterwards: what a
//! polling client makes again and again.

use std::sync::Arc;
use std::task::Waker;

use super::Hub;
use super::room::{Room, RoomState, WaiterId};
use crate::proto::server_frame::Recovered;
use crate::room::{EventsFrame, Filter, FilterId, Gap, Position, SnapshotPosition, Space};
use crate::stats::Counters;
use crate::{Cursor, RoomName};

/// A snapshot is read in parts of that size: publishing waits for no longer than one takes.
const SNAPSHOT_PART_BYTES: usize = 64 * 1024;

/// Waits for news of one room, and takes them once.
#[derive(Debug)]
pub(crate) struct Visit {
    name: RoomName,
    room: Arc<Room>,
    filter: FilterId,
    waiter: WaiterId,
    since: Option<Cursor>,
    // Runs ahead of `since` over what the filters do not match.
    position: Position,
}

/// Whether there is something to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing that the filters match came after the cursor.
    Nothing,
    /// Something did.
    News,
    /// What is there does not depend on what comes: a snapshot, or the end of the room.
    AtOnce,
}

/// What a visit gave.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) recovered: Recovered,
    /// Where the next visit begins.
    pub(crate) cursor: Cursor,
    /// What is kept, in parts.
    pub(crate) snapshot: Vec<EventsFrame>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) events: Option<EventsFrame>,
    /// How many events these are.
    pub(crate) count: usize,
    /// Whether there was no room for more.
    pub(crate) more: bool,
}

impl Found {
    /// Counts it as told.
    pub(crate) fn count_out(&self, counters: &Counters) {
        Counters::add(&counters.events_out, self.count);
        for gap in &self.gaps {
            Counters::add(counters.gaps(gap.why), 1);
        }
    }
}

impl Hub {
    /// Begins a visit; `None` if there is no such room.
    pub(crate) fn visit(
        &self,
        name: &RoomName,
        filters: Vec<Filter>,
        since: Option<Cursor>,
    ) -> Option<Visit> {
        let room = self.room(name)?;
        let (filter, waiter) = room.join(filters)?;
        let since = room.visit_stream(self.clock().now(), since).or(since);
        let position = Position::at(since.map_or(0, |cursor| cursor.seq));
        Some(Visit { name: name.clone(), room, filter, waiter, since, position })
    }
}

impl Visit {
    /// The room.
    pub(crate) fn name(&self) -> &RoomName {
        &self.name
    }

    /// Says whether there is something to take. If not, `waker` is woken when there may be.
    pub(crate) fn look(&mut self, waker: &Waker) -> Due {
        let mut state = self.room.lock();
        let continued = self
            .since
            .map(|since| Cursor { seq: self.position.seq, ..since })
            .filter(|cursor| state.log.continues(*cursor));
        if state.closed || continued.is_none() {
            return Due::AtOnce;
        }
        if state.log.is_behind(self.position.seq) {
            // Whether anything of what it missed is wanted takes a reading to tell.
            let one = Space { bytes: 0, events: 1, one_larger: true };
            match state.log.page(self.filter, self.position.seq, one) {
                Some(page) if page.gap.is_none() && page.frame.is_none() => {
                    self.position = Position::at(page.to);
                }
                _ => return Due::News,
            }
        }
        state.log.look(self.filter, &mut self.position);
        if self.position.waiting() > 0 {
            return Due::News;
        }
        let next = state.log.head() + 1;
        state.wait(self.waiter, waker, next);
        Due::Nothing
    }

    /// Takes what there is: a snapshot whole, events as many as there is room for. `None` if the room
    /// was closed.
    pub(crate) fn take(&self, space: Space) -> Option<Found> {
        let mut state = self.room.lock();
        if state.closed {
            return None;
        }
        let seq = self.position.seq;
        let since = self.since.filter(|since| state.log.continues(Cursor { seq, ..*since }));
        let page = since.and_then(|_| state.log.page(self.filter, seq, space));
        let Some(page) = page else {
            drop(state);
            return self.take_snapshot();
        };
        let recovered = if page.gap.is_some() { Recovered::Gap } else { Recovered::Full };
        Some(Found {
            recovered,
            cursor: state.log.cursor(page.to),
            snapshot: Vec::new(),
            gaps: page.gap.into_iter().collect(),
            count: page.frame.as_ref().map_or(0, |frame| frame.events),
            events: page.frame,
            more: page.cut,
        })
    }

    fn take_snapshot(&self) -> Option<Found> {
        let space = Space { bytes: SNAPSHOT_PART_BYTES, events: usize::MAX, one_larger: true };
        let recovered = if self.since.is_some() { Recovered::Reset } else { Recovered::Fresh };
        let begin = |state: &RoomState| {
            let cursor = state.log.cursor(state.log.head());
            let (snapshot, gaps, events) = (Vec::new(), Vec::new(), None);
            let found = Found { recovered, cursor, snapshot, gaps, events, count: 0, more: false };
            (found, SnapshotPosition::before(cursor.seq))
        };
        let (mut found, mut at) = begin(&self.room.lock());
        while !at.is_at_its_end() {
            let mut state = self.room.lock();
            if state.closed {
                return None;
            }
            let same = state.log.epoch() == found.cursor.epoch;
            let part = same.then(|| state.log.take_snapshot(self.filter, &mut at, None, space));
            let Some(part) = part.flatten() else {
                // The log no longer knows what was begun.
                (found, at) = begin(&state);
                continue;
            };
            found.count += part.frame.as_ref().map_or(0, |frame| frame.events);
            found.gaps.extend(part.gap);
            found.snapshot.extend(part.frame);
        }
        Some(found)
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.room.leave(self.filter, self.waiter);
    }
}
