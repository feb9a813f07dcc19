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

use std::collections::VecDeque;
use std::task::Waker;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Hub, Reader, Step, SubscribeError};
use crate::RoomName;
use crate::proto::server_frame::{
    ClosingData, ErrorData, PongData, ServerFrame, Unsubscribed, UnsubscribedData, WelcomeData,
};
use crate::proto::{
    ClientFrame, CloseCode, ErrorCode, Flush, FrameError, Heard, Pacer, Pending, ServerSession,
    SessionConfig,
};
use crate::room::{Filter, MAX_FILTERS, Space};

/// With that many answers waiting, no further request is read.
const MAX_ANSWERS: usize = 256;
/// What is left of a flush is not worth a frame below this.
const MIN_FRAME_BYTES: usize = 1024;

/// The server's side of one connection.
#[derive(Debug)]
pub struct Peer {
    hub: Hub,
    config: SessionConfig,
    session: ServerSession,
    pacer: Pacer,
    readers: Vec<Reader>,
    // Whose turn it is to be first in a flush.
    turn: usize,
    answers: VecDeque<Bytes>,
    flush_at: Option<Instant>,
    closing: Option<CloseCode>,
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
    /// A connection that begins now. Its first frame is the `welcome`.
    pub fn new(hub: Hub, config: SessionConfig, now: Instant) -> Self {
        let mut peer = Self {
            session: ServerSession::new(now, &config),
            pacer: Pacer::new(config.pacing),
            readers: Vec::new(),
            turn: 0,
            answers: VecDeque::new(),
            flush_at: None,
            closing: None,
            hub,
            config,
        };
        peer.welcome();
        peer
    }

    /// Takes a text message in; only while it [wants input](Self::wants_input).
    pub fn handle_text(&mut self, now: Instant, text: &str) {
        match self.session.handle_text(now, text) {
            Heard::Frame(frame) => self.handle_frame(frame),
            Heard::Refused(error) => self.refuse(error),
            Heard::Close(code) => self.close(code, None),
        }
    }

    /// Notes a sign of life that is no message.
    pub fn handle_alive(&mut self) {
        self.session.handle_alive();
    }

    /// Notes that the time that [`Peer::poll_timeout`] named has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.session.handle_timeout(now) {
            Some(Ok(())) => self.answer(&ServerFrame::Heartbeat),
            Some(Err(code)) => self.close(code, None),
            None => {}
        }
    }

    /// Ends the connection: the client is told why and, if so, when to come back.
    pub fn close(&mut self, code: CloseCode, retry_after: Option<Duration>) {
        if self.closing.is_none() {
            self.closing = Some(code);
            let retry_after_ms =
                retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
            let data = ClosingData { code: code.code(), reason: code.reason(), retry_after_ms };
            self.answer(&ServerFrame::Closing { data });
            self.readers.clear();
        }
    }

    /// Whether another request may be read: not while the client does not take the answers, and not
    /// after the end was told.
    pub fn wants_input(&self) -> bool {
        self.closing.is_none() && self.answers.len() < MAX_ANSWERS
    }

    /// Puts what is to be written now into `out`. If nothing is, `waker` is woken when there may be.
    pub fn poll_transmit(&mut self, now: Instant, waker: &Waker, out: &mut Vec<Bytes>) -> Transmit {
        if !self.answers.is_empty() {
            out.extend(self.answers.drain(..));
            self.session.handle_sent(now);
            return Transmit::Frames;
        }
        if let Some(code) = self.closing {
            return Transmit::Close(code);
        }
        let pending = self.look(waker);
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
        let heartbeat = self.session.poll_timeout();
        self.flush_at.map_or(heartbeat, |flush| flush.min(heartbeat))
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
            let already = out.len();
            match reader.step(Space { bytes: left, one_larger: used == 0 }, out) {
                Step::Done => {}
                Step::Cut => cut = true,
                Step::Closed => closed = true,
            }
            used += out.iter().skip(already).map(Bytes::len).sum::<usize>();
        }
        self.turn = if count > 0 { (self.turn + 1) % count } else { 0 };
        if closed {
            self.readers.retain(|reader| !reader.is_closed());
        }
        cut
    }

    fn handle_frame(&mut self, frame: ClientFrame) {
        match frame {
            // A session that comes back gets an id of its own, which every client must expect.
            ClientFrame::Hello | ClientFrame::Pong => {}
            ClientFrame::Ping { id } => {
                let data = PongData { server_time: self.hub.clock().timestamp() };
                self.answer(&ServerFrame::Pong { id, data });
            }
            ClientFrame::Subscribe { id, room, filters, since } => {
                if let Err(error) = self.subscribe(id, &room, filters, since) {
                    self.refuse(FrameError { id, error });
                }
            }
            ClientFrame::Unsubscribe { id, room, filter } => {
                if let Err(error) = self.unsubscribe(id, &room, filter.as_ref()) {
                    self.refuse(FrameError { id, error });
                }
            }
        }
    }

    fn subscribe(
        &mut self,
        id: Option<u64>,
        name: &RoomName,
        filters: Vec<Filter>,
        since: Option<crate::Cursor>,
    ) -> Result<(), ErrorData> {
        if let Some(reader) = self.readers.iter_mut().find(|reader| reader.name() == name) {
            if since.is_some() {
                let message = "filters are added to a subscription without since".to_owned();
                return Err(error(ErrorCode::BadRequest, message, Some("/data/since")));
            }
            return reader.add(filters, id, &mut self.answers).map_err(|e| refused(e, name));
        }
        if self.readers.len() >= self.config.max_rooms {
            let message = format!("a connection may have {} rooms", self.config.max_rooms);
            return Err(error(ErrorCode::TooManySubscriptions, message, Some("/room")));
        }
        let room = self.hub.room(name).ok_or_else(|| refused(SubscribeError::Closed, name))?;
        let reader = Reader::subscribe(room, filters, since, id, &mut self.answers)
            .map_err(|e| refused(e, name))?;
        self.readers.push(reader);
        Ok(())
    }

    fn unsubscribe(
        &mut self,
        id: Option<u64>,
        name: &RoomName,
        filter: Option<&Filter>,
    ) -> Result<(), ErrorData> {
        let not_found =
            |message: &str, field| error(ErrorCode::NotFound, message.into(), Some(field));
        let index = self.readers.iter().position(|reader| reader.name() == name);
        let index = index.ok_or_else(|| not_found("not subscribed to this room", "/room"))?;
        let emptied = match (filter, self.readers.get_mut(index)) {
            (Some(filter), Some(reader)) => {
                if !reader.remove(filter) {
                    return Err(not_found("no filter has these types and keys", "/data"));
                }
                reader.is_empty()
            }
            _ => true,
        };
        if emptied {
            self.readers.remove(index);
        }
        let data = UnsubscribedData { reason: Unsubscribed::Requested };
        self.answer(&ServerFrame::Unsubscribed { id, room: name, data });
        Ok(())
    }

    fn welcome(&mut self) {
        let bits = || format!("{:016x}", self.hub.random_bits());
        let (session_id, secret) = (bits(), format!("{}{}", bits(), bits()));
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let data = WelcomeData {
            protocol: 1,
            session_id: &session_id,
            secret: &secret,
            server_time: self.hub.clock().timestamp(),
            heartbeat_ms: ms(self.config.heartbeat),
            heartbeat_timeout_ms: ms(self.config.heartbeat_timeout),
            max_message_bytes: self.config.max_message_bytes,
        };
        let frame = ServerFrame::Welcome { data }.encode();
        self.answers.push_back(frame);
    }

    fn refuse(&mut self, refused: FrameError) {
        self.answer(&ServerFrame::Error { id: refused.id, data: refused.error });
    }

    fn answer(&mut self, frame: &ServerFrame<'_>) {
        self.answers.push_back(frame.encode());
    }
}

fn error(code: ErrorCode, message: String, field: Option<&str>) -> ErrorData {
    ErrorData { code, message, field: field.map(str::to_owned), retry_after_ms: None }
}

fn refused(why: SubscribeError, room: &RoomName) -> ErrorData {
    match why {
        SubscribeError::Closed => {
            error(ErrorCode::UnknownRoom, format!("there is no room {room} now"), Some("/room"))
        }
        SubscribeError::TooManyFilters => {
            let message = format!("a subscription may have {MAX_FILTERS} filters");
            error(ErrorCode::BadRequest, message, Some("/data/filters"))
        }
    }
}
