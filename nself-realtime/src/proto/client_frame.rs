//! Frames from a client: parsed strictly, so that a mistake is answered with its place and not
//! guessed around.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::ErrorCode;
use super::object::Object;
use super::server_frame::ErrorData;
use crate::room::{Filter, MAX_FILTERS, MAX_KEYS, MAX_TAIL};
use crate::{Cursor, EventType, Name, RoomName};

/// How long the page may be that a session says it is on.
const MAX_PAGE_BYTES: usize = 512;
/// How deep JSON from outside may be nested.
pub(crate) const MAX_DEPTH: usize = 32;

/// A frame from a client.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ClientFrame {
    Hello { session: Name, secret: String },
    Subscribe { id: Option<u64>, room: RoomName, filters: Vec<Filter>, since: Option<Cursor> },
    Unsubscribe { id: Option<u64>, room: RoomName, filter: Option<Filter> },
    Ack { room: RoomName, cursor: Cursor },
    Presence { page: Option<String>, idle: bool },
    Auth { id: Option<u64>, token: String },
    Ping { id: Option<u64> },
    Pong,
}

/// A frame that was not understood, and the request that it was, if it said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FrameError {
    pub(crate) id: Option<u64>,
    pub(crate) error: ErrorData,
}

impl FrameError {
    fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { id: None, error: ErrorData { code, message, field: None, retry_after_ms: None } }
    }

    fn at(field: impl Into<String>, message: impl Into<String>) -> Self {
        let mut error = Self::new(ErrorCode::BadRequest, message);
        error.error.field = Some(field.into());
        error
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    frame_type: Cow<'a, str>,
    id: Option<u64>,
    room: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// What is read of a frame that is refused unread.
#[derive(Deserialize)]
struct Numbered {
    id: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HelloData {
    session: Name,
    secret: String,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PresenceData {
    page: Option<String>,
    idle: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AckData {
    cursor: Cursor,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthData {
    token: String,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SubscribeData {
    filters: Option<Vec<Object<Filter>>>,
    types: Option<Vec<EventType>>,
    keys: Option<Vec<Name>>,
    tail: Option<u32>,
    since: Option<Cursor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnsubscribeData {
    types: Option<Vec<EventType>>,
    keys: Option<Vec<Name>>,
}

impl ClientFrame {
    /// Reads a frame.
    pub(crate) fn parse(text: &str) -> Result<Self, FrameError> {
        if is_deeper_than(text, MAX_DEPTH) {
            let message = format!("nested more than {MAX_DEPTH} deep");
            return Err(FrameError::new(ErrorCode::InvalidFrame, message));
        }
        // A list of values would be taken for the fields in their order.
        if !text.trim_start().starts_with('{') {
            let message = "a frame is a JSON object with a type";
            return Err(FrameError::new(ErrorCode::InvalidFrame, message));
        }
        let envelope: Envelope<'_> =
            serde_json::from_str(text).map_err(|error| not_an_envelope(&error))?;
        let id = envelope.id;
        Self::from_envelope(envelope).map_err(|error| FrameError { id, ..error })
    }

    /// The number of a request, if it is one; nothing else in it is looked at.
    pub(crate) fn id_of(text: &str) -> Option<u64> {
        serde_json::from_str::<Object<Numbered>>(text).ok()?.0.id
    }

    fn from_envelope(envelope: Envelope<'_>) -> Result<Self, FrameError> {
        let Envelope { frame_type, id, room, data } = envelope;
        match &*frame_type {
            "hello" => {
                absent(room.as_ref(), "/room")?;
                let HelloData { session, secret } = parse_data(data)?;
                Ok(Self::Hello { session, secret })
            }
            "presence" => {
                absent(room.as_ref(), "/room")?;
                let PresenceData { page, idle } = parse_data(data)?;
                if page.as_ref().is_some_and(|page| page.len() > MAX_PAGE_BYTES) {
                    let message = format!("may have {MAX_PAGE_BYTES} bytes");
                    return Err(FrameError::at("/data/page", message));
                }
                Ok(Self::Presence { page, idle })
            }
            "ack" => {
                let AckData { cursor } = parse_data(data)?;
                Ok(Self::Ack { room: parse_room(room)?, cursor })
            }
            "auth" => {
                absent(room.as_ref(), "/room")?;
                let AuthData { token } = parse_data(data)?;
                Ok(Self::Auth { id, token })
            }
            "subscribe" => {
                let data =
                    data.map_or_else(|| Ok(SubscribeData::default()), |d| parse_data(Some(d)))?;
                let since = data.since;
                Ok(Self::Subscribe {
                    id,
                    room: parse_room(room)?,
                    filters: data.into_filters()?,
                    since,
                })
            }
            "unsubscribe" => {
                let room = parse_room(room)?;
                let filter = match data {
                    Some(data) => {
                        let UnsubscribeData { types, keys } = parse_data(Some(data))?;
                        Some(Filter { types, keys, tail: None })
                    }
                    None => None,
                };
                Ok(Self::Unsubscribe { id, room, filter })
            }
            "ping" => {
                absent(room.as_ref(), "/room")?;
                absent(data, "/data")?;
                Ok(Self::Ping { id })
            }
            "pong" => {
                absent(room.as_ref(), "/room")?;
                absent(data, "/data")?;
                Ok(Self::Pong)
            }
            other => {
                let name: String = other.chars().take(64).collect();
                Err(FrameError::new(
                    ErrorCode::UnknownType,
                    format!("no frame has the type {name:?}"),
                ))
            }
        }
    }
}

impl SubscribeData {
    fn into_filters(self) -> Result<Vec<Filter>, FrameError> {
        let direct = self.types.is_some() || self.keys.is_some() || self.tail.is_some();
        let filters = match self.filters {
            Some(_) if direct => {
                return Err(FrameError::at(
                    "/data/filters",
                    "either filters or one filter, not both",
                ));
            }
            Some(filters) => filters.into_iter().map(|Object(filter)| filter).collect(),
            None => vec![Filter { types: self.types, keys: self.keys, tail: self.tail }],
        };
        check_filters(&filters, "/data/filters", |index| match index {
            0 if direct => "/data/".to_owned(),
            _ => format!("/data/filters/{index}/"),
        })?;
        Ok(filters)
    }
}

/// Checks how many filters there are and what each asks for. `place` is where the fields of a filter
/// stand.
pub(crate) fn check_filters(
    filters: &[Filter],
    list: &str,
    place: impl Fn(usize) -> String,
) -> Result<(), FrameError> {
    if filters.is_empty() || filters.len() > MAX_FILTERS {
        let message =
            format!("1 to {MAX_FILTERS} filters are allowed, these are {}", filters.len());
        return Err(FrameError::at(list, message));
    }
    for (index, filter) in filters.iter().enumerate() {
        let at = |field: &str, message: String| {
            Err(FrameError::at(format!("{}{field}", place(index)), message))
        };
        if filter.keys.as_ref().is_some_and(|keys| keys.len() > MAX_KEYS) {
            return at("keys", format!("at most {MAX_KEYS} keys are allowed"));
        }
        if filter.types.as_ref().is_some_and(|types| types.len() > MAX_KEYS) {
            return at("types", format!("at most {MAX_KEYS} types are allowed"));
        }
        if filter.tail.is_some_and(|tail| tail > MAX_TAIL) {
            return at("tail", format!("must be 0 to {MAX_TAIL}"));
        }
    }
    Ok(())
}

fn parse_room(room: Option<String>) -> Result<RoomName, FrameError> {
    let room = room.ok_or_else(|| FrameError::at("/room", "a room is required"))?;
    RoomName::new(room).map_err(|error| FrameError::at("/room", error.to_string()))
}

fn parse_data<T: DeserializeOwned>(data: Option<&RawValue>) -> Result<T, FrameError> {
    let data = data.ok_or_else(|| FrameError::at("/data", "data is required"))?;
    parse_at(data.get(), "/data").map(|Object(data)| data)
}

/// Reads JSON that stands at this place of a request; an error says where in it.
pub(crate) fn parse_at<T: DeserializeOwned>(text: &str, place: &str) -> Result<T, FrameError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let mut pointer = place.to_owned();
        for segment in error.path() {
            match segment {
                serde_path_to_error::Segment::Seq { index } => {
                    pointer.push('/');
                    pointer.push_str(&index.to_string());
                }
                serde_path_to_error::Segment::Map { key } => {
                    pointer.push('/');
                    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                }
                _ => {}
            }
        }
        FrameError::at(pointer, error.into_inner().to_string())
    })?;
    deserializer.end().map_err(|error| FrameError::at(place, error.to_string()))?;
    Ok(value)
}

fn absent<T: ?Sized>(value: Option<&T>, field: &str) -> Result<(), FrameError> {
    if value.is_some() {
        return Err(FrameError::at(field, "this frame has no such field"));
    }
    Ok(())
}

fn not_an_envelope(error: &serde_json::Error) -> FrameError {
    match error.classify() {
        Category::Data => FrameError::new(ErrorCode::BadRequest, error.to_string()),
        _ => FrameError::new(ErrorCode::InvalidFrame, format!("not JSON: {error}")),
    }
}

/// Whether brackets outside texts are nested deeper than that.
pub(crate) fn is_deeper_than(text: &str, max: usize) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                if depth > max {
                    return true;
                }
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(text: &str) -> (ErrorCode, Option<String>) {
        let error = ClientFrame::parse(text).unwrap_err().error;
        (error.code, error.field)
    }

    #[test]
    fn a_subscribe_with_everything_is_read() {
        let text = r#"{"type":"subscribe","id":3,"room":"shop","data":{"filters":[{"types":["logs:stream"],"keys":["web"],"tail":5}],"since":"abcdefgh.7"}}"#;
        let ClientFrame::Subscribe { id, room, filters, since } = ClientFrame::parse(text).unwrap()
        else {
            panic!("not a subscribe")
        };
        assert_eq!((id, room.as_str(), since.unwrap().seq), (Some(3), "shop", 7));
        assert_eq!(filters[0].tail, Some(5));
    }

    #[test]
    fn a_subscribe_without_data_wants_everything() {
        let frame = ClientFrame::parse(r#"{"type":"subscribe","room":"shop"}"#).unwrap();
        assert!(
            matches!(frame, ClientFrame::Subscribe { filters, .. } if filters == [Filter::all()])
        );
    }

    #[test]
    fn mistakes_are_answered_with_their_place() {
        let bad = |field: &str| (ErrorCode::BadRequest, Some(field.to_owned()));
        assert_eq!(error_of("{"), (ErrorCode::InvalidFrame, None));
        assert_eq!(error_of("[]"), (ErrorCode::InvalidFrame, None));
        assert_eq!(error_of(r#"["ping",7,null,null]"#), (ErrorCode::InvalidFrame, None));
        assert_eq!(error_of(r#"{"type":"dance"}"#), (ErrorCode::UnknownType, None));
        assert_eq!(error_of(r#"{"type":"subscribe"}"#), bad("/room"));
        assert_eq!(error_of(r#"{"type":"subscribe","room":"No"}"#), bad("/room"));
        assert_eq!(
            error_of(r#"{"type":"subscribe","room":"a","data":{"filters":[{"tail":1000000000}]}}"#),
            bad("/data/filters/0/tail")
        );
        assert_eq!(
            error_of(r#"{"type":"subscribe","room":"a","data":{"filters":[{},{"kees":[]}]}}"#),
            bad("/data/filters/1/kees")
        );
        assert_eq!(
            error_of(r#"{"type":"subscribe","room":"a","data":{"since":"x"}}"#),
            bad("/data/since")
        );
        assert_eq!(error_of(r#"{"type":"ping","data":{}}"#), bad("/data"));
        assert_eq!(error_of(r#"{"type":"auth","data":["token"]}"#), bad("/data"));
        assert_eq!(
            error_of(r#"{"type":"subscribe","room":"a","data":{"filters":[[["logs:stream"]]]}}"#),
            bad("/data/filters/0")
        );
    }

    #[test]
    fn limits_of_filters_and_keys_hold() {
        let subscribe =
            |data: String| format!(r#"{{"type":"subscribe","room":"a","data":{data}}}"#);
        let filters =
            |n: usize| subscribe(format!(r#"{{"filters":[{}]}}"#, vec!["{}"; n].join(",")));
        assert!(ClientFrame::parse(&filters(MAX_FILTERS)).is_ok());
        assert!(ClientFrame::parse(&filters(MAX_FILTERS + 1)).is_err());
        let keys = |n: usize| subscribe(format!(r#"{{"keys":[{}]}}"#, vec![r#""k""#; n].join(",")));
        assert!(ClientFrame::parse(&keys(MAX_KEYS)).is_ok());
        assert_eq!(error_of(&keys(MAX_KEYS + 1)).1.as_deref(), Some("/data/keys"));
    }

    #[test]
    fn nesting_of_33_is_refused_and_brackets_in_texts_are_not_counted() {
        let nested =
            |n: usize| format!(r#"{{"type":"ping","data":{}{}}}"#, "[".repeat(n), "]".repeat(n));
        assert_eq!(error_of(&nested(31)).0, ErrorCode::BadRequest);
        assert_eq!(error_of(&nested(32)).0, ErrorCode::InvalidFrame);
        assert!(!is_deeper_than(&format!(r#"["{}\"["]"#, "[".repeat(99)), 32));
    }

    #[test]
    fn an_error_names_the_request_that_it_answers() {
        let error = ClientFrame::parse(r#"{"type":"subscribe","id":9}"#).unwrap_err();
        assert_eq!(error.id, Some(9));
    }
}
