//! A hub on a clock that stands still until it is moved, and connections to it without I/O.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::{Duration, Instant};

use bytes::Bytes;
use nself_realtime::auth::{Access, Authorizer, Identity};
use nself_realtime::clock::{Clock, SystemClock, TokioClock};
use nself_realtime::event::{
    DockerStats, LogLine, LogsStream, ServiceState, ServiceStatus, Source, Stats,
};
use nself_realtime::{
    Emitter, Hub, Name, NanoTimestamp, Peer, Randomness, RoomName, SessionConfig, Timestamp,
    Transmit,
};
use serde_json::{Value, json};

/// After so long without a flush an event waits for no other.
pub(crate) const QUIET: Duration = Duration::from_millis(200);

/// Stands still until it is moved.
#[derive(Debug)]
pub(crate) struct ManualClock(Mutex<(Instant, i128)>);

impl ManualClock {
    pub(crate) fn now(&self) -> Instant {
        self.0.lock().unwrap().0
    }

    pub(crate) fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        now.0 += by;
        now.1 += i128::try_from(by.as_nanos()).unwrap();
    }
}

/// The clock of the runtime, which a test has paused.
pub(crate) fn runtime_clock() -> TokioClock {
    TokioClock::starting_at(Timestamp::from_unix_nanos(0).unwrap())
}

struct SharedClock(Arc<ManualClock>);

impl Clock for SharedClock {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn timestamp(&self) -> Timestamp {
        Timestamp::from_unix_nanos(self.0.0.lock().unwrap().1).unwrap()
    }
}

#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl Randomness for Counting {
    fn bits(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// Opens every room but `vault`.
struct NotTheVault;

impl Authorizer for NotTheVault {
    fn may_read(&self, _identity: &Identity, room: &RoomName) -> bool {
        room.as_str() != "vault"
    }
}

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) hub: Hub,
    pub(crate) shop: Emitter,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock(Mutex::new((SystemClock.now(), 0))));
        let hub = Hub::builder()
            .clock(SharedClock(clock.clone()))
            .randomness(Counting::default())
            .build();
        let shop = hub.open_room(&shop());
        Self { clock, hub, shop }
    }

    /// A connection whose welcome was read.
    pub(crate) fn connect(&self) -> Connection<'_> {
        self.connect_as(Identity::guest())
    }

    /// A connection that reads everything in the shop, and for a second nothing has come.
    pub(crate) fn follow(&self) -> Connection<'_> {
        let mut connection = self.connect();
        connection.ask(&subscribe(&json!({})));
        self.clock.advance(Duration::from_secs(1));
        connection
    }

    pub(crate) fn connect_as(&self, identity: Identity) -> Connection<'_> {
        self.welcome(identity).0
    }

    /// A connection of a server that treats it like that.
    pub(crate) fn connect_with(&self, config: SessionConfig) -> Connection<'_> {
        self.begin(config, Identity::guest()).0
    }

    /// A connection and what it was welcomed with.
    pub(crate) fn welcome(&self, identity: Identity) -> (Connection<'_>, Value) {
        self.begin(SessionConfig::default(), identity)
    }

    fn begin(&self, config: SessionConfig, identity: Identity) -> (Connection<'_>, Value) {
        let access = Access::default().authorizer(NotTheVault);
        let peer = Peer::new(self.hub.clone(), config, access, identity, self.clock.now());
        let mut connection = Connection { world: self, peer };
        let frames = connection.frames();
        assert_eq!(frames[0]["type"], "welcome");
        (connection, frames[0]["data"].clone())
    }

    pub(crate) fn status(&self, service: &str, state: ServiceState) {
        self.shop.service_status(&ServiceStatus::new(name(service), state)).unwrap();
    }

    pub(crate) fn sample(&self, container: &str) {
        let (container_id, container_name) = (name(container), name(container));
        let stats = Stats::default();
        let sample = DockerStats { container_id, container_name, service: None, stats };
        self.shop.docker_stats(&sample).unwrap();
    }

    pub(crate) fn line(&self, service: &str, text: &str) {
        self.old_line(service, text, None);
    }

    pub(crate) fn old_line(&self, service: &str, text: &str, history: Option<u32>) {
        self.shop.log(&log_line(service, text, history)).unwrap();
    }
}

pub(crate) struct Connection<'a> {
    world: &'a World,
    pub(crate) peer: Peer,
}

impl Connection<'_> {
    pub(crate) fn say(&mut self, frame: &Value) {
        self.peer.handle_text(self.world.clock.now(), &frame.to_string());
    }

    /// Everything that is written now.
    pub(crate) fn frames(&mut self) -> Vec<Value> {
        self.flushes().concat()
    }

    /// The same, each write by itself.
    pub(crate) fn flushes(&mut self) -> Vec<Vec<Value>> {
        let (mut flushes, mut out) = (Vec::new(), Vec::new());
        while self.peer.poll_transmit(self.world.clock.now(), Waker::noop(), &mut out)
            == Transmit::Frames
        {
            let read = |frame: Bytes| serde_json::from_slice(&frame).unwrap();
            flushes.push(out.drain(..).map(read).collect());
        }
        flushes
    }

    pub(crate) fn ask(&mut self, frame: &Value) -> Vec<Value> {
        self.say(frame);
        self.frames()
    }

    pub(crate) fn error(&mut self, frame: &Value) -> (String, String) {
        let frames = self.ask(frame);
        let data = &frames[0]["data"];
        let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
        (text(&data["code"]), text(&data["field"]))
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn shop() -> RoomName {
    RoomName::new("shop").unwrap()
}

pub(crate) fn subscribe(data: &Value) -> Value {
    json!({"type": "subscribe", "id": 1, "room": "shop", "data": data})
}

pub(crate) fn types(frames: &[Value]) -> Vec<&str> {
    frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect()
}

/// The positions of all events in these frames.
pub(crate) fn seqs(frames: &[Value]) -> Vec<u64> {
    let mut seqs = Vec::new();
    for frame in frames {
        match frame.get("events") {
            Some(events) => {
                seqs.extend(events.as_array().unwrap().iter().map(|e| e["seq"].as_u64().unwrap()));
            }
            None => seqs.extend(frame.get("seq").map(|seq| seq.as_u64().unwrap())),
        }
    }
    seqs
}

pub(crate) fn log_line(service: &str, text: &str, history: Option<u32>) -> LogsStream {
    let time = NanoTimestamp::from_unix_nanos(0).unwrap();
    let line = LogLine::new(name(service), time, Source::Stdout, text);
    LogsStream::Line(LogLine { history, ..line })
}
