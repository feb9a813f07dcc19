//! A session and what came out of it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::clock::{Clock, SystemClock};
use crate::proto::client::{
    Action, Answer, ClientConfig, ClientSession, ConnectionState, Delivery, ServerError,
    SessionEvent, SessionKey,
};
use crate::{EventType, Filter, Name, RoomName};

pub(super) const EPOCH: &str = "epoch-one";

pub(super) struct Play {
    pub(super) session: ClientSession,
    start: Instant,
    pub(super) now: Instant,
    /// Frames.
    pub(super) sent: Vec<Value>,
    /// Polls, with their number.
    pub(super) polls: Vec<(u64, Value)>,
    pub(super) told: Vec<SessionEvent>,
    pub(super) connects: usize,
    pub(super) disconnects: usize,
    pub(super) cancelled: Vec<u64>,
}

impl Play {
    /// Of a client whose delays have the factor 1.
    pub(super) fn new() -> Self {
        Self::of(None)
    }

    pub(super) fn of(key: Option<SessionKey>) -> Self {
        let start = SystemClock.now();
        let session = ClientSession::new(ClientConfig::default(), key, || 200_000);
        let mut play = Self {
            session,
            start,
            now: start,
            sent: Vec::new(),
            polls: Vec::new(),
            told: Vec::new(),
            connects: 0,
            disconnects: 0,
            cancelled: Vec::new(),
        };
        play.session.start(start);
        play.drain();
        play
    }

    /// Live, with the room `shop` caught up to `seq`.
    pub(super) fn reading(filters: &[Filter], seq: u64) -> Self {
        let mut play = Self::new();
        play.read("shop", filters);
        play.welcome();
        let id = play.last_subscribe();
        play.hear(&[subscribed(id, "fresh", seq), snapshot(id, &[event(seq)]), ready(id, seq)]);
        play.clear();
        play
    }

    /// The same, then cut off until it polls and the first poll is answered with nothing new.
    pub(super) fn polling(filters: &[Filter], seq: u64) -> Self {
        let mut play = Self::reading(filters, seq);
        play.close(1006);
        play.pass_until(5_000);
        play.answer(&json!([poll_room("full", seq, &[], &[])]));
        play.clear();
        play
    }

    pub(super) fn drain(&mut self) {
        while let Some(action) = self.session.poll_action() {
            match action {
                Action::Connect => self.connects += 1,
                Action::Send(text) => self.sent.push(serde_json::from_str(&text).unwrap()),
                Action::Disconnect => self.disconnects += 1,
                Action::Poll { id, body } => {
                    self.polls.push((id, serde_json::from_str(&body).unwrap()));
                }
                Action::CancelPoll { id } => self.cancelled.push(id),
            }
        }
        while let Some(event) = self.session.poll_event() {
            self.told.push(event);
        }
    }

    /// Lets time pass, deadline by deadline.
    pub(super) fn pass(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        while let Some(at) = self.session.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.session.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    /// Lets time pass in which every attempt fails at once.
    pub(super) fn pass_until(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        while let Some(at) = self.session.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let connects = self.connects;
            self.session.handle_timeout(self.now);
            self.drain();
            if self.connects > connects {
                self.close(1006);
            }
        }
        self.now = end;
    }

    /// An attempt begins now.
    pub(super) fn attempt(&mut self) {
        self.session.handle_wake(self.now);
        self.drain();
    }

    pub(super) fn open(&mut self) {
        self.session.handle_open(self.now);
        self.drain();
    }

    pub(super) fn hear(&mut self, frames: &[Value]) {
        for frame in frames {
            self.session.handle_message(&frame.to_string(), self.now);
        }
        self.drain();
    }

    pub(super) fn close(&mut self, code: u16) {
        self.session.handle_close(Some(code), "told why", self.now);
        self.drain();
    }

    pub(super) fn read(&mut self, room: &str, filters: &[Filter]) {
        self.session.read(&RoomName::new(room).unwrap(), filters, self.now);
        self.drain();
    }

    pub(super) fn welcome(&mut self) {
        self.open();
        self.hear(&[welcome()]);
    }

    /// Answers the last poll.
    pub(super) fn answer(&mut self, rooms: &Value) {
        let (id, _) = *self.polls.last().unwrap();
        self.answer_to(id, rooms);
    }

    pub(super) fn answer_to(&mut self, id: u64, rooms: &Value) {
        let body = json!({"rooms": rooms}).to_string();
        let answer = Answer { status: 200, retry_after: None, body: body.as_bytes() };
        self.session.handle_poll_answer(id, &answer, self.now);
        self.drain();
    }

    /// Refuses the last poll.
    pub(super) fn refuse(&mut self, status: u16, error: &Value) {
        let (id, _) = *self.polls.last().unwrap();
        let body = json!({"error": error}).to_string();
        let answer = Answer { status, retry_after: None, body: body.as_bytes() };
        self.session.handle_poll_answer(id, &answer, self.now);
        self.drain();
    }

    pub(super) fn clear(&mut self) {
        self.sent.clear();
        self.told.clear();
        self.polls.clear();
        self.cancelled.clear();
    }

    pub(super) fn elapsed(&self, at: Instant) -> u128 {
        at.saturating_duration_since(self.start).as_millis()
    }

    pub(super) fn state(&self) -> &ConnectionState {
        self.session.state()
    }

    pub(super) fn types(&self) -> Vec<&str> {
        self.sent.iter().map(|frame| frame["type"].as_str().unwrap()).collect()
    }

    pub(super) fn subscribes(&self) -> Vec<Value> {
        self.sent.iter().filter(|frame| frame["type"] == "subscribe").cloned().collect()
    }

    pub(super) fn last_subscribe(&self) -> u64 {
        self.subscribes().last().unwrap()["id"].as_u64().unwrap()
    }

    pub(super) fn deliveries(&self) -> Vec<&Delivery> {
        let deliveries = self.told.iter().filter_map(|event| match event {
            SessionEvent::Delivery(delivery) => Some(delivery),
            _ => None,
        });
        deliveries.collect()
    }

    pub(super) fn errors(&self) -> Vec<&ServerError> {
        let errors = self.told.iter().filter_map(|event| match event {
            SessionEvent::Error(error) => Some(error),
            _ => None,
        });
        errors.collect()
    }

    /// What the rooms told, in short.
    pub(super) fn tellings(&self) -> Vec<String> {
        let short = |delivery: &&Delivery| match delivery {
            Delivery::Snapshot { events, reset, .. } => {
                let seqs: Vec<u64> = events.iter().map(|event| event.seq).collect();
                format!("{} {seqs:?}", if *reset { "reset" } else { "snapshot" })
            }
            Delivery::Events { events, live, .. } => {
                let seqs: Vec<u64> = events.iter().map(|event| event.seq).collect();
                format!("{} {seqs:?}", if *live { "live" } else { "missed" })
            }
            Delivery::Gap { gap, .. } => format!("gap of {}", gap.missed),
            Delivery::Closed { room } => format!("{room} closed"),
        };
        self.deliveries().iter().map(short).collect()
    }
}

pub(super) fn status() -> Filter {
    Filter { types: Some(vec![EventType::new("service:status").unwrap()]), ..Filter::all() }
}

pub(super) fn logs() -> Filter {
    let types = Some(vec![EventType::new("logs:stream").unwrap()]);
    Filter { types, ..Filter::all() }.keys([Name::new("web").unwrap()]).tail(500)
}

pub(super) fn welcome() -> Value {
    json!({"type": "welcome", "data": {
        "protocol": 1, "sessionId": "s1", "secret": "x1", "user": "guest",
        "serverTime": "2026-01-31T12:00:00.000Z", "heartbeatMs": 30_000,
        "heartbeatTimeoutMs": 10_000, "maxMessageBytes": 65_536,
    }})
}

pub(super) fn event(seq: u64) -> Value {
    json!({"type": "service:status", "seq": seq, "timestamp": "2026-01-31T12:00:00.000Z",
        "data": {"service": "web", "status": "running"}})
}

pub(super) fn live(seq: u64) -> Value {
    let mut event = event(seq);
    event["room"] = json!("shop");
    event
}

pub(super) fn subscribed(id: u64, recovered: &str, seq: u64) -> Value {
    subscribed_in(EPOCH, id, recovered, seq)
}

pub(super) fn subscribed_in(epoch: &str, id: u64, recovered: &str, seq: u64) -> Value {
    let cursor = format!("{epoch}.{seq}");
    json!({"type": "subscribed", "id": id, "room": "shop",
        "data": {"epoch": epoch, "cursor": cursor, "recovered": recovered}})
}

pub(super) fn snapshot(id: u64, events: &[Value]) -> Value {
    json!({"type": "snapshot", "id": id, "room": "shop", "events": events})
}

pub(super) fn ready(id: u64, seq: u64) -> Value {
    json!({"type": "ready", "id": id, "room": "shop", "data": {"cursor": format!("{EPOCH}.{seq}")}})
}

pub(super) fn gap(from: u64, to: u64, missed: u64) -> Value {
    json!({"type": "gap", "room": "shop", "data": {"from": from, "to": to, "missed": missed,
        "why": "slow", "of": [{"type": "logs:stream", "key": "web", "missed": missed}]}})
}

/// Without the id that a frame has.
pub(super) fn unasked(mut frame: Value) -> Value {
    frame.as_object_mut().unwrap().remove("id");
    frame
}

pub(super) fn poll_room(recovered: &str, seq: u64, snapshot: &[u64], events: &[u64]) -> Value {
    let list = |seqs: &[u64]| seqs.iter().map(|seq| event(*seq)).collect::<Vec<_>>();
    json!({"room": "shop", "epoch": EPOCH, "cursor": format!("{EPOCH}.{seq}"),
        "recovered": recovered, "snapshot": list(snapshot), "gaps": [], "events": list(events),
        "more": false})
}
