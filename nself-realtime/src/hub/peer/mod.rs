//! One connection, whatever carries it: its session, its readers and its pacer, without I/O.
//!
//! The order of calls: everything that came in goes to a `handle_` method; then, whenever the
//! transport has taken what it was given, [`Peer::poll_transmit`] until it says [`Transmit::Idle`];
//! then wait for input, the waker or [`Peer::poll_timeout`], whichever comes first.
//!
//! # Falling behind
//!
//! A peer holds no events, only cursors: one whose transport takes nothing costs nothing, and goes on
//! where it stands, with a gap for what is gone by then.

mod requests;
mod standing;

use std::collections::VecDeque;
use std::task::Waker;
use std::time::{Duration, Instant};

use bytes::Bytes;

use self::standing::{Due, Standing};
use super::{Hub, Output, Reader, Step};
use crate::auth::{Access, Identity};
use crate::proto::server_frame::{ClosingData, ServerFrame};
use crate::proto::{
    CloseCode, Flush, FrameError, Heard, Pacer, Pending, ServerSession, SessionConfig,
};
use crate::room::Space;
use crate::stats::Counters;

/// With that many answers waiting, no further request is read.
const MAX_ANSWERS: usize = 256;
/// What is left of a flush is not worth a frame below this.
const MIN_FRAME_BYTES: usize = 1024;
/// A client is told its cursor when it is that many events past what it knows...
const CURSOR_EVENTS: u64 = 10_000;
/// ... or any, that often.
const CURSOR_EVERY: Duration = Duration::from_secs(30);

/// The server's side of one connection.
#[derive(Debug)]
pub struct Peer {
    hub: Hub,
    config: SessionConfig,
    access: Access,
    session: ServerSession,
    standing: Standing,
    pacer: Pacer,
    readers: Vec<Reader>,
    // What a reader gave last; kept for its room.
    outputs: Vec<Output>,
    // Whose turn it is to be first in a flush.
    turn: usize,
    answers: VecDeque<Bytes>,
    flush_at: Option<Instant>,
    cursors_at: Instant,
    // When the oldest event of the flush that is being written was published.
    writing: Option<u64>,
    // Whether anything was taken since the cursors were told: to others that is a sign of life, too.
    taken: bool,
    token: Option<Token>,
    closing: Option<CloseCode>,
}

/// A token that waits to be looked at, and then for the answer.
#[derive(Debug)]
struct Token {
    id: Option<u64>,
    token: Option<String>,
}

/// What is to be done with the transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Transmit {
    /// Write the frames, with one write if that can be.
    Frames,
    /// Nothing now.
    Idle,
    /// Close it: this was the last of it.
    Close(CloseCode),
}

impl Peer {
    /// A connection of that client, which begins now. Its first frame is the `welcome`.
    pub fn new(
        hub: Hub,
        config: SessionConfig,
        access: Access,
        identity: Identity,
        now: Instant,
    ) -> Self {
        let config = config.bounded();
        let mut peer = Self {
            session: ServerSession::new(now, &config),
            standing: Standing::new(&hub, identity, now),
            pacer: Pacer::new(config.pacing),
            readers: Vec::new(),
            outputs: Vec::new(),
            turn: 0,
            answers: VecDeque::new(),
            flush_at: None,
            cursors_at: now + CURSOR_EVERY,
            writing: None,
            taken: false,
            token: None,
            closing: None,
            hub,
            config,
            access,
        };
        peer.welcome();
        peer
    }

    /// Takes a text message in; only while it [wants input](Self::wants_input).
    pub fn handle_text(&mut self, now: Instant, text: &str) {
        self.standing.touch(&self.hub, now);
        match self.session.handle_text(now, text) {
            Heard::Frame(frame) => self.handle_frame(now, frame),
            Heard::Refused(error) => self.refuse(error),
            Heard::Close(code) => self.close(code, None),
        }
    }

    /// Notes a sign of life that is no message.
    pub fn handle_alive(&mut self, now: Instant) {
        self.standing.touch(&self.hub, now);
        self.session.handle_alive();
    }

    /// Notes that the time that [`Peer::poll_timeout`] named has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.session.handle_timeout(now) {
            Some(Ok(())) => self.answer(&ServerFrame::Heartbeat),
            Some(Err(code)) => self.close(code, None),
            None => {}
        }
        if now >= self.cursors_at {
            self.cursors_at = now + CURSOR_EVERY;
            self.tell_cursors(1);
            // A client that is written to gets no heartbeats and need not say anything.
            if std::mem::take(&mut self.taken) {
                self.standing.touch(&self.hub, now);
            }
        }
    }

    /// Notes that what [`Peer::poll_transmit`] gave last has been taken by the operating system.
    pub fn handle_written(&mut self) {
        self.taken = true;
        if let Some(published) = self.writing.take() {
            let now = u64::try_from(self.hub.clock().timestamp().unix_nanos()).unwrap_or(0);
            let latency = Duration::from_nanos(now.saturating_sub(published));
            self.hub.counters().took(latency);
        }
    }

    /// Ends the connection: the client is told why and, if so, when to come back.
    pub fn close(&mut self, code: CloseCode, retry_after: Option<Duration>) {
        if self.closing.is_none() {
            self.closing = Some(code);
            self.hub.counters().closed(code);
            let retry_after_ms =
                retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
            let data = ClosingData { code: code.code(), reason: code.reason(), retry_after_ms };
            self.answer(&ServerFrame::Closing { data });
            self.readers.clear();
        }
    }

    /// Whether another request may be read: not while the client does not take the answers, not while
    /// a token is looked at, and not after the end was told.
    pub fn wants_input(&self) -> bool {
        self.closing.is_none() && self.token.is_none() && self.answers.len() < MAX_ANSWERS
    }

    /// Puts what is to be written now into `out`. If nothing is, `waker` is woken when there may be.
    pub fn poll_transmit(&mut self, now: Instant, waker: &Waker, out: &mut Vec<Bytes>) -> Transmit {
        self.check_standing(now, waker);
        let pending = self.look(waker);
        self.tell_cursors(CURSOR_EVENTS);
        if !self.answers.is_empty() {
            Counters::add(&self.hub.counters().frames_out, self.answers.len());
            let bytes = self.answers.iter().map(Bytes::len).sum();
            Counters::add(&self.hub.counters().bytes_out, bytes);
            out.extend(self.answers.drain(..));
            self.session.handle_sent(now);
            return Transmit::Frames;
        }
        if let Some(code) = self.closing {
            return Transmit::Close(code);
        }
        match self.pacer.decide(now, pending) {
            Flush::Now => {
                self.flush_at = None;
                let cut = self.gather(out);
                self.pacer.flushed(now, cut);
                self.session.handle_sent(now);
                Transmit::Frames
            }
            Flush::At(at) => {
                self.flush_at = Some(at);
                Transmit::Idle
            }
            Flush::Idle => {
                self.flush_at = None;
                Transmit::Idle
            }
        }
    }

    /// When to call [`Peer::handle_timeout`] and [`Peer::poll_transmit`] again at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Instant {
        let deadlines = [self.flush_at, self.standing.deadline(), Some(self.cursors_at)];
        let heartbeat = self.session.poll_timeout();
        deadlines.into_iter().flatten().fold(heartbeat, Instant::min)
    }

    fn check_standing(&mut self, now: Instant, waker: &Waker) {
        match self.standing.check(&self.hub, now, waker) {
            Some(Due::Warn(data)) => self.answer(&ServerFrame::Expiring { data }),
            Some(Due::Leave(code)) => self.close(code, None),
            None => {}
        }
    }

    fn look(&mut self, waker: &Waker) -> Pending {
        let mut all = Pending::default();
        for reader in &mut self.readers {
            let pending = reader.look(waker, self.pacer.max_events());
            all.events = all.events.saturating_add(pending.events);
            all.immediate |= pending.immediate;
        }
        all
    }

    fn tell_cursors(&mut self, past: u64) {
        let cursors = self.readers.iter_mut().filter_map(|reader| reader.cursor_past(past));
        self.answers.extend(cursors);
    }

    /// One flush: at most one frame of events of each room, rooms in turn. Says whether the size
    /// limit left something behind.
    fn gather(&mut self, out: &mut Vec<Bytes>) -> bool {
        let (count, max_bytes) = (self.readers.len(), self.pacer.max_bytes());
        let (mut used, mut cut, mut closed) = (0, false, false);
        for offset in 0..count {
            let index = (self.turn + offset) % count;
            let Some(reader) = self.readers.get_mut(index) else { continue };
            let left = max_bytes.saturating_sub(used);
            if used > 0 && left < MIN_FRAME_BYTES {
                cut = true;
                break;
            }
            let space = Space { bytes: left, events: usize::MAX, one_larger: used == 0 };
            match reader.step(space, &mut self.outputs) {
                Step::Done => {}
                Step::Cut => cut = true,
                Step::Closed => closed = true,
            }
            used += self.outputs.iter().map(Output::len).sum::<usize>();
            self.hand_out(out);
        }
        Counters::add(&self.hub.counters().bytes_out, used);
        self.turn = if count > 0 { (self.turn + 1) % count } else { 0 };
        if closed {
            self.readers.retain(|reader| !reader.has_ended());
        }
        cut
    }

    fn hand_out(&mut self, out: &mut Vec<Bytes>) {
        let counters = self.hub.counters();
        Counters::add(&counters.frames_out, self.outputs.len());
        for output in self.outputs.drain(..) {
            output.count(counters);
            if let Output::Events(frame, _) = &output {
                self.writing = Some(self.writing.map_or(frame.oldest, |w| w.min(frame.oldest)));
            }
            out.push(output.into_frame());
        }
    }

    fn refuse(&mut self, refused: FrameError) {
        self.answer(&ServerFrame::Error { id: refused.id, data: refused.error });
    }

    fn answer(&mut self, frame: &ServerFrame<'_>) {
        self.answers.push_back(frame.encode());
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.standing.leave(&self.hub);
    }
}
