//! Requests for events over plain HTTP, as query strings: read as strictly as frames are.

use std::str::FromStr;

use percent_encoding::percent_decode_str;

use crate::proto::{ErrorCode, FrameError, check_filters};
use crate::room::Filter;
use crate::{Cursor, RoomName};

/// A request that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", self.place())]
pub struct InvalidRequest {
    code: ErrorCode,
    field: Option<String>,
    message: String,
}

impl InvalidRequest {
    pub(super) fn at(field: impl Into<String>, message: impl Into<String>) -> Self {
        let (field, message) = (Some(field.into()), message.into());
        Self { code: ErrorCode::BadRequest, field, message }
    }

    /// The code on the wire.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// What is wrong: the name of a query parameter or of a header, or a JSON pointer into the body.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// What is wrong with it.
    pub fn message(&self) -> &str {
        &self.message
    }

    fn place(&self) -> String {
        self.field.as_ref().map_or_else(String::new, |field| format!("{field}: "))
    }
}

impl From<FrameError> for InvalidRequest {
    fn from(FrameError { error, .. }: FrameError) -> Self {
        Self { code: error.code, field: error.field, message: error.message }
    }
}

/// What a query string asks for.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) room: RoomName,
    pub(super) filter: Filter,
    pub(super) since: Option<Cursor>,
    /// Of a request that may wait.
    pub(super) wait_ms: Option<u64>,
}

impl Query {
    /// Reads `room=R&types=a,b&keys=k&tail=N&since=C&waitMs=N`.
    pub(super) fn parse(query: &str) -> Result<Self, InvalidRequest> {
        let (mut room, mut since, mut wait_ms) = (None, None, None);
        let mut filter = Filter::all();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "room" => once(&mut room, name, one(name, value)?)?,
                "types" => once(&mut filter.types, name, list(name, value)?)?,
                "keys" => once(&mut filter.keys, name, list(name, value)?)?,
                "tail" => once(&mut filter.tail, name, one(name, value)?)?,
                "since" => once(&mut since, name, one(name, value)?)?,
                "waitMs" => once(&mut wait_ms, name, one(name, value)?)?,
                unknown => {
                    let name: String = unknown.chars().take(64).collect();
                    return Err(InvalidRequest::at(name, "there is no such parameter"));
                }
            }
        }
        check_filters(std::slice::from_ref(&filter), "", |_| String::new())?;
        let room = room.ok_or_else(|| InvalidRequest::at("room", "a room is required"))?;
        Ok(Self { room, filter, since, wait_ms })
    }
}

fn once<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), InvalidRequest> {
    match place.replace(value) {
        Some(_) => Err(InvalidRequest::at(name, "is given twice")),
        None => Ok(()),
    }
}

fn list<T: FromStr<Err: ToString>>(name: &str, value: &str) -> Result<Vec<T>, InvalidRequest> {
    // Decoded one by one: a comma that belongs to a key is written as %2C.
    value.split(',').map(|item| one(name, item)).collect()
}

fn one<T: FromStr<Err: ToString>>(name: &str, value: &str) -> Result<T, InvalidRequest> {
    let value = value.replace('+', " ");
    let value = percent_decode_str(&value)
        .decode_utf8()
        .map_err(|error| InvalidRequest::at(name, error.to_string()))?;
    value.parse().map_err(|error: T::Err| InvalidRequest::at(name, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_with_everything_is_read() {
        let text = "room=shop&types=logs:stream,service%3Astatus&keys=a%2Cb,c+d&tail=7&since=abcdefgh.3&waitMs=5";
        let query = Query::parse(text).unwrap();
        assert_eq!(query.room.as_str(), "shop");
        let types = query.filter.types.unwrap();
        assert_eq!([types[0].as_str(), types[1].as_str()], ["logs:stream", "service:status"]);
        let keys = query.filter.keys.unwrap();
        assert_eq!([keys[0].as_str(), keys[1].as_str()], ["a,b", "c d"]);
        assert_eq!((query.filter.tail, query.since.unwrap().seq), (Some(7), 3));
        assert_eq!(query.wait_ms, Some(5));
    }

    #[test]
    fn mistakes_are_answered_with_the_parameter() {
        let keys = format!("room=a&keys={}k", "k,".repeat(256));
        for (query, field) in [
            ("", "room"),
            ("room=No", "room"),
            ("room=a&room=a", "room"),
            ("room=a&types=", "types"),
            ("room=a&tail=2001", "tail"),
            ("room=a&tail=-1", "tail"),
            ("room=a&since=", "since"),
            ("room=a&since=abcdefgh", "since"),
            ("room=a&keys=%ff", "keys"),
            (&keys, "keys"),
            ("room=a&filters=[]", "filters"),
        ] {
            let error = Query::parse(query).unwrap_err();
            assert_eq!((error.code(), error.field()), (ErrorCode::BadRequest, Some(field)));
        }
    }
}
