//! Codes of closes and errors. A close from 4000 to 4499 means "come back", one from 4500 to 4999
//! "do not".

use serde::{Serialize, Serializer};

/// Why a connection is closed by the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseCode {
    /// 1000: all is done.
    Normal,
    /// 1003: a binary frame came.
    Unsupported,
    /// 1007: a text frame was not UTF-8.
    InvalidUtf8,
    /// 1009: a message was too long.
    TooBig,
    /// 1002: what came was not WebSocket.
    ProtocolError,
    /// 1011: the server's own code has a fault.
    Internal,
    /// 1012: the server stops or starts again.
    Restart,
    /// 4408: a heartbeat stayed unanswered, or the socket took nothing any more.
    Timeout,
    /// 4429: the limit of messages was ignored.
    RateLimited,
    /// 4500: too much of what came were not valid frames.
    InvalidFrames,
    /// 4501: the sign-in is missing, has expired or was ended.
    SignedOut,
    /// 4503: the rights were withdrawn.
    Withdrawn,
}

impl CloseCode {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Normal,
        Self::Unsupported,
        Self::InvalidUtf8,
        Self::TooBig,
        Self::ProtocolError,
        Self::Internal,
        Self::Restart,
        Self::Timeout,
        Self::RateLimited,
        Self::InvalidFrames,
        Self::SignedOut,
        Self::Withdrawn,
    ];

    /// The number on the wire.
    pub fn code(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::ProtocolError => 1002,
            Self::Unsupported => 1003,
            Self::InvalidUtf8 => 1007,
            Self::TooBig => 1009,
            Self::Internal => 1011,
            Self::Restart => 1012,
            Self::Timeout => 4408,
            Self::RateLimited => 4429,
            Self::InvalidFrames => 4500,
            Self::SignedOut => 4501,
            Self::Withdrawn => 4503,
        }
    }

    /// Whether a client comes back after a close with that number. 4000 to 4499 mean that it does, 4500
    /// to 4999 that it does not; of the others only a normal end and a client's own fault are final.
    pub fn means_return(code: u16) -> bool {
        !matches!(code, 1000 | 1002 | 1003 | 1007 | 1009 | 4500..=4999)
    }

    /// The reason in words.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Normal => "done",
            Self::ProtocolError => "not a WebSocket frame",
            Self::Unsupported => "binary frames are not understood",
            Self::InvalidUtf8 => "text must be UTF-8",
            Self::TooBig => "message too long",
            Self::Internal => "a fault of the server",
            Self::Restart => "the server stops or restarts",
            Self::Timeout => "no sign of life",
            Self::RateLimited => "too many messages",
            Self::InvalidFrames => "too many invalid frames",
            Self::SignedOut => "the sign-in has ended",
            Self::Withdrawn => "the rights were withdrawn",
        }
    }
}

/// What was wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// It is not a JSON object with a type.
    InvalidFrame,
    /// Its type is not known.
    UnknownType,
    /// A field is missing, unknown or not what it must be.
    BadRequest,
    /// There is no such room now.
    UnknownRoom,
    /// What it names does not exist.
    NotFound,
    /// The connection has as many subscriptions as it may have.
    TooManySubscriptions,
    /// Too many messages came.
    RateLimited,
    /// The token does not say who that is.
    Unauthorized,
    /// The token was good once.
    Expired,
    /// It may not be done by this one.
    Forbidden,
    /// It cannot be answered now.
    Internal,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::InvalidFrame,
        Self::UnknownType,
        Self::BadRequest,
        Self::UnknownRoom,
        Self::NotFound,
        Self::TooManySubscriptions,
        Self::RateLimited,
        Self::Unauthorized,
        Self::Expired,
        Self::Forbidden,
        Self::Internal,
    ];

    /// The code on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFrame => "invalid_frame",
            Self::UnknownType => "unknown_type",
            Self::BadRequest => "bad_request",
            Self::UnknownRoom => "unknown_room",
            Self::NotFound => "not_found",
            Self::TooManySubscriptions => "too_many_subscriptions",
            Self::RateLimited => "rate_limited",
            Self::Unauthorized => "unauthorized",
            Self::Expired => "expired",
            Self::Forbidden => "forbidden",
            Self::Internal => "internal",
        }
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
