//! The frames of protocol `nself.v1` as a client reads and writes them. A frame whose type is unknown
//! is skipped, so that a later server can say more; one that lacks what its type must have is an error
//! and reaches nobody.

use std::borrow::Cow;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::delivery::{Expiring, Gap, ServerError, SessionKey, Welcome};
use crate::event::RawEvent;
use crate::proto::server_frame::Recovered;
use crate::{Cursor, Epoch, EventType, Filter, Name, RoomName, Timestamp};

/// A frame from the server.
#[derive(Debug)]
pub(super) enum Incoming {
    Welcome(Welcome, Duration),
    Heartbeat,
    Pong,
    Closing(Option<Duration>),
    Expiring(Expiring),
    Authenticated(Option<Timestamp>),
    Error(Option<u64>, ServerError),
    Room(RoomName, RoomFrame),
}

/// What a frame says of its room.
#[derive(Debug)]
pub(super) enum RoomFrame {
    /// One event, or a batch.
    Events(Vec<RawEvent>),
    Subscribed {
        id: Option<u64>,
        epoch: Epoch,
        recovered: Recovered,
    },
    Snapshot {
        id: Option<u64>,
        events: Vec<RawEvent>,
    },
    Ready {
        id: Option<u64>,
        cursor: Cursor,
    },
    Cursor(Cursor),
    Gap(Gap),
    Unsubscribed {
        id: Option<u64>,
        reason: Left,
    },
}

/// Why a subscription ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Left {
    Requested,
    Closed,
    Forbidden,
    Superseded,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    frame_type: Cow<'a, str>,
    id: Option<u64>,
    room: Option<RoomName>,
    seq: Option<u64>,
    timestamp: Option<Timestamp>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    events: Option<Vec<RawEvent>>,
}

/// The least that is said of any frame.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "type", borrow)]
    frame_type: Cow<'a, str>,
    seq: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WelcomeData {
    session_id: Name,
    secret: String,
    user: Name,
    server_time: Timestamp,
    heartbeat_ms: u64,
    heartbeat_timeout_ms: u64,
    #[serde(default)]
    expires_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct SubscribedData {
    epoch: Epoch,
    recovered: Recovered,
}

#[derive(Deserialize)]
struct CursorData {
    cursor: Cursor,
}

#[derive(Deserialize)]
struct LeftData {
    reason: Left,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClosingData {
    #[serde(default)]
    retry_after_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthenticatedData {
    #[serde(default)]
    expires_at: Option<Timestamp>,
}

/// A server that asks for a longer wait is asked again after this one: a mistake of its own, or of
/// something between, must not keep a client away for ever.
pub(super) const LONGEST_WAIT: Duration = Duration::from_hours(1);

fn wait_of_ms(ms: u64) -> Duration {
    Duration::from_millis(ms).min(LONGEST_WAIT)
}

/// What an error says, in a frame as in an answer over HTTP.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorData {
    code: String,
    message: String,
    #[serde(default)]
    field: Option<String>,
    #[serde(default)]
    retry_after_ms: Option<u64>,
}

impl From<ErrorData> for ServerError {
    fn from(data: ErrorData) -> Self {
        let ErrorData { code, message, field, retry_after_ms } = data;
        let retry_after = retry_after_ms.map(wait_of_ms);
        Self { field, retry_after, ..Self::new(&code, message) }
    }
}

const KNOWN: [&str; 14] = [
    "welcome",
    "heartbeat",
    "pong",
    "closing",
    "session:expiring",
    "authenticated",
    "error",
    "batch",
    "subscribed",
    "snapshot",
    "ready",
    "cursor",
    "gap",
    "unsubscribed",
];

impl Incoming {
    /// Reads a frame; `None` if its type is unknown. The error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, String> {
        match serde_json::from_str::<Envelope<'_>>(text) {
            Ok(envelope) => Self::from_envelope(envelope),
            Err(error) => match serde_json::from_str::<Kind<'_>>(text) {
                // Its fields are another version's.
                Ok(kind) if kind.seq.is_none() && !KNOWN.contains(&&*kind.frame_type) => Ok(None),
                _ => Err(format!("a frame from the server cannot be read: {error}")),
            },
        }
    }

    fn from_envelope(envelope: Envelope<'_>) -> Result<Option<Self>, String> {
        let Envelope { frame_type, id, room, seq, timestamp, data, events } = envelope;
        let lacks = |field: &str| format!("{frame_type} from the server lacks `{field}`");
        let room = || room.ok_or_else(|| lacks("room"));
        if let Some(seq) = seq {
            let event_type = EventType::new(&*frame_type).map_err(|error| error.to_string())?;
            let timestamp = timestamp.ok_or_else(|| lacks("timestamp"))?;
            let data = data.ok_or_else(|| lacks("data"))?.to_owned();
            let event = RawEvent { event_type, room: None, seq, timestamp, data };
            return Ok(Some(Self::Room(room()?, RoomFrame::Events(vec![event]))));
        }
        let frame = match &*frame_type {
            "welcome" => Self::welcome(read(&frame_type, data)?),
            "heartbeat" => Self::Heartbeat,
            "pong" => Self::Pong,
            "closing" => {
                let ClosingData { retry_after_ms } = read(&frame_type, data)?;
                Self::Closing(retry_after_ms.map(wait_of_ms))
            }
            "session:expiring" => Self::Expiring(read(&frame_type, data)?),
            "authenticated" => {
                let AuthenticatedData { expires_at } = read(&frame_type, data)?;
                Self::Authenticated(expires_at)
            }
            "error" => Self::Error(id, read::<ErrorData>(&frame_type, data)?.into()),
            "batch" => {
                let events = events.ok_or_else(|| lacks("events"))?;
                Self::Room(room()?, RoomFrame::Events(events))
            }
            "subscribed" => {
                let SubscribedData { epoch, recovered } = read(&frame_type, data)?;
                Self::Room(room()?, RoomFrame::Subscribed { id, epoch, recovered })
            }
            "snapshot" => {
                let events = events.ok_or_else(|| lacks("events"))?;
                Self::Room(room()?, RoomFrame::Snapshot { id, events })
            }
            "ready" => {
                let CursorData { cursor } = read(&frame_type, data)?;
                Self::Room(room()?, RoomFrame::Ready { id, cursor })
            }
            "cursor" => {
                let CursorData { cursor } = read(&frame_type, data)?;
                Self::Room(room()?, RoomFrame::Cursor(cursor))
            }
            "gap" => Self::Room(room()?, RoomFrame::Gap(read(&frame_type, data)?)),
            "unsubscribed" => {
                let LeftData { reason } = read(&frame_type, data)?;
                Self::Room(room()?, RoomFrame::Unsubscribed { id, reason })
            }
            _ => return Ok(None),
        };
        Ok(Some(frame))
    }

    fn welcome(data: WelcomeData) -> Self {
        let WelcomeData { session_id, secret, user, server_time, expires_at, .. } = data;
        let silence = data.heartbeat_ms.saturating_add(data.heartbeat_timeout_ms);
        let key = SessionKey::new(session_id, secret);
        let welcome = Welcome { key, user, server_time, expires_at };
        Self::Welcome(welcome, Duration::from_millis(silence))
    }
}

fn read<T: DeserializeOwned>(frame_type: &str, data: Option<&RawValue>) -> Result<T, String> {
    let data = data.ok_or_else(|| format!("{frame_type} from the server lacks `data`"))?;
    serde_json::from_str(data.get())
        .map_err(|error| format!("{frame_type} from the server cannot be read: {error}"))
}

/// A frame to the server.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Outgoing<'a> {
    Hello {
        data: &'a SessionKey,
    },
    Subscribe {
        id: u64,
        room: &'a RoomName,
        data: Selection<'a>,
    },
    Unsubscribe {
        id: u64,
        room: &'a RoomName,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<Filter>,
    },
    Ack {
        room: &'a RoomName,
        data: Acknowledged,
    },
    Presence {
        data: Sight<'a>,
    },
    Auth {
        id: u64,
        data: Proof<'a>,
    },
    Ping {
        id: u64,
    },
    Pong,
}

/// What of a room is wanted, and from where.
#[derive(Debug, Serialize)]
pub(super) struct Selection<'a> {
    pub(super) filters: &'a [Filter],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<Cursor>,
}

#[derive(Debug, Serialize)]
pub(super) struct Acknowledged {
    pub(super) cursor: Cursor,
}

#[derive(Debug, Serialize)]
pub(super) struct Sight<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) page: Option<&'a str>,
    pub(super) idle: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Proof<'a> {
    pub(super) token: &'a str,
}

impl Outgoing<'_> {
    pub(super) fn encode(&self) -> String {
        // Only maps with keys that are not text could fail, and there are none.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What a poll asks for.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PollBody<'a> {
    pub(super) wait_ms: u64,
    pub(super) subscriptions: Vec<PollSubscription<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct PollSubscription<'a> {
    pub(super) room: &'a RoomName,
    #[serde(flatten)]
    pub(super) selection: Selection<'a>,
}

/// What a poll is answered.
#[derive(Debug, Deserialize)]
pub(super) struct PollRooms {
    pub(super) rooms: Vec<PollRoom>,
}

/// What it says of one room.
#[derive(Debug, Deserialize)]
pub(super) struct PollRoom {
    pub(super) room: RoomName,
    pub(super) cursor: Cursor,
    pub(super) recovered: Recovered,
    pub(super) snapshot: Vec<RawEvent>,
    pub(super) gaps: Vec<Gap>,
    pub(super) events: Vec<RawEvent>,
    pub(super) more: bool,
}

/// An error as an answer over HTTP has it.
#[derive(Deserialize)]
pub(super) struct ErrorBody {
    pub(super) error: ErrorData,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proto::ClientFrame;

    #[test]
    fn frames_of_unknown_types_are_skipped_whatever_their_fields() {
        for text in [r#"{"type":"later"}"#, r#"{"type":"later","id":"x","room":7}"#] {
            assert!(Incoming::parse(text).unwrap().is_none(), "{text}");
        }
    }

    #[test]
    fn a_frame_that_lacks_something_is_named() {
        let error = |text: &str| Incoming::parse(text).unwrap_err();
        assert!(error("{oops").contains("cannot be read"));
        assert!(error("[]").contains("cannot be read"));
        assert_eq!(error(r#"{"type":"batch","room":"a"}"#), "batch from the server lacks `events`");
        assert_eq!(error(r#"{"type":"ready","room":"a"}"#), "ready from the server lacks `data`");
        assert!(error(r#"{"type":"gap","room":"a","data":{"from":1}}"#).starts_with("gap from"));
        let event = r#"{"type":"a:b","seq":1,"timestamp":"2026-01-31T12:00:00.000Z","data":{}}"#;
        assert_eq!(error(event), "a:b from the server lacks `room`");
    }

    #[test]
    fn unknown_words_in_known_frames_are_taken() {
        let gap = r#"{"type":"gap","room":"a","data":{"from":1,"to":2,"missed":1,"why":"moon","of":[{"type":"a:b","missed":1}],"more":1}}"#;
        let Some(Incoming::Room(_, RoomFrame::Gap(gap))) = Incoming::parse(gap).unwrap() else {
            panic!("not a gap")
        };
        assert_eq!(gap.why, super::super::delivery::GapCause::Other);
    }

    proptest! {
        #[test]
        fn what_a_client_asks_for_is_what_a_server_reads(
            id in any::<u64>(),
            types in proptest::option::of(proptest::collection::vec("[a-z]{1,9}:[a-z]{1,9}", 0..4)),
            keys in proptest::option::of(proptest::collection::vec("[^\\p{Cc}]{1,40}", 0..4)),
            tail in proptest::option::of(0..=2_000_u32),
            since in proptest::option::of((any::<u64>(), 0..=crate::MAX_SEQ)),
        ) {
            let room = RoomName::new("shop").unwrap();
            let types = types.map(|list| list.iter().map(|t| EventType::new(t).unwrap()).collect());
            let keys = keys.map(|list| list.iter().map(|key| Name::new(key).unwrap()).collect());
            let filters = vec![Filter { types, keys, tail }];
            let since = since.map(|(bits, seq)| Cursor { epoch: Epoch::from_random(bits), seq });
            let data = Selection { filters: &filters, since };
            let text = Outgoing::Subscribe { id, room: &room, data }.encode();
            let expected = ClientFrame::Subscribe { id: Some(id), room, filters, since };
            prop_assert_eq!(ClientFrame::parse(&text).unwrap(), expected);
        }
    }
}
