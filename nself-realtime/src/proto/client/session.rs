//! A client's session without I/O.

use std::fmt;
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::config::ClientConfig;
use super::delivery::{ConnectionState, ServerError, SessionEvent, SessionKey};
use super::frames::{Incoming, Outgoing, Proof, Sight};
use super::out::{Action, Answer, Out};
use super::poller::{Poller, SignIn, Turn};
use super::subscriptions::Subscriptions;
use super::timers::{Timer, Timers};
use crate::proto::CloseCode;
use crate::{Filter, RoomName};

/// Until `welcome` tells: 30 s to the heartbeat and 10 s for the answer.
const SILENCE: Duration = Duration::from_secs(40);
/// How long a ping may stay unanswered.
const PROBE: Duration = Duration::from_secs(5);

/// A client's session without I/O: instants, frames and answers go in; frames to send, things to do,
/// events, the state and the next deadline come out. It comes back for ever, unless it is told not to,
/// and reads every room from where it stood, over connections and polls in turn.
///
/// # Order of calls
///
/// 1. [`start`](Self::start), once.
/// 2. After it, and after each `handle_…` and each command, [`poll_action`](Self::poll_action) until there is
///    nothing to do, then [`poll_event`](Self::poll_event) until there is nothing to tell.
/// 3. Wait for what comes first: something from the connection, the end of a poll, the deadline of
///    [`poll_timeout`](Self::poll_timeout). Hand it to its `handle_…`. `now` never goes back.
///
/// An event that was told counts as read: its room's cursor is past it. A driver that cannot pass
/// events on does not take more in; the server's log is the buffer.
///
/// # Coming back
///
/// Attempt k follows after (1, 2, 4, 8, 16, 16, …) s × a random factor from 0.8 to 1.8, without end, and
/// from the start again after 10 s of a healthy connection. What a server says of the wait takes
/// precedence, of an hour at most. All rooms are asked for in one round trip, each from its cursor. What
/// the server told of a room before its `ready`, or between the parts of a gap, is held back: cut off, it
/// comes once more, and is told once.
///
/// After 5 s without a connection the session polls, with the same cursors. Attempts go on beside it;
/// once the server has welcomed the session, the poll under way is let go and the connection goes on
/// from where polling stood.
pub struct ClientSession {
    config: ClientConfig,
    random: Box<dyn FnMut() -> u64 + Send>,
    key: Option<SessionKey>,
    state: ConnectionState,
    socket: Socket,
    /// The number of the next attempt since the loss; 0 before any.
    attempt: u32,
    /// For longer than a moment.
    away: bool,
    /// Told by `closing`, for the loss that follows.
    retry_after: Option<Duration>,
    /// The wait that is under way was asked for by the server.
    told_to_wait: bool,
    silence: Duration,
    backoff: Backoff,
    timers: Timers,
    subscriptions: Subscriptions,
    poller: Poller,
    out: Out,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Socket {
    None,
    Opening,
    Open,
    Welcomed,
}

impl fmt::Debug for ClientSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSession")
            .field("state", &self.state)
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}

impl ClientSession {
    /// A session that gets its random bits from there. `key` is that of an earlier
    /// [`Welcome`](super::Welcome): to others, that session goes on.
    pub fn new(
        config: ClientConfig,
        key: Option<SessionKey>,
        random: impl FnMut() -> u64 + Send + 'static,
    ) -> Self {
        Self {
            config,
            random: Box::new(random),
            key,
            state: ConnectionState::Connecting,
            socket: Socket::None,
            attempt: 0,
            away: false,
            retry_after: None,
            told_to_wait: false,
            silence: SILENCE,
            backoff: Backoff::new(config.first_delay, config.longest_delay),
            timers: Timers::default(),
            subscriptions: Subscriptions::default(),
            poller: Poller::new(config),
            out: Out::default(),
        }
    }

    /// How the connection stands.
    pub fn state(&self) -> &ConnectionState {
        &self.state
    }

    /// Begins the first attempt.
    pub fn start(&mut self, now: Instant) {
        self.timers.set(Timer::Away, now + self.config.poll_after);
        self.connect(now);
    }

    /// Ends the session for good.
    pub fn close(&mut self) {
        self.end(ConnectionState::Closed { reason: "closed by this program".to_owned() });
    }

    /// Reads a room through exactly these filters from now on; no filter ends it. Equal filters are read
    /// each for itself: one that is added again is told a snapshot of its own. A server takes 32 filters
    /// a room.
    pub fn read(&mut self, room: &RoomName, filters: &[Filter], now: Instant) {
        if self.state.is_end() {
            return;
        }
        self.subscriptions.read(room, filters, &mut self.out);
        if !self.subscriptions.is_open() {
            self.poller.handle_change(now, &mut self.timers, &mut self.out);
        }
    }

    /// Says that everything that was told of this stream is handled: its producer may go on.
    pub fn acknowledge(&mut self, room: &RoomName) {
        self.subscriptions.acknowledge(room, &mut self.out);
    }

    /// Says what this session looks at, to others who read `presence`. To be said again with every
    /// [`Welcome`](super::Welcome).
    pub fn look_at(&mut self, page: Option<&str>, idle: bool) {
        if self.socket == Socket::Welcomed {
            self.out.send(&Outgoing::Presence { data: Sight { page, idle } });
        }
    }

    /// Renews the sign-in of the connection in place. Attempts and polls take the newest token by
    /// themselves.
    pub fn authenticate(&mut self, token: &str) {
        if self.socket == Socket::Welcomed {
            let id = self.subscriptions.next_id();
            self.out.send(&Outgoing::Auth { id, data: Proof { token } });
        }
    }

    /// The connection is open.
    pub fn handle_open(&mut self, now: Instant) {
        if self.socket != Socket::Opening {
            return;
        }
        self.socket = Socket::Open;
        self.timers.set(Timer::Silence, now + self.silence);
        if let Some(key) = &self.key {
            self.out.send(&Outgoing::Hello { data: key });
        }
        // Where polls get through, they go on until it is sure that the connection does.
        if self.poller.reaches() != Some(true) {
            self.read_over_connection();
        }
    }

    /// A text message has come.
    pub fn handle_message(&mut self, text: &str, now: Instant) {
        if !matches!(self.socket, Socket::Open | Socket::Welcomed) {
            return;
        }
        self.handle_alive(now);
        match Incoming::parse(text) {
            Ok(Some(frame)) => self.handle_frame(frame, now),
            Ok(None) => {}
            Err(message) => self.out.tell_error(ServerError::new("invalid_frame", message)),
        }
    }

    /// Something has come that is no text message, but a sign of life.
    pub fn handle_alive(&mut self, now: Instant) {
        if matches!(self.socket, Socket::Open | Socket::Welcomed) {
            self.timers.set(Timer::Silence, now + self.silence);
            self.timers.clear(&[Timer::Probe]);
        }
    }

    /// The connection is closed, or could not be opened. Without a code it vanished.
    pub fn handle_close(&mut self, code: Option<u16>, reason: &str, now: Instant) {
        if self.socket == Socket::None {
            return;
        }
        match code {
            Some(code) if code == CloseCode::SignedOut.code() => {
                self.socket = Socket::None;
                self.end(ConnectionState::SignedOut);
            }
            Some(code) if !CloseCode::means_return(code) => {
                let reason = match reason {
                    "" => format!("closed by the server ({code})"),
                    reason => reason.to_owned(),
                };
                self.socket = Socket::None;
                self.end(ConnectionState::Closed { reason });
            }
            _ => self.lost(now),
        }
    }

    /// The attempt was answered, but not with a connection.
    pub fn handle_refused(&mut self, answer: &Answer<'_>, now: Instant) {
        if self.socket != Socket::Opening {
            return;
        }
        let error = answer.error();
        self.retry_after = error.retry_after;
        self.out.tell_error(error);
        if answer.status == 401 {
            self.socket = Socket::None;
            self.end(ConnectionState::SignedOut);
        } else {
            self.lost(now);
        }
    }

    /// A poll was answered, whatever the status.
    pub fn handle_poll_answer(&mut self, id: u64, answer: &Answer<'_>, now: Instant) {
        let (poller, mut turn) = self.turn(now);
        match poller.handle_answer(id, answer, &mut turn) {
            SignIn::Ended => self.end(ConnectionState::SignedOut),
            SignIn::Holds => self.update_state(),
        }
    }

    /// A part of the answer to a poll has come: it is given time for the rest.
    pub fn handle_poll_progress(&mut self, id: u64, now: Instant) {
        self.poller.handle_progress(id, now, &mut self.timers);
    }

    /// A poll will not be answered.
    pub fn handle_poll_failure(&mut self, id: u64, now: Instant) {
        let (poller, mut turn) = self.turn(now);
        poller.handle_failure(id, &mut turn);
        self.update_state();
    }

    /// The network is back, the machine woke up, or somebody asks: does not wait for the backoff, and
    /// doubts a connection that seems alive. A wait that the server asked for is kept.
    pub fn handle_wake(&mut self, now: Instant) {
        if self.socket == Socket::Welcomed {
            let id = self.subscriptions.next_id();
            self.out.send(&Outgoing::Ping { id });
            self.timers.set(Timer::Probe, now + PROBE);
        } else if !self.told_to_wait && self.timers.at(Timer::Retry).is_some() {
            self.connect(now);
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(due) = self.timers.take(now) {
            self.handle_timer(due, now);
        }
    }

    /// The next thing to do.
    #[must_use]
    pub fn poll_action(&mut self) -> Option<Action> {
        self.out.actions.pop_front()
    }

    /// The next thing to tell.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        self.out.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    fn handle_timer(&mut self, timer: Timer, now: Instant) {
        match timer {
            Timer::Retry => self.connect(now),
            Timer::Healthy => self.backoff.reset(),
            Timer::Delayed => self.subscriptions.send_delayed(&mut self.out),
            Timer::Away => {
                self.away = true;
                if self.socket != Socket::Open {
                    self.poller.start(now, &mut self.timers);
                }
                self.update_state();
            }
            Timer::Poll => {
                let (poller, mut turn) = self.turn(now);
                poller.poll(&mut turn);
                self.update_state();
            }
            Timer::PollAnswer => {
                let (poller, mut turn) = self.turn(now);
                poller.handle_timeout(&mut turn);
                self.update_state();
            }
            Timer::Connect | Timer::Silence | Timer::Probe => {
                self.out.act(Action::Disconnect);
                self.lost(now);
            }
        }
    }

    fn turn(&mut self, now: Instant) -> (&mut Poller, Turn<'_>) {
        let Self { poller, subscriptions, timers, out, random, .. } = self;
        (poller, Turn { now, bits: random(), subscriptions, timers, out })
    }

    fn handle_frame(&mut self, frame: Incoming, now: Instant) {
        let Self { subscriptions, timers, out, .. } = self;
        match frame {
            Incoming::Heartbeat => out.send(&Outgoing::Pong),
            Incoming::Pong => {}
            Incoming::Closing(retry_after) => self.retry_after = retry_after,
            Incoming::Expiring(expiring) => out.tell(SessionEvent::Expiring(expiring)),
            Incoming::Authenticated(expires_at) => {
                out.tell(SessionEvent::Authenticated { expires_at });
            }
            Incoming::Error(id, error) => {
                if let Some(wait) = subscriptions.handle_error(id, error, out) {
                    timers.set(Timer::Delayed, now + wait);
                }
            }
            Incoming::Room(room, frame) => subscriptions.handle_frame(&room, frame, out),
            Incoming::Welcome(welcome, silence) => {
                self.silence = silence;
                timers.set(Timer::Silence, now + silence);
                self.key = Some(welcome.key.clone());
                out.tell(SessionEvent::Welcome(welcome));
                // The answer to a hello is a second one.
                if self.socket != Socket::Welcomed {
                    self.handle_welcomed(now);
                }
            }
        }
    }

    fn handle_welcomed(&mut self, now: Instant) {
        self.socket = Socket::Welcomed;
        self.timers.clear(&[Timer::Connect, Timer::Away]);
        self.timers.set(Timer::Healthy, now + self.config.healthy_after);
        self.away = false;
        self.attempt = 0;
        self.retry_after = None;
        if !self.subscriptions.is_open() {
            self.read_over_connection();
        }
        self.poller.forget();
        self.update_state();
    }

    fn read_over_connection(&mut self) {
        self.poller.stop(&mut self.timers, &mut self.out);
        self.subscriptions.handle_open(&mut self.out);
    }

    fn connect(&mut self, now: Instant) {
        self.socket = Socket::Opening;
        self.retry_after = None;
        self.told_to_wait = false;
        self.timers.clear(&[Timer::Retry]);
        self.timers.set(Timer::Connect, now + self.config.connect_timeout);
        self.out.act(Action::Connect);
        self.update_state();
    }

    fn lost(&mut self, now: Instant) {
        self.disconnected();
        self.attempt = self.attempt.saturating_add(1);
        let delay = self.backoff.next((self.random)());
        self.told_to_wait = self.retry_after.is_some();
        self.timers.set(Timer::Retry, now + self.retry_after.unwrap_or(delay));
        if self.away {
            self.poller.start(now, &mut self.timers);
        } else if self.timers.at(Timer::Away).is_none() {
            self.timers.set(Timer::Away, now + self.config.poll_after);
        }
        self.update_state();
    }

    fn end(&mut self, state: ConnectionState) {
        if self.state.is_end() {
            return;
        }
        if self.socket != Socket::None {
            self.out.act(Action::Disconnect);
        }
        self.disconnected();
        self.poller.stop(&mut self.timers, &mut self.out);
        self.timers.clear_all();
        self.set_state(state);
    }

    fn disconnected(&mut self) {
        self.socket = Socket::None;
        self.subscriptions.handle_lost();
        self.timers.clear(&[
            Timer::Connect,
            Timer::Silence,
            Timer::Healthy,
            Timer::Probe,
            Timer::Delayed,
        ]);
    }

    fn update_state(&mut self) {
        if self.state.is_end() {
            return;
        }
        let (attempt, next_attempt) = (self.attempt, self.timers.at(Timer::Retry));
        let state = match self.poller.reaches().filter(|_| self.away) {
            _ if self.socket == Socket::Welcomed => ConnectionState::Live,
            Some(true) => ConnectionState::Polling,
            Some(false) => ConnectionState::Unreachable { attempt, next_attempt },
            None if attempt == 0 => ConnectionState::Connecting,
            None => ConnectionState::Reconnecting { attempt, next_attempt },
        };
        if state != self.state {
            self.set_state(state);
        }
    }

    fn set_state(&mut self, state: ConnectionState) {
        self.state = state.clone();
        self.out.tell(SessionEvent::State(state));
    }
}
