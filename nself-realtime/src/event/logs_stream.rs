//! `logs:stream`: the lines that a service prints, and the markers between them.

use garde::Validate;
use serde::{Deserialize, Serialize};

use super::{Delivery, InvalidPayload, Payload, Retention};
use crate::{Name, NanoTimestamp};

/// A line of a service's log, or a marker between two lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "lowercase")]
#[non_exhaustive]
pub enum LogsStream {
    /// A line that the service printed.
    Line(#[garde(dive)] LogLine),
    /// Something that happened to the log itself.
    Marker(#[garde(dive)] LogMarker),
}

impl Payload for LogsStream {
    const TYPE: &'static str = "logs:stream";
    const DELIVERY: Delivery = Delivery::Batched;
    const RETENTION: Retention = Retention::Ring { events: 2_000, bytes: 1024 * 1024 };

    fn key(&self) -> &str {
        match self {
            Self::Line(line) => line.service.as_str(),
            Self::Marker(marker) => marker.service.as_str(),
        }
    }

    fn history(&self) -> Option<u32> {
        match self {
            Self::Line(line) => line.history,
            Self::Marker(_) => None,
        }
    }

    fn check(&self) -> Result<(), InvalidPayload> {
        InvalidPayload::by_rules(self)
    }
}

/// A line that a service printed. (`containerId`, `source`, `time`, `n`) identifies it for ever.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct LogLine {
    /// The service that printed it.
    pub service: Name,
    /// When the engine read it.
    pub time: NanoTimestamp,
    /// The container that printed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_id: Option<Name>,
    /// The text, without its newline. Of what a terminal would obey only colours are left.
    #[garde(length(bytes, max = 262_144))]
    pub line: String,
    /// The stream that it was printed to.
    pub source: Source,
    /// Counts the different lines of one stream that have the same time, from 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub n: u32,
    /// How bad it is, if the line says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// How many bytes were cut off its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated_bytes: Option<u64>,
    /// On lines from before the follower began: how many such lines follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<u32>,
}

impl LogLine {
    /// A line, without what may be absent.
    pub fn new(
        service: Name,
        time: NanoTimestamp,
        source: Source,
        line: impl Into<String>,
    ) -> Self {
        Self {
            service,
            time,
            container_id: None,
            line: line.into(),
            source,
            n: 0,
            level: None,
            truncated_bytes: None,
            history: None,
        }
    }
}

/// Something that happened to a log itself: it stands between two lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct LogMarker {
    /// The service whose log it is.
    pub service: Name,
    /// When it happened.
    pub time: NanoTimestamp,
    /// The container that it happened to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_id: Option<Name>,
    /// What happened.
    pub marker: Marker,
    /// The same in words for people.
    #[garde(length(bytes, max = 4096))]
    pub text: String,
    /// How many lines the source lost; absent where nothing was lost or nobody can know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<u64>,
}

/// The stream that a line was printed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Standard output; also everything from a terminal.
    Stdout,
    /// Standard error. Not by itself an error.
    Stderr,
}

/// How bad a line says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The finest detail.
    Trace,
    /// Detail for developers.
    Debug,
    /// The normal course of things.
    Info,
    /// Something that may need a look.
    Warn,
    /// Something failed.
    Error,
    /// The program gives up.
    Fatal,
}

/// What happened to a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Marker {
    /// The container stopped.
    Stopped,
    /// The service goes on in a new container.
    Recreated,
    /// The container was started again.
    Restarted,
    /// The source itself lost lines.
    Lost,
    /// The log cannot be read.
    Unavailable,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stands_flat_on_the_wire() {
        let text = r#"{"kind":"line","service":"web","time":"2026-01-31T12:00:00.000000001Z","line":"hi","source":"stdout","level":"info"}"#;
        let payload: LogsStream = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&payload).unwrap(), text);
        assert_eq!(payload.key(), "web");
    }

    #[test]
    fn a_line_too_long_is_refused() {
        let (service, time) =
            (Name::new("web").unwrap(), NanoTimestamp::from_unix_nanos(0).unwrap());
        let line = LogLine::new(service, time, Source::Stdout, "x".repeat(262_145));
        assert!(LogsStream::Line(line).check().is_err());
    }
}
