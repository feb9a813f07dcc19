//! What comes out of a session: things to do, and things to tell.

use std::collections::VecDeque;
use std::time::Duration;

use super::delivery::{ServerError, SessionEvent};
use super::frames::{ErrorBody, LONGEST_WAIT, Outgoing};

/// Something that a session asks its driver to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Open a connection, with the newest token; drop the one there is, if any. Then call
    /// `handle_open`, or `handle_refused`, or `handle_close`.
    Connect,
    /// Send that over the connection, as one text message.
    Send(String),
    /// Close the connection, or give the attempt up. Nothing more is told of it.
    Disconnect,
    /// Post that body to the address of polls, with the newest token. Then call `handle_poll_answer` or
    /// `handle_poll_failure`. There is one poll at a time.
    Poll {
        /// Which poll.
        id: u64,
        /// JSON.
        body: String,
    },
    /// Give that poll up. Nothing more is told of it; its answer would be let go.
    CancelPoll {
        /// Which poll.
        id: u64,
    },
}

/// An answer over HTTP: to a poll, or to an attempt to connect that was refused.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// What `Retry-After` says.
    pub retry_after: Option<Duration>,
    /// The body, as far as it was read.
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// What it says that is wrong.
    pub(super) fn error(&self) -> ServerError {
        let told = serde_json::from_slice::<ErrorBody>(self.body);
        let mut error = told.map_or_else(|_| self.unexplained(), |body| body.error.into());
        error.retry_after =
            error.retry_after.or(self.retry_after.map(|wait| wait.min(LONGEST_WAIT)));
        error
    }

    fn unexplained(&self) -> ServerError {
        let code = match self.status {
            401 => "unauthorized",
            403 => "forbidden",
            404 => "not_found",
            413 => "too_large",
            429 => "rate_limited",
            504 => "timeout",
            _ => "internal",
        };
        ServerError::new(code, format!("the server answered with status {}", self.status))
    }
}

/// Both queues. The driver empties them after each call.
#[derive(Debug, Default)]
pub(super) struct Out {
    pub(super) actions: VecDeque<Action>,
    pub(super) events: VecDeque<SessionEvent>,
}

impl Out {
    pub(super) fn act(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    pub(super) fn send(&mut self, frame: &Outgoing<'_>) {
        self.act(Action::Send(frame.encode()));
    }

    pub(super) fn tell(&mut self, event: SessionEvent) {
        self.events.push_back(event);
    }

    pub(super) fn tell_error(&mut self, error: ServerError) {
        self.tell(SessionEvent::Error(error));
    }
}
