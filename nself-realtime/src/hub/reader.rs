//! A subscription: filters and a cursor in one room. It first gives what is kept, or what was missed,
//! then `ready`, and from there on what comes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use bytes::Bytes;

#[cfg(feature = "sse")]
use super::Hub;
use super::room::{Room, RoomState, WaiterId};
use crate::proto::Pending;
use crate::proto::server_frame::{
    ReadyData, Recovered, ServerFrame, SubscribedData, Unsubscribed, UnsubscribedData,
};
use crate::room::{
    EventsFrame, Filter, FilterId, Flow, Gap, MAX_FILTERS, Position, SnapshotPosition, Space,
};
use crate::stats::Counters;
use crate::{Cursor, Epoch, RoomName};

/// Why a subscription cannot be made or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubscribeError {
    /// The room was closed.
    Closed,
    /// It would have more filters than a subscription may have.
    TooManyFilters,
}

/// Why something cannot be acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AckError {
    /// The room is read without acknowledging.
    NotAStream,
    /// That was not sent.
    NotSent,
}

/// Reads one room for one connection.
#[derive(Debug)]
pub(crate) struct Reader {
    name: RoomName,
    room: Arc<Room>,
    waiter: WaiterId,
    filters: Vec<Filter>,
    filter: FilterId,
    epoch: Epoch,
    position: Position,
    phase: Phase,
    additions: VecDeque<Addition>,
    // Up to where the client knows that it has read.
    known: u64,
    // Of a stream: which of its readers, one after the other, this is.
    turn: Option<u64>,
    // The client was told that nothing comes any more.
    ended: bool,
}

/// Filters that are added while the subscription lives.
#[derive(Debug)]
struct Addition {
    filters: Vec<Filter>,
    id: Option<u64>,
}

#[derive(Debug)]
enum Phase {
    /// What is kept is given, up to where the position stands.
    Snapshot {
        filter: FilterId,
        at: SnapshotPosition,
        id: Option<u64>,
        added: bool,
    },
    /// What was missed is given; `ready` is owed once the position has come to `target`.
    CatchUp {
        target: u64,
        id: Option<u64>,
    },
    Live,
}

/// One thing that a reader gives: a frame, and what it is for those who carry it in another form.
#[derive(Debug, Clone)]
#[cfg_attr(
    not(feature = "sse"),
    expect(dead_code, reason = "connections carry frames; their cursors are for other forms")
)]
pub(crate) enum Output {
    /// The answer to a subscribe; again, if the reader has to begin anew.
    Subscribed(Bytes),
    /// A part of what is kept.
    Snapshot(EventsFrame),
    /// Events that came, and the position of the last of them.
    Events(EventsFrame, Cursor),
    /// What is missing.
    Gap(Gap),
    /// Caught up to there.
    Ready { frame: Bytes, cursor: Cursor },
    /// The room has gone.
    Closed(Bytes),
}

impl Output {
    /// The frame as it goes over a connection.
    pub(crate) fn into_frame(self) -> Bytes {
        match self {
            Self::Subscribed(frame) | Self::Ready { frame, .. } | Self::Closed(frame) => frame,
            Self::Snapshot(frame) | Self::Events(frame, _) => frame.bytes,
            Self::Gap(gap) => gap.frame,
        }
    }

    /// Counts what it tells.
    pub(crate) fn count(&self, counters: &Counters) {
        match self {
            Self::Snapshot(frame) | Self::Events(frame, _) => {
                Counters::add(&counters.events_out, frame.events);
            }
            Self::Gap(gap) => Counters::add(counters.gaps(gap.why), 1),
            Self::Subscribed(_) | Self::Ready { .. } | Self::Closed(_) => {}
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Subscribed(frame) | Self::Ready { frame, .. } | Self::Closed(frame) => {
                frame.len()
            }
            Self::Snapshot(frame) | Self::Events(frame, _) => frame.bytes.len(),
            Self::Gap(gap) => gap.frame.len(),
        }
    }
}

/// What a step gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// As much as there is.
    Done,
    /// There is more, but no room for it.
    Cut,
    /// The room was closed; this reader is to be dropped.
    Closed,
}

#[cfg(feature = "sse")]
impl Hub {
    /// Subscribes to a room, and answers; `None` if there is no such room.
    pub(crate) fn subscribe(
        &self,
        room: &RoomName,
        filters: Vec<Filter>,
        since: Option<Cursor>,
        answers: &mut Vec<Output>,
    ) -> Option<Reader> {
        let now = self.clock().now();
        Reader::subscribe(self.room(room)?, filters, since, None, now, answers).ok()
    }
}

impl Reader {
    /// Subscribes, and answers.
    pub(super) fn subscribe(
        room: Arc<Room>,
        filters: Vec<Filter>,
        since: Option<Cursor>,
        id: Option<u64>,
        now: Instant,
        answers: &mut Vec<Output>,
    ) -> Result<Self, SubscribeError> {
        let (filter, waiter) = room.join(filters.clone()).ok_or(SubscribeError::Closed)?;
        let mut state = room.lock();
        let head = state.log.head();
        let snapshot =
            Phase::Snapshot { filter, at: SnapshotPosition::before(head), id, added: false };
        let turn = state.flow.as_mut().map(Flow::take_over);
        let RoomState { log, flow, .. } = &mut *state;
        let (position, gap, recovered, phase) = match since {
            // Of a stream nothing is left out.
            None if turn.is_some() => {
                let (position, gap) = log.recover(filter, 0);
                (position, gap, Recovered::Fresh, Phase::CatchUp { target: head, id })
            }
            None => (Position::at(head), None, Recovered::Fresh, snapshot),
            Some(cursor) if !log.continues(cursor) => {
                (Position::at(head), None, Recovered::Reset, snapshot)
            }
            Some(cursor) => {
                if let Some(flow) = flow {
                    // What it has it need not acknowledge.
                    flow.acknowledged(now, cursor.seq);
                    log.acknowledge(cursor.seq);
                }
                let (position, gap) = log.recover(filter, cursor.seq);
                let recovered = if gap.is_some() { Recovered::Gap } else { Recovered::Full };
                (position, gap, recovered, Phase::CatchUp { target: head, id })
            }
        };
        answers.push(subscribed(&state, id, recovered));
        answers.extend(gap.map(Output::Gap));
        let (name, epoch) = (state.log.name().clone(), state.log.epoch());
        drop(state);
        if turn.is_some() {
            // Who read it before is told, and the producer looks whether it may go on.
            room.wake_all();
        }
        let additions = VecDeque::new();
        let known = position.seq;
        Ok(Self {
            name,
            room,
            waiter,
            filters,
            filter,
            epoch,
            position,
            phase,
            additions,
            known,
            turn,
            ended: false,
        })
    }

    pub(super) fn name(&self) -> &RoomName {
        &self.name
    }

    /// Up to where it has read.
    #[cfg(feature = "sse")]
    pub(crate) fn cursor(&self) -> Cursor {
        // In the life of the log that was read: there may be another one by now.
        Cursor { epoch: self.epoch, seq: self.position.seq }
    }

    /// Adds filters, and answers. Live delivery pauses until the snapshot of what was added is given.
    pub(super) fn add(
        &mut self,
        filters: Vec<Filter>,
        id: Option<u64>,
        answers: &mut Vec<Output>,
    ) -> Result<(), SubscribeError> {
        let waiting: usize = self.additions.iter().map(|addition| addition.filters.len()).sum();
        if self.filters.len() + waiting + filters.len() > MAX_FILTERS {
            return Err(SubscribeError::TooManyFilters);
        }
        answers.push(subscribed(&self.room.lock(), id, Recovered::Fresh));
        self.additions.push_back(Addition { filters, id });
        Ok(())
    }

    /// Takes the filter with these types and keys away, also one whose snapshot is still owed; `false` if
    /// there is none.
    pub(super) fn remove(&mut self, like: &Filter) -> bool {
        let same = |filter: &Filter| (&filter.types, &filter.keys) == (&like.types, &like.keys);
        if let Some(index) = self.filters.iter().position(same) {
            self.filters.remove(index);
            self.use_filters();
            return true;
        }
        for addition in &mut self.additions {
            if let Some(index) = addition.filters.iter().position(same) {
                addition.filters.remove(index);
                self.use_addition();
                return true;
            }
        }
        false
    }

    /// Whether any filter is left.
    pub(super) fn is_empty(&self) -> bool {
        self.filters.is_empty() && self.additions.iter().all(|addition| addition.filters.is_empty())
    }

    /// Tells the position if it is that far past what the client knows: a narrow filter in a busy room
    /// must not fall out of the ledger's reach.
    pub(super) fn cursor_past(&mut self, events: u64) -> Option<Bytes> {
        if !matches!(self.phase, Phase::Live) || self.position.seq < self.known + events {
            return None;
        }
        self.known = self.position.seq;
        let data = ReadyData { cursor: Cursor { epoch: self.epoch, seq: self.known } };
        Some(ServerFrame::Cursor { room: &self.name, data }.encode())
    }

    /// Whether a step has said that nothing comes any more. A room that was closed since is yet to be
    /// told.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    fn is_its_turn(&self, state: &RoomState) -> bool {
        match (&state.flow, self.turn) {
            (Some(flow), Some(turn)) => flow.is_turn_of(turn),
            _ => true,
        }
    }

    /// Lets go of a stream up to there.
    pub(super) fn acknowledge(&self, now: Instant, cursor: Cursor) -> Result<(), AckError> {
        if self.turn.is_none() {
            return Err(AckError::NotAStream);
        }
        if cursor.epoch != self.epoch || cursor.seq > self.position.seq {
            return Err(AckError::NotSent);
        }
        self.room.change_flow(|flow, log| {
            flow.acknowledged(now, cursor.seq);
            log.acknowledge(cursor.seq);
        });
        Ok(())
    }

    /// Says that no more of a stream is wanted.
    pub(super) fn leave_stream(&self) {
        let Some(turn) = self.turn else { return };
        self.room.change_flow(|flow, _| {
            if flow.is_turn_of(turn) {
                flow.leave();
            }
        });
    }

    /// Looks at what waits to be read, and has `waker` woken when that changes what the pacer would
    /// say: at the next event if none waits, else when `enough` of them do, and at every immediate
    /// one.
    pub(crate) fn look(&mut self, waker: &Waker, enough: usize) -> Pending {
        let mut state = self.room.lock();
        let owes = !matches!(self.phase, Phase::Live)
            || !self.additions.is_empty()
            || state.log.epoch() != self.epoch;
        if state.closed || owes || !self.is_its_turn(&state) {
            return Pending { events: usize::MAX, immediate: true };
        }
        state.log.look(self.filter, &mut self.position);
        let waiting = self.position.waiting();
        let more = if waiting == 0 { 1 } else { enough.saturating_sub(waiting) };
        let at = match u64::try_from(more) {
            Ok(0) | Err(_) => u64::MAX,
            Ok(more) => state.log.head() + more,
        };
        state.wait(self.waiter, waker, at);
        Pending { events: waiting, immediate: self.position.immediate() }
    }

    /// Puts what comes next into `out`: at most one frame of events, with what belongs before and
    /// after it.
    pub(crate) fn step(&mut self, space: Space, out: &mut Vec<Output>) -> Step {
        let room = Arc::clone(&self.room);
        let mut state = room.lock();
        if !self.is_its_turn(&state) {
            return self.end(Unsubscribed::Superseded, out);
        }
        if state.closed {
            return self.end(Unsubscribed::Closed, out);
        }
        if state.log.epoch() != self.epoch {
            self.reset(&mut state, out);
            return Step::Cut;
        }
        match &mut self.phase {
            Phase::Snapshot { filter, at, id, added } => {
                let (filter, id, added) = (*filter, *id, *added);
                let Some(part) = state.log.take_snapshot(filter, at, id, space) else {
                    self.reset(&mut state, out);
                    return Step::Cut;
                };
                out.extend(part.gap.map(Output::Gap));
                out.extend(part.frame.map(Output::Snapshot));
                if !at.is_at_its_end() {
                    return Step::Cut;
                }
                let target = at.target;
                out.push(ready(&state, id, target));
                self.phase = Phase::Live;
                drop(state);
                if added {
                    self.finish_addition(filter);
                }
                self.next_step_if_added()
            }
            Phase::CatchUp { .. } | Phase::Live => {
                let step = self.read(&mut state, space, out);
                drop(state);
                if step == Step::Done { self.next_step_if_added() } else { step }
            }
        }
    }

    fn end(&mut self, reason: Unsubscribed, out: &mut Vec<Output>) -> Step {
        self.ended = true;
        let data = UnsubscribedData { reason };
        let frame = ServerFrame::Unsubscribed { id: None, room: &self.name, data }.encode();
        out.push(Output::Closed(frame));
        Step::Closed
    }

    fn read(&mut self, state: &mut RoomState, space: Space, out: &mut Vec<Output>) -> Step {
        let Some(taken) = state.log.take(self.filter, &mut self.position, space) else {
            self.reset(state, out);
            return Step::Cut;
        };
        out.extend(taken.gap.map(Output::Gap));
        let cursor = state.log.cursor(self.position.seq);
        if taken.frame.is_some() {
            self.known = self.position.seq;
        }
        out.extend(taken.frame.map(|frame| Output::Events(frame, cursor)));
        if let Phase::CatchUp { target, id } = self.phase
            && self.position.seq >= target
        {
            out.push(ready(state, id, self.position.seq));
            self.known = self.position.seq;
            self.phase = Phase::Live;
        }
        if taken.cut { Step::Cut } else { Step::Done }
    }

    /// Begins anew: the log no longer knows what this reader missed.
    fn reset(&mut self, state: &mut RoomState, out: &mut Vec<Output>) {
        // An addition whose snapshot was begun is begun again.
        if let Phase::Snapshot { filter, added: true, .. } = self.phase {
            state.log.remove_filters(filter);
        }
        out.push(subscribed(state, None, Recovered::Reset));
        let head = state.log.head();
        self.epoch = state.log.epoch();
        (self.position, self.known) = (Position::at(head), head);
        let at = SnapshotPosition::before(head);
        self.phase = Phase::Snapshot { filter: self.filter, at, id: None, added: false };
    }

    /// Begins with the next addition, now that everything before it was given.
    fn next_step_if_added(&mut self) -> Step {
        if !matches!(self.phase, Phase::Live) {
            return Step::Done;
        }
        let Some(addition) = self.additions.front() else { return Step::Done };
        let filter = self.room.add_filters(addition.filters.clone());
        let at = SnapshotPosition::before(self.position.seq);
        self.phase = Phase::Snapshot { filter, at, id: addition.id, added: true };
        Step::Cut
    }

    fn finish_addition(&mut self, filter: FilterId) {
        if let Some(addition) = self.additions.pop_front() {
            self.filters.extend(addition.filters);
            self.use_filters();
        }
        self.room.remove_filters(filter);
    }

    fn use_filters(&mut self) {
        let before = self.filter;
        self.filter = self.room.add_filters(self.filters.clone());
        self.room.remove_filters(before);
        if let Phase::Snapshot { filter, added: false, .. } = &mut self.phase {
            *filter = self.filter;
        }
        // What was seen waiting was seen with other eyes.
        self.position.look_again();
    }

    /// The filters of the addition whose snapshot is given may have changed.
    fn use_addition(&mut self) {
        if let Phase::Snapshot { filter, added: true, .. } = &mut self.phase
            && let Some(addition) = self.additions.front()
        {
            let before = std::mem::replace(filter, self.room.add_filters(addition.filters.clone()));
            self.room.remove_filters(before);
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Phase::Snapshot { filter, added: true, .. } = self.phase {
            self.room.remove_filters(filter);
        }
        self.room.leave(self.filter, self.waiter);
    }
}

fn subscribed(state: &RoomState, id: Option<u64>, recovered: Recovered) -> Output {
    let cursor = state.log.cursor(state.log.head());
    let data = SubscribedData { epoch: cursor.epoch, cursor, recovered };
    let frame = ServerFrame::Subscribed { id, room: state.log.name(), data }.encode();
    Output::Subscribed(frame)
}

fn ready(state: &RoomState, id: Option<u64>, seq: u64) -> Output {
    let cursor = state.log.cursor(seq);
    let frame =
        ServerFrame::Ready { id, room: state.log.name(), data: ReadyData { cursor } }.encode();
    Output::Ready { frame, cursor }
}

#[cfg(all(test, feature = "sse"))]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_one_in_the_life_of_the_log_that_was_read() {
        let hub = Hub::new();
        let name = RoomName::new("shop").unwrap();
        hub.open_room(&name);
        let mut reader = hub.subscribe(&name, Vec::new(), None, &mut Vec::new()).unwrap();
        let space = Space { bytes: 65_536, events: usize::MAX, one_larger: true };
        assert_eq!(reader.step(space, &mut Vec::new()), Step::Done);
        let read = reader.cursor();
        hub.room(&name).unwrap().begin(Epoch::from_random(7), 100);
        assert_eq!(reader.cursor(), read);
        let told = reader.cursor_past(0).unwrap();
        assert!(String::from_utf8_lossy(&told).contains(&read.to_string()));
    }
}
