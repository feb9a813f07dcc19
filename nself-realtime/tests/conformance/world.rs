//! The server's side of a transcript: rooms on a virtual clock, and what was published in them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt;
use nself_realtime::clock::TokioClock;
use nself_realtime::event::{LogsStream, Notification, ServiceStatus};
use nself_realtime::{
    Emitter, Hub, Payload, Randomness, RoomName, Server, SessionConfig, Timestamp,
};
use serde_json::Value;

use crate::transcript::Publish;

pub(crate) struct World {
    clock: TokioClock,
    randomness: Arc<Counting>,
    pub(crate) server: Server,
    rooms: HashMap<String, Room>,
}

struct Room {
    emitter: Emitter,
    published: Vec<(String, Value)>,
}

impl World {
    pub(crate) fn new() -> Self {
        let randomness = Arc::new(Counting(AtomicU64::new(1)));
        let clock = TokioClock::starting_at(Timestamp::from_unix_nanos(NOON).unwrap());
        let server = server(&randomness, clock);
        Self { clock, randomness, server, rooms: HashMap::new() }
    }

    /// The server is another one from now on: nothing of the first one is left.
    pub(crate) fn restart(&mut self) {
        self.server = server(&self.randomness, self.clock);
        self.rooms.clear();
    }

    pub(crate) fn open(&mut self, room: &str) {
        let emitter = self.server.hub().open_room(&RoomName::new(room).unwrap());
        self.rooms.insert(room.to_owned(), Room { emitter, published: Vec::new() });
    }

    pub(crate) fn close(&mut self, room: &str) {
        self.server.hub().close_room(&RoomName::new(room).unwrap());
        self.rooms.remove(room);
    }

    pub(crate) fn publish(&mut self, publish: &Publish) {
        let room = self.rooms.get_mut(&publish.room).unwrap();
        match publish.event_type.as_str() {
            ServiceStatus::TYPE => room.publish::<ServiceStatus>(publish),
            LogsStream::TYPE => room.publish::<LogsStream>(publish),
            Notification::TYPE => room.publish::<Notification>(publish),
            other => panic!("transcripts do not publish {other}"),
        }
    }

    /// Type and data of what was published at that position; `None` in a room that the server itself
    /// publishes in.
    pub(crate) fn published(&self, room: &str, seq: u64) -> Option<&(String, Value)> {
        let published = &self.rooms.get(room)?.published;
        Some(&published[usize::try_from(seq).unwrap() - 1])
    }

    /// Type and data of everything that was published in a room, in its order.
    pub(crate) fn all_published(&self, room: &str) -> Vec<(String, Value)> {
        self.rooms.get(room).map(|room| room.published.clone()).unwrap_or_default()
    }
}

impl Room {
    fn publish<P: Payload>(&mut self, publish: &Publish) {
        let payload: P = serde_json::from_value(publish.data.clone()).unwrap();
        assert_eq!(payload.key(), publish.key, "the key that the transcript names");
        for _ in 0..publish.times {
            let cursor = self.emitter.emit_confirmed(&payload).now_or_never().unwrap().unwrap();
            self.published.push((publish.event_type.clone(), publish.data.clone()));
            assert_eq!(cursor.seq, self.published.len() as u64);
        }
    }
}

fn server(randomness: &Arc<Counting>, clock: TokioClock) -> Server {
    let randomness = Shared(Arc::clone(randomness));
    let hub = Hub::builder().clock(clock).randomness(randomness).build();
    Server::new(hub, SessionConfig::default())
}

/// When the world begins.
const NOON: i128 = 1_769_860_800_000_000_000;

/// No two epochs are the same, and every run has the same ones.
struct Counting(AtomicU64);

struct Shared(Arc<Counting>);

impl Randomness for Shared {
    fn bits(&self) -> u64 {
        self.0.0.fetch_add(1, Ordering::Relaxed)
    }
}
