//! What a polling client asks for, read as strictly as a frame.

use std::collections::HashSet;
use std::time::Duration;

use serde::Deserialize;

use super::InvalidRequest;
use super::request::Query;
use crate::proto::{MAX_DEPTH, Object, check_filters, is_deeper_than, parse_at};
use crate::room::Filter;
use crate::{Cursor, RoomName};

/// How many rooms one request may ask for.
const MAX_ROOMS: usize = 64;
/// How long a request may wait, in milliseconds.
const MAX_WAIT_MS: u64 = 30_000;
/// How long it waits if it does not say.
const DEFAULT_WAIT_MS: u64 = 20_000;

/// A poll: which rooms, from which cursors, and how long to wait for something to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollRequest {
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) wait: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subscription {
    pub(super) room: RoomName,
    /// Where the request names the room.
    pub(super) field: String,
    pub(super) filters: Vec<Filter>,
    pub(super) since: Option<Cursor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body {
    wait_ms: Option<u64>,
    subscriptions: Vec<Object<BodySubscription>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BodySubscription {
    room: RoomName,
    filters: Option<Vec<Object<Filter>>>,
    since: Option<Cursor>,
}

impl PollRequest {
    /// Reads `{"waitMs":20000,"subscriptions":[{"room":…,"filters":[…],"since":…}…]}`. How long the
    /// body may be is for the caller to say.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`] with a JSON pointer to what is wrong.
    pub fn from_json(body: &[u8]) -> Result<Self, InvalidRequest> {
        let text =
            str::from_utf8(body).map_err(|error| InvalidRequest::at("", error.to_string()))?;
        if is_deeper_than(text, MAX_DEPTH) {
            return Err(InvalidRequest::at("", format!("nested more than {MAX_DEPTH} deep")));
        }
        let Object(Body { wait_ms, subscriptions }) = parse_at(text, "")?;
        if subscriptions.is_empty() || subscriptions.len() > MAX_ROOMS {
            let message =
                format!("1 to {MAX_ROOMS} rooms are allowed, these are {}", subscriptions.len());
            return Err(InvalidRequest::at("/subscriptions", message));
        }
        let mut rooms = HashSet::new();
        let mut checked = Vec::with_capacity(subscriptions.len());
        for (index, Object(subscription)) in subscriptions.into_iter().enumerate() {
            let BodySubscription { room, filters, since } = subscription;
            let place = format!("/subscriptions/{index}");
            if !rooms.insert(room.clone()) {
                return Err(InvalidRequest::at(format!("{place}/room"), "is asked for twice"));
            }
            let filters = match filters {
                Some(filters) => filters.into_iter().map(|Object(filter)| filter).collect(),
                None => vec![Filter::all()],
            };
            check_filters(&filters, &format!("{place}/filters"), |filter| {
                format!("{place}/filters/{filter}/")
            })?;
            checked.push(Subscription { room, field: format!("{place}/room"), filters, since });
        }
        Ok(Self { subscriptions: checked, wait: wait("/waitMs", wait_ms)? })
    }

    /// Reads `room=R&types=a,b&keys=k&tail=N&since=C&waitMs=N`: one room, one filter.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`] with the parameter that is wrong.
    pub fn from_query(query: &str) -> Result<Self, InvalidRequest> {
        let Query { room, filter, since, wait_ms } = Query::parse(query)?;
        let wait = wait("waitMs", wait_ms)?;
        let (field, filters) = ("room".to_owned(), vec![filter]);
        Ok(Self { subscriptions: vec![Subscription { room, field, filters, since }], wait })
    }

    /// The rooms that it asks for: who may read them is to be checked before it is answered.
    pub fn rooms(&self) -> impl Iterator<Item = &RoomName> {
        self.subscriptions.iter().map(|subscription| &subscription.room)
    }
}

fn wait(field: &str, wait_ms: Option<u64>) -> Result<Duration, InvalidRequest> {
    match wait_ms.unwrap_or(DEFAULT_WAIT_MS) {
        ms @ 0..=MAX_WAIT_MS => Ok(Duration::from_millis(ms)),
        _ => Err(InvalidRequest::at(field, format!("must be 0 to {MAX_WAIT_MS}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field_of(body: &str) -> String {
        PollRequest::from_json(body.as_bytes()).unwrap_err().field().unwrap().to_owned()
    }

    #[test]
    fn both_forms_of_a_request_say_the_same() {
        let json = br#"{"subscriptions":[{"room":"shop","filters":[{"keys":["web"]}],"since":"abcdefgh.1"}]}"#;
        let query = "room=shop&keys=web&since=abcdefgh.1&waitMs=20000";
        let (mut json, query) =
            (PollRequest::from_json(json).unwrap(), PollRequest::from_query(query).unwrap());
        assert_eq!(json.subscriptions[0].field, "/subscriptions/0/room");
        "room".clone_into(&mut json.subscriptions[0].field);
        assert_eq!(json, query);
    }

    #[test]
    fn mistakes_are_answered_with_their_place() {
        let one = |subscription: &str| format!(r#"{{"subscriptions":[{subscription}]}}"#);
        let rooms = |n: usize| {
            let rooms: Vec<String> = (0..n).map(|n| format!(r#"{{"room":"r{n}"}}"#)).collect();
            one(&rooms.join(","))
        };
        assert!(PollRequest::from_json(rooms(64).as_bytes()).is_ok());
        assert_eq!(field_of(&rooms(65)), "/subscriptions");
        assert_eq!(field_of(r#"{"subscriptions":[]}"#), "/subscriptions");
        assert_eq!(field_of(r#"{"subscriptions":[{"room":"a"}]} {}"#), "");
        assert_eq!(field_of(r#"{"subscriptions":[{"room":"a"}],"waitMs":30001}"#), "/waitMs");
        assert_eq!(field_of(r#"{"subscriptions":[{"room":"a"}],"wait":1}"#), "/wait");
        assert_eq!(field_of(&one(r#"{"room":"a"},{"room":"a"}"#)), "/subscriptions/1/room");
        assert_eq!(field_of(&one(r#"{"room":"No"}"#)), "/subscriptions/0/room");
        assert_eq!(field_of(&one(r#"{"room":"a","since":"x"}"#)), "/subscriptions/0/since");
        assert_eq!(
            field_of(&one(r#"{"room":"a","filters":[{},{"tail":2001}]}"#)),
            "/subscriptions/0/filters/1/tail"
        );
        assert_eq!(
            field_of(&one(r#"{"room":"a","filters":[{"tial":1}]}"#)),
            "/subscriptions/0/filters/0/tial"
        );
        assert_eq!(field_of(r"[5,[]]"), "");
        assert_eq!(field_of(&one(r#"["a"]"#)), "/subscriptions/0");
        assert_eq!(field_of(&one(r#"{"room":"a","filters":[[]]}"#)), "/subscriptions/0/filters/0");
        assert_eq!(field_of(&format!("{}{}", "[".repeat(33), "]".repeat(33))), "");
    }
}
