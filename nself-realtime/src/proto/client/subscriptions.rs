//! What a client wants of which room, and what the server answered: every wish outlives connections,
//! and a room that is not there is asked for again when `system` tells that it is open.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::delivery::{Delivery, ServerError, SessionEvent};
use super::frames::{Acknowledged, Left, Outgoing, PollRoom, RoomFrame, Selection};
use super::out::Out;
use super::room_reader::{Phase, RoomReader};
use super::wishes::Request;
use crate::event::{RawEvent, RoomState, RoomStatus};
use crate::{ErrorCode, Filter, RoomName};

/// How long to wait with a refused request where the server does not say.
const RETRY: Duration = Duration::from_secs(1);

/// A request that was sent and not answered.
#[derive(Debug, Clone)]
struct Pending {
    room: RoomName,
    request: Request,
}

/// What waits until the server takes it.
#[derive(Debug)]
enum Delayed {
    /// Filters that are added.
    Addition(Pending),
    /// All of a room.
    Room(RoomName),
}

/// Reads the rooms.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    open: bool,
    readers: BTreeMap<RoomName, RoomReader>,
    requests: HashMap<u64, Pending>,
    /// Rooms that closed while something was asked for in them.
    astray: BTreeSet<RoomName>,
    /// What the server asked to send again later.
    delayed: Vec<Delayed>,
    last_id: u64,
}

impl Subscriptions {
    /// A number for a request.
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Whether the rooms are asked for on this connection.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Reads a room through exactly these filters from now on; no filter ends it.
    pub(super) fn read(&mut self, room: &RoomName, filters: &[Filter], out: &mut Out) {
        let mut reader = self.readers.remove(room).unwrap_or_else(|| RoomReader::new(room.clone()));
        let change = reader.want(filters);
        let (phase, open) = (reader.phase(), self.open);
        if filters.is_empty() {
            if open && matches!(phase, Phase::Asked | Phase::Reading) {
                self.forget(room);
                let id = self.next_id();
                out.send(&Outgoing::Unsubscribe { id, room, data: None });
            }
            return;
        }
        self.readers.insert(room.clone(), reader);
        if !open {
            return;
        }
        match phase {
            Phase::Asked | Phase::Reading => {
                // What is added comes first: the room is never without a filter, so its reading goes on.
                if let Some(added) = change.added {
                    self.subscribe(room, added, out);
                }
                let Some(reader) = self.readers.get_mut(room) else { return };
                let leaving = reader.try_leave(change.removed);
                self.unsubscribe(room, leaving, out);
            }
            Phase::Away | Phase::Refused => self.restore(room, out),
            Phase::Unknown => {}
        }
    }

    /// A connection is open: all rooms are asked for at once.
    pub(super) fn handle_open(&mut self, out: &mut Out) {
        self.open = true;
        let rooms: Vec<RoomName> = self.readers.keys().cloned().collect();
        for room in rooms {
            self.restore(&room, out);
        }
    }

    /// The connection is lost.
    pub(super) fn handle_lost(&mut self) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        self.requests.clear();
        self.astray.clear();
        self.delayed.clear();
        for reader in self.readers.values_mut() {
            reader.handle_lost();
        }
    }

    pub(super) fn handle_frame(&mut self, room: &RoomName, frame: RoomFrame, out: &mut Out) {
        let Some(reader) = self.readers.get_mut(room) else { return };
        let told = match frame {
            RoomFrame::Events(events) => reader.handle_events(events),
            RoomFrame::Subscribed { id, epoch, recovered } => {
                let request = id.map(|id| self.requests.remove(&id));
                // An answer to what is no longer asked for is let go.
                if !matches!(request, Some(None)) {
                    let request = request.flatten().map(|pending| pending.request);
                    reader.handle_subscribed(id, epoch, recovered, request);
                }
                return;
            }
            RoomFrame::Snapshot { id, events } => return reader.handle_snapshot(id, events),
            RoomFrame::Ready { id, cursor } => {
                let told = reader.handle_ready(id, cursor);
                let asked = self.requests.values().any(|pending| pending.room == *room);
                let leaving = reader.leave(asked);
                self.unsubscribe(room, leaving, out);
                told
            }
            RoomFrame::Cursor(cursor) => reader.handle_cursor(cursor),
            RoomFrame::Gap(gap) => return reader.handle_gap(gap),
            RoomFrame::Unsubscribed { id: Some(_), .. } => return,
            RoomFrame::Unsubscribed { id: None, reason } => match reason {
                Left::Requested | Left::Closed | Left::Other => {
                    let told = reader.handle_unknown();
                    self.abandon(room);
                    self.tell(told, out);
                    // It may have opened since, and `system` may have told so before this came.
                    return self.note_open(room, out);
                }
                Left::Forbidden => {
                    reader.handle_withdrawn();
                    let message = "the rights to read this room were withdrawn";
                    return out.tell_error(ServerError::new("forbidden", message).of_room(room));
                }
                Left::Superseded => {
                    reader.handle_withdrawn();
                    let message = "another connection reads this stream now";
                    return out.tell_error(ServerError::new("conflict", message).of_room(room));
                }
            },
        };
        self.tell(told, out);
    }

    /// A request was refused. Returns after which time to call [`send_delayed`](Self::send_delayed).
    pub(super) fn handle_error(
        &mut self,
        id: Option<u64>,
        error: ServerError,
        out: &mut Out,
    ) -> Option<Duration> {
        let is = |code: ErrorCode| error.code == code.as_str();
        let Some(pending) = id.and_then(|id| self.requests.remove(&id)) else {
            // What was to be taken away, or was asked for in a room that closed, is not there any more.
            if !is(ErrorCode::NotFound) && !is(ErrorCode::UnknownRoom) {
                out.tell_error(error);
            }
            return None;
        };
        if is(ErrorCode::RateLimited) || is(ErrorCode::Internal) {
            self.delay(pending);
            return Some(error.retry_after.unwrap_or(RETRY));
        }
        let reader = self.readers.get_mut(&pending.room)?;
        if is(ErrorCode::UnknownRoom) {
            let told = reader.handle_unknown();
            self.abandon(&pending.room);
            self.tell(told, out);
        } else {
            reader.handle_refused();
            let mut error = error.of_room(&pending.room);
            if reader.phase() == Phase::Reading {
                error.filters = pending.request.filters;
            }
            out.tell_error(error);
        }
        None
    }

    /// Lets go of what was asked for in a room that closed. It may still come to the server, and find
    /// the room open again.
    fn abandon(&mut self, room: &RoomName) {
        if self.requests.values().any(|pending| pending.room == *room) {
            self.forget(room);
            self.astray.insert(room.clone());
        }
    }

    fn delay(&mut self, pending: Pending) {
        if pending.request.since.is_none() {
            self.delayed.push(Delayed::Addition(pending));
            return;
        }
        // Additions that get through would stand for the whole room, and to those no cursor can be
        // added: the room begins again.
        if let Some(reader) = self.readers.get_mut(&pending.room) {
            reader.handle_lost();
        }
        self.forget(&pending.room);
        self.delayed.push(Delayed::Room(pending.room));
    }

    /// Sends again what was refused for its pace, if it is still wanted.
    pub(super) fn send_delayed(&mut self, out: &mut Out) {
        for delayed in std::mem::take(&mut self.delayed) {
            match delayed {
                Delayed::Addition(Pending { room, request }) => {
                    let reader = self.readers.get(&room);
                    if let Some(request) = reader.and_then(|reader| reader.still_wanted(&request)) {
                        self.subscribe(&room, request, out);
                    }
                }
                Delayed::Room(room) => {
                    let away = |reader: &RoomReader| reader.phase() == Phase::Away;
                    if self.readers.get(&room).is_some_and(away) {
                        let id = self.next_id();
                        out.send(&Outgoing::Unsubscribe { id, room: &room, data: None });
                        self.restore(&room, out);
                    }
                }
            }
        }
    }

    /// Says that what was told of a stream is handled.
    pub(super) fn acknowledge(&mut self, room: &RoomName, out: &mut Out) {
        let reader = self.readers.get(room).filter(|reader| reader.phase() == Phase::Reading);
        if let Some(cursor) = reader.and_then(RoomReader::cursor) {
            out.send(&Outgoing::Ack { room, data: Acknowledged { cursor } });
        }
    }

    /// What to ask for with a poll.
    pub(super) fn poll(&self) -> Vec<(RoomName, Request)> {
        let request = |reader: &RoomReader| Some((reader.room().clone(), reader.poll()?));
        self.readers.values().filter_map(request).collect()
    }

    /// What a poll was answered of a room.
    pub(super) fn handle_poll(
        &mut self,
        request: &Request,
        answer: PollRoom,
        live: bool,
        out: &mut Out,
    ) {
        let Some(reader) = self.readers.get_mut(&answer.room) else { return };
        let told = reader.handle_poll(request, answer, live);
        self.tell(told, out);
    }

    /// A poll was refused because of this room.
    pub(super) fn handle_poll_refused(
        &mut self,
        room: &RoomName,
        error: ServerError,
        out: &mut Out,
    ) {
        let Some(reader) = self.readers.get_mut(room) else { return };
        if error.code == ErrorCode::UnknownRoom.as_str() {
            let told = reader.handle_unknown();
            self.tell(told, out);
        } else {
            reader.handle_refused();
            out.tell_error(error.of_room(room));
        }
    }

    fn tell(&mut self, deliveries: impl IntoIterator<Item = Delivery>, out: &mut Out) {
        for delivery in deliveries {
            let opened = match &delivery {
                Delivery::Events { room, events, .. } | Delivery::Snapshot { room, events, .. }
                    if *room == RoomName::system() =>
                {
                    opened(events)
                }
                _ => Vec::new(),
            };
            out.tell(SessionEvent::Delivery(delivery));
            for room in opened {
                self.note_open(&room, out);
            }
        }
    }

    fn note_open(&mut self, room: &RoomName, out: &mut Out) {
        let Some(reader) = self.readers.get_mut(room) else { return };
        if reader.phase() == Phase::Unknown {
            reader.handle_open();
            if self.open {
                if self.astray.remove(room) {
                    let id = self.next_id();
                    out.send(&Outgoing::Unsubscribe { id, room, data: None });
                }
                self.restore(room, out);
            }
        }
    }

    fn restore(&mut self, room: &RoomName, out: &mut Out) {
        let Some(reader) = self.readers.get(room) else { return };
        for request in reader.restore() {
            self.subscribe(room, request, out);
        }
    }

    fn subscribe(&mut self, room: &RoomName, request: Request, out: &mut Out) {
        let id = self.next_id();
        let Some(reader) = self.readers.get_mut(room) else { return };
        reader.handle_asked();
        let data = Selection { filters: &request.filters, since: request.since };
        out.send(&Outgoing::Subscribe { id, room, data });
        self.requests.insert(id, Pending { room: room.clone(), request });
    }

    fn unsubscribe(&mut self, room: &RoomName, filters: Vec<Filter>, out: &mut Out) {
        for filter in filters {
            let id = self.next_id();
            let data = Some(Filter { tail: None, ..filter });
            out.send(&Outgoing::Unsubscribe { id, room, data });
        }
    }

    fn forget(&mut self, room: &RoomName) {
        self.requests.retain(|_, pending| pending.room != *room);
        self.delayed.retain(|delayed| match delayed {
            Delayed::Addition(Pending { room: own, .. }) | Delayed::Room(own) => own != room,
        });
    }
}

/// The rooms that these events of `system` tell to be open.
fn opened(events: &[RawEvent]) -> Vec<RoomName> {
    let statuses = events.iter().filter_map(|event| event.data::<RoomStatus>()?.ok());
    statuses.filter(|status| status.state == RoomState::Open).map(|status| status.room).collect()
}
