//! One room as a client reads it: what it wants of the room, and how far it has read.
//!
//! Whatever comes between `subscribed` and `ready`, or before a gap is passed, is held back and told at
//! once: if the connection is cut before, nothing of it was told, the former cursor still holds, and
//! nothing comes twice.

use super::delivery::{Delivery, Gap};
use super::frames::PollRoom;
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

/// Stands for one filter that somebody wants. Equal filters are wants of their own: each is owed a
/// snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WishId(u64);

#[derive(Debug)]
struct Wish {
    id: WishId,
    filter: Filter,
    /// Whether its snapshot has been told.
    settled: bool,
}

/// What the server is asked for.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) wishes: Vec<WishId>,
    pub(super) filters: Vec<Filter>,
    pub(super) since: Option<Cursor>,
}

/// What a change of wishes asks for.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) added: Option<Request>,
    pub(super) removed: Vec<Removed>,
}

/// A filter that is no longer wanted.
#[derive(Debug)]
pub(super) struct Removed {
    filter: Filter,
    settled: bool,
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
    /// Whose snapshots are among it.
    settled: Vec<WishId>,
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
    /// Which life of the log is read on this connection.
    epoch: Option<Epoch>,
    wishes: Vec<Wish>,
    last_wish: u64,
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
            epoch: None,
            wishes: Vec::new(),
            last_wish: 0,
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
        let mut left = std::mem::take(&mut self.wishes);
        let mut added = Vec::new();
        for filter in filters {
            // Of equal ones the one that is settled stays.
            let same = |wish: &Wish| wish.filter == *filter;
            let known = left.iter().position(|wish| same(wish) && wish.settled);
            if let Some(index) = known.or_else(|| left.iter().position(same)) {
                self.wishes.push(left.remove(index));
            } else {
                self.last_wish += 1;
                let id = WishId(self.last_wish);
                added.push(id);
                self.wishes.push(Wish { id, filter: filter.clone(), settled: false });
            }
        }
        let removed = |Wish { filter, settled, .. }| Removed { filter, settled };
        let removed = left.into_iter().map(removed).collect();
        let added = self.request(|wish| added.contains(&wish.id), None);
        Change { added, removed }
    }

    /// The filters that can be taken away at once; the others follow by [`leave`](Self::leave).
    ///
    /// The server takes the first filter away that has the same types and keys. While one of the two
    /// is owed a snapshot that would be the wrong one.
    pub(super) fn try_leave(&mut self, removed: Vec<Removed>) -> Vec<Filter> {
        let mut leaving = Vec::new();
        for Removed { filter, settled } in removed {
            let mut twins = self.wishes.iter().filter(|wish| is_twin(&wish.filter, &filter));
            if twins.any(|twin| !(twin.settled && settled)) {
                self.leaving.push(filter);
            } else {
                leaving.push(filter);
            }
        }
        leaving
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
        let settled = self.request(|wish| wish.settled, self.cursor);
        let added = self.request(|wish| !wish.settled, None);
        settled.into_iter().chain(added)
    }

    /// What to ask for with a poll, which has one cursor for all filters of a room.
    pub(super) fn poll(&self) -> Option<Request> {
        if matches!(self.phase, Phase::Unknown | Phase::Refused) {
            return None;
        }
        self.request(|wish| !wish.settled, None).or_else(|| self.request(|_| true, self.cursor))
    }

    /// Those of these wishes that are still wanted.
    pub(super) fn still_wanted(&self, request: &Request) -> Option<Request> {
        self.request(|wish| request.wishes.contains(&wish.id), request.since)
    }

    fn request(&self, of: impl Fn(&Wish) -> bool, since: Option<Cursor>) -> Option<Request> {
        let (wishes, filters): (Vec<_>, Vec<_>) = self
            .wishes
            .iter()
            .filter(|wish| of(wish))
            .map(|wish| (wish.id, wish.filter.clone()))
            .unzip();
        (!wishes.is_empty()).then_some(Request { wishes, filters, since })
    }

    /// The server was asked for it.
    pub(super) fn handle_asked(&mut self) {
        if self.phase != Phase::Reading {
            self.phase = Phase::Asked;
        }
    }

    /// There is no such room, or no longer: the wish stays.
    pub(super) fn handle_unknown(&mut self) -> Delivery {
        self.handle_lost();
        self.phase = Phase::Unknown;
        Delivery::Closed { room: self.room.clone() }
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
        self.phase = Phase::Reading;
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
        self.wishes.iter().map(|wish| wish.id).filter(|id| !added.contains(id)).collect()
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
        held.deliveries.push(Delivery::Events { room: self.room.clone(), events, live });
        self.release()
    }

    pub(super) fn handle_gap(&mut self, gap: Gap) {
        if self.phase != Phase::Reading {
            return;
        }
        let held = &mut self.held;
        held.gap_to = held.gap_to.max(gap.to);
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
        held.settled.extend(&wishes);
        let reset = recovered == Recovered::Reset;
        let is_events = |delivery: &Delivery| matches!(delivery, Delivery::Events { .. });
        if recovered == Recovered::Fresh && !added && held.deliveries.iter().any(is_events) {
            // A stream begins with its first event: nothing of it came before.
            let begin = Cursor { seq: 0, ..cursor };
            let snapshot = self.snapshot(&wishes, snapshot, begin, reset);
            self.held.deliveries.insert(0, snapshot);
        } else if matches!(recovered, Recovered::Fresh | Recovered::Reset) {
            let snapshot = self.snapshot(&wishes, snapshot, cursor, reset);
            self.held.deliveries.push(snapshot);
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
        self.settle(&settled);
        deliveries
    }

    fn settle(&mut self, wishes: &[WishId]) {
        for wish in &mut self.wishes {
            wish.settled |= wishes.contains(&wish.id);
        }
    }

    fn snapshot(
        &self,
        wishes: &[WishId],
        events: Vec<RawEvent>,
        cursor: Cursor,
        reset: bool,
    ) -> Delivery {
        let wanted = self.wishes.iter().filter(|wish| wishes.contains(&wish.id));
        let filters = wanted.map(|wish| wish.filter.clone()).collect();
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
        let room = &self.room;
        let mut deliveries = Vec::new();
        if matches!(recovered, Recovered::Fresh | Recovered::Reset) {
            let reset = recovered == Recovered::Reset;
            // A stream begins with its first event: nothing of it came before.
            let upto = if events.is_empty() { cursor } else { Cursor { seq: 0, ..cursor } };
            deliveries.push(self.snapshot(&request.wishes, snapshot, upto, reset));
        }
        deliveries.extend(gaps.into_iter().map(|gap| Delivery::Gap { room: room.clone(), gap }));
        if !events.is_empty() {
            deliveries.push(Delivery::Events { room: room.clone(), events, live });
        }
        // What is read already goes on from where it stands; if there is nothing such, from here.
        let goes_on = |wish: &Wish| wish.settled && !request.wishes.contains(&wish.id);
        if request.since.is_some() || !self.wishes.iter().any(goes_on) {
            self.cursor = Some(cursor);
        }
        self.settle(&request.wishes);
        deliveries
    }
}

/// Whether the server cannot tell them apart when one is taken away.
fn is_twin(one: &Filter, other: &Filter) -> bool {
    (&one.types, &one.keys) == (&other.types, &other.keys)
}
