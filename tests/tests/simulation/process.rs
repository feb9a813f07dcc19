//! The server's process, which can die: its hub, and its side of the connections.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};

use futures::FutureExt;
use nself_realtime::auth::{Access, Identity};
use nself_realtime::clock::TokioClock;
use nself_realtime::{
    Emitter, Epoch, Hub, Payload, Peer, Randomness, RoomName, Server, SessionConfig, Timestamp,
    Transmit,
};

use crate::book::{Book, Published};
use crate::payload::{Kind, Line, State};
use crate::pipe::{Message, Pipe};

/// No two epochs, sessions or secrets are the same, in any process of a simulation.
#[derive(Clone)]
pub(crate) struct Bits(Arc<AtomicU64>);

impl Bits {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seed << 32)))
    }
}

impl Randomness for Bits {
    fn bits(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

pub(crate) struct Process {
    pub(crate) server: Server,
    rooms: BTreeMap<RoomName, Room>,
}

struct Room {
    emitter: Emitter,
    epoch: Option<Epoch>,
}

impl Process {
    pub(crate) fn start(bits: &Bits) -> Self {
        let clock = TokioClock::starting_at(Timestamp::from_unix_nanos(0).unwrap());
        let hub = Hub::builder().clock(clock).randomness(bits.clone()).build();
        Self { server: Server::new(hub, SessionConfig::default()), rooms: BTreeMap::new() }
    }

    pub(crate) fn open(&mut self, room: &RoomName) {
        let hub = self.server.hub();
        let open = || Room { emitter: hub.open_room(room), epoch: None };
        self.rooms.entry(room.clone()).or_insert_with(open);
    }

    pub(crate) fn close(&mut self, room: &RoomName) {
        self.server.hub().close_room(room);
        self.rooms.remove(room);
    }

    pub(crate) fn is_open(&self, room: &RoomName) -> bool {
        self.rooms.contains_key(room)
    }

    /// The life of the log of that room, if anything was published in it.
    pub(crate) fn epoch(&self, room: &RoomName) -> Option<Epoch> {
        self.rooms.get(room)?.epoch
    }

    pub(crate) fn line(&mut self, room: &RoomName, line: &Line, book: &mut Book) {
        let Line { key, n, .. } = line;
        let published = Published { kind: Kind::Line, key: key.clone(), n: *n, removed: false };
        self.publish(room, line, published, book);
    }

    pub(crate) fn state(&mut self, room: &RoomName, state: &State, book: &mut Book) {
        let State { key, n, removed } = state;
        let published = Published { kind: Kind::State, key: key.clone(), n: *n, removed: *removed };
        self.publish(room, state, published, book);
    }

    fn publish<P: Payload>(
        &mut self,
        room: &RoomName,
        payload: &P,
        published: Published,
        book: &mut Book,
    ) {
        let Some(room) = self.rooms.get_mut(room) else { return };
        let cursor = room.emitter.emit_confirmed(payload).now_or_never().unwrap().unwrap();
        room.epoch = Some(cursor.epoch);
        book.note(cursor, published);
    }

    pub(crate) fn accept(&self, now: Instant) -> ServerSide {
        let (config, access) = (*self.server.config(), Access::default());
        let hub = self.server.hub().clone();
        let peer = Peer::new(hub, config, access, Identity::guest(), now);
        ServerSide { peer, flushing: None, closed: false }
    }
}

/// The server's side of a connection: what the loop around a socket does, over a pipe.
pub(crate) struct ServerSide {
    peer: Peer,
    flushing: Option<(Instant, u64)>,
    closed: bool,
}

impl ServerSide {
    pub(crate) fn close(&mut self, code: nself_realtime::CloseCode, retry_after: Duration) {
        self.peer.close(code, Some(retry_after));
    }

    /// Reads and writes what can be. Returns whether anything happened, or `None` if the connection is at
    /// its end.
    pub(crate) fn turn(&mut self, now: Instant, up: &mut Pipe, down: &mut Pipe) -> Option<bool> {
        let mut busy = false;
        while self.peer.wants_input() {
            match up.receive() {
                Some(Message::Text(text)) => self.peer.handle_text(now, &text),
                Some(Message::Close(_)) => return None,
                None if up.is_at_its_end() => return None,
                None => break,
            }
            busy = true;
        }
        if now >= self.peer.poll_timeout() {
            self.peer.handle_timeout(now);
        }
        let mut out = Vec::new();
        loop {
            if let Some((since, taken)) = self.flushing {
                if down.is_flushed() {
                    self.flushing = None;
                    self.peer.handle_written();
                } else if down.taken() > taken {
                    self.flushing = Some((now, down.taken()));
                    return Some(busy);
                } else if now >= since + stalled_after() {
                    return None;
                } else {
                    return Some(busy);
                }
            }
            if self.closed {
                return Some(busy);
            }
            match self.peer.poll_transmit(now, Waker::noop(), &mut out) {
                Transmit::Frames => {
                    for frame in out.drain(..) {
                        down.send(&Message::Text(String::from_utf8(frame.to_vec()).unwrap()));
                    }
                    self.flushing = Some((now, down.taken()));
                    busy = true;
                }
                Transmit::Close(code) => {
                    down.send(&Message::Close(code.code()));
                    down.end();
                    self.closed = true;
                }
                Transmit::Idle => return Some(busy),
            }
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.flushing {
            Some((since, _)) => Some(since + stalled_after()),
            None if self.closed => None,
            None => Some(self.peer.poll_timeout()),
        }
    }
}

fn stalled_after() -> Duration {
    SessionConfig::default().heartbeat_timeout
}
