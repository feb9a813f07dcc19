//! The server's side of one connection, without I/O and without knowing what a room is: it reads
//! frames, keeps the limits, and tells a quiet client from a dead one.

use std::time::{Duration, Instant};

use super::client_frame::{ClientFrame, FrameError};
use super::heartbeat::{Beat, Heartbeat};
use super::limits::{InvalidFrames, Rate, RateLimit};
use super::pacer::Pacing;
use super::server_frame::ErrorData;
use super::{CloseCode, ErrorCode};

/// No time of a connection is longer.
const LONGEST: Duration = Duration::from_hours(24);

/// How a server treats a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionConfig {
    /// After that long without another frame a heartbeat is sent. Default 30 s, a day at most.
    pub heartbeat: Duration,
    /// A heartbeat that stays unanswered for that long ends the connection, and so does a socket that
    /// takes nothing for that long. Default 10 s, a day at most.
    pub heartbeat_timeout: Duration,
    /// The longest message that is taken, in bytes. Default 64 KiB.
    pub max_message_bytes: usize,
    /// The most rooms that one connection may subscribe to. Default 64.
    pub max_rooms: usize,
    /// How events are gathered into frames.
    pub pacing: Pacing,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(30),
            heartbeat_timeout: Duration::from_secs(10),
            max_message_bytes: 64 * 1024,
            max_rooms: 64,
            pacing: Pacing::default(),
        }
    }
}

impl SessionConfig {
    /// The same with times that can be added to a clock's, and that clients can wait for.
    pub(crate) fn bounded(self) -> Self {
        let Pacing { max_wait, min_gap, .. } = self.pacing;
        let (max_wait, min_gap) = (max_wait.min(LONGEST), min_gap.min(LONGEST));
        Self {
            heartbeat: self.heartbeat.min(LONGEST),
            heartbeat_timeout: self.heartbeat_timeout.min(LONGEST),
            pacing: Pacing { max_wait, min_gap, ..self.pacing },
            ..self
        }
    }

    /// Sends a heartbeat after that long without another frame.
    pub fn heartbeat(mut self, every: Duration) -> Self {
        self.heartbeat = every;
        self
    }

    /// Ends a connection when a heartbeat is unanswered, or its socket takes nothing, for that long.
    pub fn heartbeat_timeout(mut self, timeout: Duration) -> Self {
        self.heartbeat_timeout = timeout;
        self
    }

    /// Gathers events like that.
    pub fn pacing(mut self, pacing: Pacing) -> Self {
        self.pacing = pacing;
        self
    }
}

/// What became of a message.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A request, to be answered.
    Frame(ClientFrame),
    /// It is answered with an error.
    Refused(FrameError),
    /// It was the last one.
    Close(CloseCode),
}

/// The state of a connection.
#[derive(Debug)]
pub(crate) struct ServerSession {
    heartbeat: Heartbeat,
    rate: RateLimit,
    invalid: InvalidFrames,
}

impl ServerSession {
    pub(crate) fn new(now: Instant, config: &SessionConfig) -> Self {
        Self {
            heartbeat: Heartbeat::new(now, config.heartbeat, config.heartbeat_timeout),
            rate: RateLimit::new(now),
            invalid: InvalidFrames::default(),
        }
    }

    /// Takes a message in.
    pub(crate) fn handle_text(&mut self, now: Instant, text: &str) -> Heard {
        self.heartbeat.heard();
        match self.rate.message(now) {
            Rate::Within => {}
            Rate::Over(wait) => return Heard::Refused(rate_limited(text, wait)),
            Rate::Ignored => return Heard::Close(CloseCode::RateLimited),
        }
        match ClientFrame::parse(text) {
            Ok(frame) => Heard::Frame(frame),
            Err(error) if is_nonsense(error.error.code) && self.invalid.note(now) => {
                Heard::Close(CloseCode::InvalidFrames)
            }
            Err(error) => Heard::Refused(error),
        }
    }

    /// Notes that the other side showed a sign of life that is no message of ours.
    pub(crate) fn handle_alive(&mut self) {
        self.heartbeat.heard();
    }

    /// Notes that something was written.
    pub(crate) fn handle_sent(&mut self, now: Instant) {
        self.heartbeat.sent(now);
    }

    /// Whether a heartbeat is due, or was not answered.
    #[must_use]
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Option<Result<(), CloseCode>> {
        match self.heartbeat.beat(now) {
            Beat::Nothing => None,
            Beat::Send => Some(Ok(())),
            Beat::Dead => Some(Err(CloseCode::Timeout)),
        }
    }

    #[must_use]
    pub(crate) fn poll_timeout(&self) -> Instant {
        self.heartbeat.deadline()
    }
}

fn is_nonsense(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::InvalidFrame | ErrorCode::UnknownType)
}

/// The message is not read but for its `id`: the client has to know what to send again.
fn rate_limited(text: &str, wait: Duration) -> FrameError {
    FrameError {
        id: ClientFrame::id_of(text),
        error: ErrorData {
            code: ErrorCode::RateLimited,
            message: "too many messages: 30 a second are taken, 200 at once".to_owned(),
            field: None,
            retry_after_ms: Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) + 1),
        },
    }
}
