//! What readers cost: memory does not depend on how many there are, how slow they are, or how much is
//! published; and one that takes nothing holds nobody up. Counted in allocated bytes, not timed.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::alloc::System;
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::{Duration, Instant};

use bytes::Bytes;
use nself_realtime::auth::{Access, Identity};
use nself_realtime::clock::{Clock, SystemClock};
use nself_realtime::event::{LogLine, LogsStream, Source};
use nself_realtime::{
    Hub, Name, NanoTimestamp, Peer, RoomName, SessionConfig, Timestamp, Transmit,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const READERS: usize = 1_000;
const EVENTS: u64 = 1_000_000;
const BURST: u64 = 1_000;
const GROWTH: isize = 8 * 1024 * 1024;

#[derive(Clone)]
struct ManualClock(Arc<Mutex<Duration>>, Instant);

impl ManualClock {
    fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.1 + *self.0.lock().unwrap()
    }

    fn timestamp(&self) -> Timestamp {
        Timestamp::from_unix_nanos(i128::try_from(self.0.lock().unwrap().as_nanos()).unwrap())
            .unwrap()
    }
}

/// A client that takes what it is given and forgets it.
struct Reader {
    peer: Peer,
    out: Vec<Bytes>,
}

impl Reader {
    fn new(hub: &Hub) -> Self {
        let (config, access) = (SessionConfig::default(), Access::default());
        let peer = Peer::new(hub.clone(), config, access, Identity::guest(), hub.clock().now());
        let mut reader = Self { peer, out: Vec::new() };
        reader.peer.handle_text(hub.clock().now(), r#"{"type":"subscribe","room":"shop"}"#);
        reader.take(hub.clock().now());
        reader
    }

    fn take(&mut self, now: Instant) {
        while self.peer.poll_transmit(now, Waker::noop(), &mut self.out) == Transmit::Frames {
            self.out.clear();
        }
    }
}

fn line(n: u64) -> LogsStream {
    let time = NanoTimestamp::from_unix_nanos(n.into()).unwrap();
    let service = Name::new("web").unwrap();
    LogsStream::Line(LogLine::new(service, time, Source::Stdout, format!("line {n}")))
}

#[test]
fn a_reader_that_takes_nothing_costs_nothing_and_holds_nobody_up() {
    let clock = ManualClock(Arc::default(), SystemClock.now());
    let hub = Hub::builder().clock(clock.clone()).build();
    let shop = hub.open_room(&RoomName::new("shop").unwrap());
    let mut stalled = Reader::new(&hub);
    let mut readers: Vec<Reader> = (1..READERS).map(|_| Reader::new(&hub)).collect();

    let mut region = None;
    for burst in 0..EVENTS / BURST {
        for n in 0..BURST {
            shop.log(&line(burst * BURST + n)).unwrap();
        }
        // So quiet that everything that was published is due.
        clock.advance(Duration::from_millis(200));
        let now = clock.now();
        for reader in &mut readers {
            reader.take(now);
        }
        // Nobody waits for the one that stalls.
        let done = hub.statistics();
        let others = u64::try_from(readers.len()).unwrap();
        assert_eq!((done.events_out, done.gaps_slow), ((burst + 1) * BURST * others, 0));
        if burst == 20 {
            region = Some(Region::new(ALLOCATOR));
        }
    }
    let stats = region.unwrap().change();
    let growth = isize::try_from(stats.bytes_allocated).unwrap()
        - isize::try_from(stats.bytes_deallocated).unwrap();
    // The ledger grows to its reach: two bytes for each of the last million events.
    assert!(growth < GROWTH, "grew by {growth} bytes");

    stalled.take(clock.now());
    assert_eq!(hub.statistics().gaps_slow, 1, "it goes on after one gap");
}
