//! Readers without sockets, on a clock that the benchmark moves: what is measured is the library alone.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use bytes::Bytes;
use nself_realtime::auth::{Access, Identity};
use nself_realtime::clock::{Clock, SystemClock};
use nself_realtime::event::{LogLine, LogsStream, Source};
use nself_realtime::{
    Emitter, Hub, Name, NanoTimestamp, Peer, RoomName, SessionConfig, Timestamp, Transmit,
};

/// A clock that stands still until it is moved.
#[derive(Debug, Clone)]
pub struct ManualClock {
    start: Instant,
    passed: Arc<Mutex<Duration>>,
}

impl ManualClock {
    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    fn passed(&self) -> Duration {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.start + self.passed()
    }

    fn timestamp(&self) -> Timestamp {
        let nanos = i128::try_from(self.passed().as_nanos()).unwrap_or(i128::MAX);
        Timestamp::from_unix_nanos(nanos).unwrap_or_else(|| SystemClock.timestamp())
    }
}

/// A room and those who read it.
#[derive(Debug)]
pub struct Stage {
    /// The rooms.
    pub hub: Hub,
    /// Publishes into the room `shop`.
    pub shop: Emitter,
    /// What time it is.
    pub clock: ManualClock,
    readers: Vec<Peer>,
    out: Vec<Bytes>,
}

impl Stage {
    /// A room that nobody reads.
    ///
    /// # Panics
    ///
    /// Never: its name keeps the rule of names.
    #[expect(clippy::expect_used, reason = "a constant that keeps the rule of names")]
    #[expect(clippy::new_without_default, reason = "a stage is set, not had")]
    pub fn new() -> Self {
        let clock = ManualClock { start: SystemClock.now(), passed: Arc::default() };
        let hub = Hub::builder().clock(clock.clone()).build();
        let shop = hub.open_room(&RoomName::new("shop").expect("a name"));
        Self { hub, shop, clock, readers: Vec::new(), out: Vec::new() }
    }

    /// Adds readers that say this first, and gives them what they are owed.
    pub fn add(&mut self, readers: usize, hello: &str) {
        let (now, known) = (self.clock.now(), self.readers.len());
        for _ in 0..readers {
            let (config, access) = (SessionConfig::default(), Access::default());
            let mut peer = Peer::new(self.hub.clone(), config, access, Identity::guest(), now);
            peer.handle_text(now, hello);
            self.readers.push(peer);
        }
        for reader in self.readers.iter_mut().skip(known) {
            take(reader, now, &mut self.out);
        }
    }

    /// Lets all readers go.
    pub fn clear(&mut self) {
        self.readers.clear();
    }

    /// Gives every reader what is due, and returns how many bytes that was.
    pub fn deliver(&mut self) -> usize {
        let now = self.clock.now();
        self.readers.iter_mut().map(|reader| take(reader, now, &mut self.out)).sum()
    }
}

fn take(reader: &mut Peer, now: Instant, out: &mut Vec<Bytes>) -> usize {
    let mut bytes = 0;
    while reader.poll_transmit(now, Waker::noop(), out) == Transmit::Frames {
        bytes += out.drain(..).map(|frame| frame.len()).sum::<usize>();
        reader.handle_written();
    }
    bytes
}

/// A line of a log as they are.
///
/// # Panics
///
/// Never: its names and its time keep their rules.
#[expect(clippy::expect_used, reason = "constants that keep the rules of names and times")]
pub fn line() -> LogsStream {
    let time = NanoTimestamp::from_unix_nanos(1_700_000_000_123_456_789).expect("a time");
    let text = "GET /api/products?page=2 HTTP/1.1 200 12ms upstream=catalog:8080".repeat(2);
    let line = LogLine::new(Name::new("web").expect("a name"), time, Source::Stdout, text);
    let container_id = Some(Name::new("0123456789abcdef").expect("a name"));
    LogsStream::Line(LogLine { container_id, ..line })
}
