//! What a client's session tells: how the connection stands, and what the rooms say.

use std::fmt;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::event::RawEvent;
use crate::{Cursor, EventType, Filter, Name, RoomName, Timestamp};

/// One thing that a session tells its program.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SessionEvent {
    /// How the connection stands now.
    State(ConnectionState),
    /// The server knows who this is.
    Welcome(Welcome),
    /// A room says something.
    Delivery(Delivery),
    /// The sign-in ends soon: a newer token is to be given to
    /// [`authenticate`](super::ClientSession::authenticate).
    Expiring(Expiring),
    /// The newer token was taken; the sign-in lasts until then.
    Authenticated {
        /// When it ends; `None`: never.
        expires_at: Option<Timestamp>,
    },
    /// Something was refused or not understood.
    Error(ServerError),
}

/// How the connection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionState {
    /// The first attempt is under way.
    Connecting,
    /// Events come as they are published.
    Live,
    /// The connection was lost a moment ago.
    Reconnecting {
        /// The number of the next attempt since the loss, from 1.
        attempt: u32,
        /// When it begins; `None`: it is under way.
        next_attempt: Option<Instant>,
    },
    /// No connection for long, but polls are answered: events come, later. Attempts go on.
    Polling,
    /// Neither connections nor polls get through. Both are tried again and again.
    Unreachable {
        /// The number of the next attempt since the loss, from 1.
        attempt: u32,
        /// When it begins; `None`: it is under way.
        next_attempt: Option<Instant>,
    },
    /// The end: the sign-in is missing, has expired or was ended.
    SignedOut,
    /// The end: by this program, or by a server to which coming back is of no use.
    Closed {
        /// Why, in words.
        reason: String,
    },
}

impl ConnectionState {
    /// Whether nothing comes any more.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::SignedOut | Self::Closed { .. })
    }
}

/// What a room says, in events of whatever form. Nothing that is missing is passed over: what is gone is
/// counted by `Gap`, and a log that cannot be continued is told by a `Snapshot` with `reset`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Delivery<E = RawEvent> {
    /// What is kept: it stands for all that these filters match, and replaces what is held of it.
    Snapshot {
        /// Which room.
        room: RoomName,
        /// What it covers.
        filters: Vec<Filter>,
        /// The latest event of each key, the tail of each ring, the runs; rising.
        events: Vec<E>,
        /// Up to where it speaks. Of filters that were added while the session polls, events of a type
        /// of one's own at or below it may come once more.
        cursor: Cursor,
        /// Whether the log before could not be continued; what else was published in it is lost.
        reset: bool,
    },
    /// Events, rising.
    Events {
        /// Which room.
        room: RoomName,
        /// One at least.
        events: Vec<E>,
        /// Whether they were published just now; else they were caught up on.
        live: bool,
    },
    /// Events that this reader will not get.
    Gap {
        /// Which room.
        room: RoomName,
        /// What is missing.
        gap: Gap,
    },
    /// There is no such room now: it was closed, or is not open yet. It is asked for again when a
    /// `room:status` of `system`, if that is read, says that it is open, and with every connection.
    Closed {
        /// Which room.
        room: RoomName,
    },
}

impl<E> Delivery<E> {
    /// The room that says it.
    pub fn room(&self) -> &RoomName {
        match self {
            Self::Snapshot { room, .. }
            | Self::Events { room, .. }
            | Self::Gap { room, .. }
            | Self::Closed { room } => room,
        }
    }
}

/// Events that are gone for this reader.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Gap {
    /// The first position that may be missing.
    pub from: u64,
    /// The last one.
    pub to: u64,
    /// How many events are.
    pub missed: u64,
    /// Why they are.
    pub why: GapCause,
    /// How many of each key; where there are many, of a type.
    pub of: Vec<Missed>,
}

/// Why events are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum GapCause {
    /// This client read more slowly than they came.
    Slow,
    /// They were no longer kept when it came back.
    Expired,
    /// A cause of a later version of the protocol.
    #[serde(other)]
    Other,
}

/// How many events of one key are gone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Missed {
    /// Their type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Their key; `None`: of several keys together.
    #[serde(default)]
    pub key: Option<Name>,
    /// How many.
    pub missed: u64,
}

/// Who this is to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Welcome {
    /// The session, for [`ClientSession::new`](super::ClientSession::new) of a later process.
    pub key: SessionKey,
    /// Whose sign-in it is.
    pub user: Name,
    /// What time it is there.
    pub server_time: Timestamp,
    /// When the sign-in ends; `None`: never.
    pub expires_at: Option<Timestamp>,
}

/// A session's name and the proof that it is one's own: with it a later connection is that session
/// again.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
pub struct SessionKey {
    pub(super) session: Name,
    pub(super) secret: String,
}

impl SessionKey {
    /// As an earlier `welcome` gave it.
    pub fn new(session: Name, secret: String) -> Self {
        Self { session, secret }
    }

    /// The name by which others know the session.
    pub fn session(&self) -> &Name {
        &self.session
    }

    /// The proof. Not for others.
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionKey").field("session", &self.session).finish_non_exhaustive()
    }
}

/// The sign-in ends soon.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Expiring {
    /// When.
    pub expires_at: Timestamp,
    /// How soon, in seconds.
    pub seconds_left: u64,
    /// Whether a newer token can put that off.
    pub renewable: bool,
}

/// What was refused or not understood, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
#[non_exhaustive]
pub struct ServerError {
    /// The room that it is about, if it is about one.
    pub room: Option<RoomName>,
    /// The filters that were to be added to it and are not: what is read through others goes on. Empty
    /// where it is about the whole room.
    pub filters: Vec<Filter>,
    /// The code, as the protocol has it.
    pub code: String,
    /// The same in words.
    pub message: String,
    /// What in the request is meant: a JSON pointer.
    pub field: Option<String>,
    /// When to try again, if the server says so. The session keeps to it by itself.
    pub retry_after: Option<Duration>,
}

impl ServerError {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        let (code, message) = (code.to_owned(), message.into());
        Self { room: None, filters: Vec::new(), code, message, field: None, retry_after: None }
    }

    pub(super) fn of_room(self, room: &RoomName) -> Self {
        Self { room: Some(room.clone()), ..self }
    }
}
