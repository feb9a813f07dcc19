//! Frames from the server, events apart: those are put together from what was encoded when they were
//! published.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::ErrorCode;
use crate::{Cursor, Epoch, Name, RoomName, Timestamp};

/// A frame from the server.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum ServerFrame<'a> {
    Welcome {
        data: WelcomeData<'a>,
    },
    Subscribed {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
        room: &'a RoomName,
        data: SubscribedData,
    },
    Ready {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
        room: &'a RoomName,
        data: ReadyData,
    },
    Unsubscribed {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
        room: &'a RoomName,
        data: UnsubscribedData,
    },
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
        data: PongData,
    },
    Heartbeat,
    #[serde(rename = "session:expiring")]
    Expiring {
        data: ExpiringData,
    },
    Authenticated {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
        data: AuthenticatedData,
    },
    Cursor {
        room: &'a RoomName,
        data: ReadyData,
    },
    Error {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
        data: ErrorData,
    },
    Closing {
        data: ClosingData,
    },
}

impl ServerFrame<'_> {
    pub(crate) fn encode(&self) -> Bytes {
        // Only maps with keys that are not text could fail, and there are none.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WelcomeData<'a> {
    pub(crate) protocol: u32,
    pub(crate) session_id: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) user: &'a Name,
    pub(crate) server_time: Timestamp,
    pub(crate) heartbeat_ms: u64,
    pub(crate) heartbeat_timeout_ms: u64,
    pub(crate) max_message_bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExpiringData {
    pub(crate) expires_at: Timestamp,
    pub(crate) seconds_left: u64,
    pub(crate) renewable: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthenticatedData {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
pub(crate) struct SubscribedData {
    pub(crate) epoch: Epoch,
    pub(crate) cursor: Cursor,
    pub(crate) recovered: Recovered,
}

/// What became of the position that a subscriber came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Recovered {
    /// It came with none.
    Fresh,
    /// Nothing after it is missing.
    Full,
    /// What is missing after it is told by a gap.
    Gap,
    /// It cannot be continued.
    Reset,
}

#[cfg(feature = "poll")]
impl Recovered {
    /// The word on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Full => "full",
            Self::Gap => "gap",
            Self::Reset => "reset",
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct ReadyData {
    pub(crate) cursor: Cursor,
}

#[derive(Debug, Serialize)]
pub(crate) struct UnsubscribedData {
    pub(crate) reason: Unsubscribed,
}

/// Why a subscription ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unsubscribed {
    /// The client asked for it.
    Requested,
    /// The room has gone.
    Closed,
    /// It may no longer be read.
    Forbidden,
    /// Another connection reads the stream now.
    Superseded,
}

#[derive(Debug, Serialize)]
pub(crate) struct GapData<'a> {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) missed: u64,
    pub(crate) why: Loss,
    pub(crate) of: Vec<MissedOfKey<'a>>,
}

/// Why events are gone for a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Loss {
    /// It read more slowly than they came.
    Slow,
    /// They were no longer kept when it came back.
    Expired,
}

#[derive(Debug, Serialize)]
pub(crate) struct MissedOfKey<'a> {
    #[serde(rename = "type")]
    pub(crate) event_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<&'a str>,
    pub(crate) missed: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PongData {
    pub(crate) server_time: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorData {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after_ms: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClosingData {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after_ms: Option<u64>,
}
