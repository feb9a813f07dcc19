//! One room as a client reads it: what it wants of the room, and how far it has read.
//!
//! Whatever comes between `subscribed` and `ready`, or before a gap is passed, is held back and told at
//! once: if the connection is cut before, nothing of it was told, the former cursor still holds, and
//! nothing comes twice.

use super::delivery::{Delivery, Gap};
use super::frames::PollRoom;
use super::wishes::{Change, Removed, Request, WishId, Wishes};
use crate::event::RawEvent;
use crate::proto::server_frame::Recovered;
use crate::{Cursor, Epoch, Filter, RoomName};

/// How a room stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not asked for on this connection.
    Away,
    /// Asked for, without an answer yet.
    Asked,
    /// The server delivers.
    Reading,
    /// There is no such room now.
    Unknown,
    /// The server will not deliver it.
    Refused,
}

/// A request whose `ready` has not come.
#[derive(Debug)]
struct CatchUp {
    id: Option<u64>,
    wishes: Vec<WishId>,
    recovered: Recovered,
    snapshot: Vec<RawEvent>,
    /// What went while the snapshot was given.
    gaps: Vec<Gap>,
    /// Filters were added to a reading that goes on.
    added: bool,
}

/// What has come and may not be told yet.
#[derive(Debug, Default)]
struct Held {
    deliveries: Vec<Delivery>,
    catch_ups: Vec<CatchUp>,
    /// Whose snapshots are among it, and up to where they tell.
    settled: Vec<(Vec<WishId>, Cursor)>,
    /// Up to where it goes.
    seq: u64,
    /// The end of the last gap: the server tells it ahead of the events between its parts, and a
    /// resume from among them would be told it again.
    gap_to: u64,
}

/// Reads one room.
#[derive(Debug)]
pub(super) struct RoomReader {
    room: RoomName,
    phase: Phase,
    cursor: Option<Cursor>,
    /// Whether it was told that there is no such room.
    gone: bool,
    /// Which life of the log is read on this connection.
    epoch: Option<Epoch>,
    wishes: Wishes,
    held: Held,
    /// Filters that go as soon as nothing is caught up on.
    leaving: Vec<Filter>,
}

impl RoomReader {
    pub(super) fn new(room: RoomName) -> Self {
        Self {
            room,
            phase: Phase::Away,
            cursor: None,
            gone: false,
            epoch: None,
            wishes: Wishes::default(),
            held: Held::default(),
            leaving: Vec::new(),
        }
    }

    pub(super) fn room(&self) -> &RoomName {
        &self.room
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    pub(super) fn cursor(&self) -> Option<Cursor> {
        self.cursor
    }

    /// Sets what is wanted of the room, and says what that changes.
    pub(super) fn want(&mut self, filters: &[Filter]) -> Change {
        self.wishes.set(filters)
    }

    /// The filters that can be taken away at once; the others follow by [`leave`](Self::leave).
    pub(super) fn try_leave(&mut self, removed: Vec<Removed>) -> Vec<Filter> {
        let mistakable = |removed: &Removed| self.wishes.may_be_mistaken(removed);
        let (later, now): (Vec<_>, Vec<_>) = removed.into_iter().partition(mistakable);
        self.leaving.extend(later.into_iter().map(Removed::into_filter));
        now.into_iter().map(Removed::into_filter).collect()
    }

    /// The filters that waited until nothing is owed: nothing that was asked for and not answered, and
    /// nothing that is caught up on.
    pub(super) fn leave(&mut self, asked: bool) -> Vec<Filter> {
        if asked || !self.held.catch_ups.is_empty() || self.phase != Phase::Reading {
            return Vec::new();
        }
        std::mem::take(&mut self.leaving)
    }

    /// What to ask for on a new connection. Filters that were never caught up on are asked for by
    /// themselves: with a cursor the server would leave out what they had before it.
    pub(super) fn restore(&self) -> impl Iterator<Item = Request> + use<> {
        self.wishes.settled(self.cursor).into_iter().chain(self.wishes.added())
    }

    /// What to ask for with a poll, which has one cursor for all filters of a room.
    pub(super) fn poll(&self) -> Option<Request> {
        if matches!(self.phase, Phase::Unknown | Phase::Refused) {
            return None;
        }
        self.wishes.added().or_else(|| self.wishes.all(self.cursor))
    }

    /// Those of these wishes that are still wanted.
    pub(super) fn still_wanted(&self, request: &Request) -> Option<Request> {
        self.wishes.still_wanted(request)
    }

    /// The server was asked for it.
    pub(super) fn handle_asked(&mut self) {
        if self.phase != Phase::Reading {
            self.phase = Phase::Asked;
        }
    }

    /// There is no such room, or no longer: the wish stays. That is told once.
    pub(super) fn handle_unknown(&mut self) -> Option<Delivery> {
        self.handle_lost();
        self.phase = Phase::Unknown;
        let known = std::mem::replace(&mut self.gone, true);
        (!known).then(|| Delivery::Closed { room: self.room.clone() })
    }

    /// The room is open: it can be asked for again.
    pub(super) fn handle_open(&mut self) {
        if self.phase == Phase::Unknown {
            self.phase = Phase::Away;
        }
    }

    /// The server refused what was asked for; what it delivers already goes on.
    pub(super) fn handle_refused(&mut self) {
        if matches!(self.phase, Phase::Asked | Phase::Away) {
            self.phase = Phase::Refused;
        }
    }

    /// The server no longer delivers it.
    pub(super) fn handle_withdrawn(&mut self) {
        self.handle_lost();
        self.phase = Phase::Refused;
    }

    /// The connection is lost: what was not told will be read again.
    pub(super) fn handle_lost(&mut self) {
        self.phase = Phase::Away;
        self.held = Held::default();
        self.leaving.clear();
        self.epoch = None;
    }

    /// The answer to a request; without one, the server begins the room anew.
    pub(super) fn handle_subscribed(
        &mut self,
        id: Option<u64>,
        epoch: Epoch,
        recovered: Recovered,
        request: Option<Request>,
    ) {
        let added = self.phase == Phase::Reading && request.is_some();
        let wishes = match request {
            Some(request) => request.wishes,
            None if self.phase == Phase::Reading => self.begin_anew(),
            // Of a subscription that was ended since.
            None => return,
        };
        (self.phase, self.gone) = (Phase::Reading, false);
        if !added {
            self.epoch = Some(epoch);
        }
        self.held.catch_ups.push(CatchUp {
            id,
            wishes,
            recovered,
            snapshot: Vec::new(),
            gaps: Vec::new(),
            added,
        });
    }

    /// Of what was asked for first, `ready` never comes; additions whose snapshot was begun begin
    /// theirs again. What was published before and has come is true all the same, and told.
    fn begin_anew(&mut self) -> Vec<WishId> {
        let held = &mut self.held;
        held.catch_ups.retain(|catch_up| catch_up.added);
        for catch_up in &mut held.catch_ups {
            catch_up.snapshot.clear();
            catch_up.gaps.clear();
        }
        // The positions of the former life say nothing any more.
        (held.seq, held.gap_to) = (0, 0);
        let added: Vec<WishId> =
            held.catch_ups.iter().flat_map(|catch_up| catch_up.wishes.iter().copied()).collect();
        self.wishes.except(&added)
    }

    pub(super) fn handle_snapshot(&mut self, id: Option<u64>, events: Vec<RawEvent>) {
        if let Some(catch_up) = self.held.catch_ups.iter_mut().find(|own| own.id == id) {
            catch_up.snapshot.extend(events);
        }
    }

    #[must_use]
    pub(super) fn handle_events(&mut self, events: Vec<RawEvent>) -> Vec<Delivery> {
        let Some(last) = events.last().filter(|_| self.phase == Phase::Reading) else {
            return Vec::new();
        };
        let held = &mut self.held;
        held.seq = held.seq.max(last.seq);
        let live = held.catch_ups.is_empty();
        let events = match self.epoch {
            Some(epoch) => self.wishes.news_among(events, epoch),
            None => events,
        };
        if !events.is_empty() {
            held.deliveries.push(Delivery::Events { room: self.room.clone(), events, live });
        }
        self.release()
    }

    pub(super) fn handle_gap(&mut self, gap: Gap) {
        if self.phase != Phase::Reading {
            return;
        }
        let held = &mut self.held;
        held.gap_to = held.gap_to.max(gap.to);
        let news = match self.epoch {
            Some(epoch) => self.wishes.news_of(gap, epoch),
            None => Some(gap),
        };
        let Some(gap) = news else { return };
        // While a snapshot is given nothing else is, so what is missing is missing in it.
        match held.catch_ups.iter_mut().find(|catch_up| !catch_up.snapshot.is_empty()) {
            Some(catch_up) => catch_up.gaps.push(gap),
            None => held.deliveries.push(Delivery::Gap { room: self.room.clone(), gap }),
        }
    }

    #[must_use]
    pub(super) fn handle_cursor(&mut self, cursor: Cursor) -> Vec<Delivery> {
        if self.phase != Phase::Reading || !self.held.catch_ups.is_empty() {
            return Vec::new();
        }
        self.held.seq = self.held.seq.max(cursor.seq);
        self.release()
    }

    #[must_use]
    pub(super) fn handle_ready(&mut self, id: Option<u64>, cursor: Cursor) -> Vec<Delivery> {
        let held = &mut self.held;
        let Some(index) = held.catch_ups.iter().position(|catch_up| catch_up.id == id) else {
            return Vec::new();
        };
        let CatchUp { wishes, recovered, snapshot, gaps, added, .. } = held.catch_ups.remove(index);
        held.seq = held.seq.max(cursor.seq);
        if matches!(recovered, Recovered::Fresh | Recovered::Reset) {
            let is_events = |delivery: &Delivery| matches!(delivery, Delivery::Events { .. });
            let is_stream =
                recovered == Recovered::Fresh && !added && held.deliveries.iter().any(is_events);
            // A stream begins with its first event: nothing of it came before.
            let (place, upto) = if is_stream {
                (0, Cursor { seq: 0, ..cursor })
            } else {
                (held.deliveries.len(), cursor)
            };
            let snapshot = self.snapshot(&wishes, snapshot, upto, recovered);
            self.held.deliveries.insert(place, snapshot);
            self.held.settled.push((wishes, upto));
        }
        let room = &self.room;
        let gaps = gaps.into_iter().map(|gap| Delivery::Gap { room: room.clone(), gap });
        self.held.deliveries.extend(gaps);
        self.release()
    }

    /// Tells what is held if nothing is caught up on and no gap is open.
    fn release(&mut self) -> Vec<Delivery> {
        if !self.held.catch_ups.is_empty() || self.held.seq < self.held.gap_to {
            return Vec::new();
        }
        let Held { deliveries, settled, seq, .. } = std::mem::take(&mut self.held);
        if let Some(epoch) = self.epoch {
            let before = self.cursor.filter(|cursor| cursor.epoch == epoch);
            let seq = before.map_or(seq, |before| before.seq.max(seq));
            self.cursor = Some(Cursor { epoch, seq });
        }
        for (wishes, upto) in settled {
            self.wishes.settle(&wishes, upto);
        }
        deliveries
    }

    fn snapshot(
        &self,
        wishes: &[WishId],
        events: Vec<RawEvent>,
        cursor: Cursor,
        recovered: Recovered,
    ) -> Delivery {
        let (filters, reset) = (self.wishes.filters(wishes), recovered == Recovered::Reset);
        Delivery::Snapshot { room: self.room.clone(), filters, events, cursor, reset }
    }

    /// What a poll was answered. `live`: it waited for that.
    #[must_use]
    pub(super) fn handle_poll(
        &mut self,
        request: &Request,
        answer: PollRoom,
        live: bool,
    ) -> Vec<Delivery> {
        let PollRoom { cursor, recovered, snapshot, gaps, events, .. } = answer;
        let mut deliveries = Vec::new();
        let mut settled = None;
        if matches!(recovered, Recovered::Fresh | Recovered::Reset) {
            // A stream begins with its first event: nothing of it came before.
            let upto = if events.is_empty() { cursor } else { Cursor { seq: 0, ..cursor } };
            deliveries.push(self.snapshot(&request.wishes, snapshot, upto, recovered));
            settled = Some(upto);
        }
        let room = &self.room;
        // Those of a snapshot are about what went while it was given.
        let gaps = gaps.into_iter().filter_map(|gap| match settled {
            Some(_) => Some(gap),
            None => self.wishes.news_of(gap, cursor.epoch),
        });
        deliveries.extend(gaps.map(|gap| Delivery::Gap { room: room.clone(), gap }));
        let events = self.wishes.news_among(events, cursor.epoch);
        if !events.is_empty() {
            deliveries.push(Delivery::Events { room: room.clone(), events, live });
        }
        // What is read already goes on from where it stands; if there is nothing such, from here.
        if request.since.is_some() || !self.wishes.reads_beside(&request.wishes) {
            self.cursor = Some(cursor);
        }
        if let Some(upto) = settled {
            self.wishes.settle(&request.wishes, upto);
        }
        deliveries
    }
}
