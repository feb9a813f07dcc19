//! JSON Schema of the events, made from the types that the program itself reads and writes.
//!
//! A schema describes the `data` of an event as it stands on the wire. It allows a little more than
//! [`Payload::check`] does: lengths count characters there and bytes here.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use crate::event::{
    BuildProgress, DeployProgress, DockerStats, EngineStatus, LogsStream, Notification, Presence,
    QueryResult, RoomStatus, ServiceStatus,
};
use crate::{EventType, Name, NanoTimestamp, Payload, RoomName, Timestamp};

/// The schemas of the built-in events, by the name of their type.
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        (BuildProgress::TYPE, of::<BuildProgress>()),
        (QueryResult::TYPE, of::<QueryResult>()),
        (DeployProgress::TYPE, of::<DeployProgress>()),
        (DockerStats::TYPE, of::<DockerStats>()),
        (EngineStatus::TYPE, of::<EngineStatus>()),
        (LogsStream::TYPE, of::<LogsStream>()),
        (Notification::TYPE, of::<Notification>()),
        (Presence::TYPE, of::<Presence>()),
        (RoomStatus::TYPE, of::<RoomStatus>()),
        (ServiceStatus::TYPE, of::<ServiceStatus>()),
    ]
}

/// The schema of an event, also of an embedding program's own.
pub fn of<P: Payload + JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(NoNull);
    let mut schema = settings.into_generator().into_root_schema_for::<P>();
    schema.insert("title".to_owned(), P::TYPE.into());
    schema.to_value()
}

/// What is absent is left out on the wire and never `null`.
#[derive(Debug, Clone)]
struct NoNull;

impl Transform for NoNull {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else { return };
        if let Some(Value::Array(types)) = object.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = &**types {
                let only = only.clone();
                object.insert("type".to_owned(), only);
            }
        }
        if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
            choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
            if let [Value::Object(only)] = &**choices {
                let only: Map<String, Value> = only.clone();
                object.remove("anyOf");
                object.extend(only);
            }
        }
    }
}

macro_rules! text {
    ($name:ty, $title:literal, $schema:tt) => {
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                $title.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

text!(Name, "Name", {
    "description": "What an event is about. 1 to 256 bytes without control characters.",
    "type": "string",
    "minLength": 1,
    "maxLength": 256,
    "pattern": r"^[^\u0000-\u001f\u007f-\u009f]+$",
});
text!(EventType, "EventType", {
    "description": "Lower-case words joined by colons.",
    "type": "string",
    "maxLength": 64,
    "pattern": "^[a-z][a-z0-9_-]*(:[a-z][a-z0-9_-]*)*$",
});
text!(RoomName, "RoomName", {
    "description": "The name of a room.",
    "type": "string",
    "pattern": r"^((query/)?[a-z0-9][a-z0-9_-]{0,63}|project\.[0-9a-f]{16})$",
});
text!(Timestamp, "Timestamp", {
    "description": "RFC 3339 in UTC with milliseconds.",
    "type": "string",
    "format": "date-time",
    "pattern": r"^[^.]+\.[0-9]{3}Z$",
});
text!(NanoTimestamp, "NanoTimestamp", {
    "description": "RFC 3339 in UTC with nanoseconds.",
    "type": "string",
    "format": "date-time",
    "pattern": r"^[^.]+\.[0-9]{9}Z$",
});
