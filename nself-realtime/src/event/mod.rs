//! Typed events: what a payload is, how it is delivered, and what of it is kept for later readers.
//!
//! A payload type says four things about itself: its [type name](Payload::TYPE), the
//! [key](Payload::key) that it is about, how urgent it is ([`Delivery`]) and what a room keeps of it
//! ([`Retention`]). Everything else follows from these.

mod build_progress;
mod deploy_progress;
mod docker_stats;
mod engine_status;
mod logs_stream;
mod notification;
mod presence;
mod progress;
mod query_result;
mod room_status;
mod service_status;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use self::build_progress::BuildProgress;
pub use self::deploy_progress::DeployProgress;
pub use self::docker_stats::{BlockIo, DockerStats, NetworkIo, Stats};
pub use self::engine_status::{EngineState, EngineStatus};
pub use self::logs_stream::{Level, LogLine, LogMarker, LogsStream, Marker, Source};
pub use self::notification::{Action, Notification, Severity};
pub use self::presence::{Presence, PresenceState};
pub use self::progress::{ProgressItem, ProgressStatus};
pub use self::query_result::{QueryError, QueryField, QueryResult};
pub use self::room_status::{RoomState, RoomStatus};
pub use self::service_status::{Health, HealthState, Port, Replicas, ServiceState, ServiceStatus};
use crate::{EventType, RoomName, Timestamp};

/// The data of an event, with the rules that its type has.
///
/// ```
/// use nself_realtime::{Delivery, Payload, Retention};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Temperature {
///     sensor: String,
///     celsius: f64,
/// }
///
/// impl Payload for Temperature {
///     const TYPE: &'static str = "lab:temperature";
///     const DELIVERY: Delivery = Delivery::Batched;
///     const RETENTION: Retention = Retention::Ring { events: 60, bytes: 16 * 1024 };
///
///     fn key(&self) -> &str {
///         &self.sensor
///     }
/// }
/// ```
pub trait Payload: Serialize + DeserializeOwned + Sized {
    /// The type of the event, in the form of [`EventType`]. Types of an embedding program have a
    /// `:` in it.
    const TYPE: &'static str;

    /// How urgent an event of this type is.
    const DELIVERY: Delivery;

    /// What a room keeps of this type for later readers.
    const RETENTION: Retention;

    /// What this event is about, in the form of [`Name`](crate::Name). Retention counts by it, and readers filter
    /// by it.
    fn key(&self) -> &str;

    /// Whether this event says that its key is gone. Such an event is told to those who resume and
    /// left out of snapshots.
    fn is_removal(&self) -> bool {
        false
    }

    /// Of an event from before its producer began: how many such events follow. A reader that asked for
    /// a shorter tail is spared it.
    fn history(&self) -> Option<u32> {
        None
    }

    /// The same event without its bulk, for when there is no room to keep all of it; `None` if there
    /// is nothing to leave out. Asked for only where [`Retention::Runs`] keeps events.
    fn condensed(&self) -> Option<Self> {
        None
    }

    /// Checks what the types of the fields cannot.
    ///
    /// # Errors
    ///
    /// [`InvalidPayload`] names the field and what is wrong with it.
    fn check(&self) -> Result<(), InvalidPayload> {
        Ok(())
    }
}

/// How urgent an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// It is written at once.
    Immediate,
    /// It may wait for others, 100 ms at most.
    Batched,
    /// It may wait for others as well, and its producer waits for the reader: none is ever missed.
    FlowControlled,
}

/// What a room keeps of a type for readers that come later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retention {
    /// The latest event of each key.
    Latest,
    /// The newest events of each key.
    Ring {
        /// How many events.
        events: usize,
        /// How many bytes as JSON together.
        bytes: usize,
    },
    /// All events of the keys that changed last, as many as there is room for: a late reader sees a
    /// run from its start. Where room is short, the oldest are kept [condensed](Payload::condensed),
    /// then the oldest runs go.
    Runs {
        /// How many keys.
        keys: usize,
        /// How many bytes as JSON all of them together.
        bytes: usize,
    },
    /// The latest event of each of the keys that changed last.
    Newest {
        /// How many keys.
        keys: usize,
    },
    /// All events, until the reader has said that it is done with them.
    UntilAcknowledged,
}

/// A payload that breaks a rule of its type. It reached nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{event_type}: {violations}")]
pub struct InvalidPayload {
    event_type: &'static str,
    violations: String,
}

impl InvalidPayload {
    /// An error for a payload of type `P`: `violations` names the fields and the rules.
    pub fn new<P: Payload>(violations: impl Into<String>) -> Self {
        Self { event_type: P::TYPE, violations: violations.into() }
    }

    fn by_rules<P: Payload + garde::Validate<Context = ()>>(payload: &P) -> Result<(), Self> {
        payload.validate_with(&()).map_err(|report| {
            let lines: Vec<String> = report
                .iter()
                .map(|(path, error)| format!("{}: {error}", on_the_wire(path)))
                .collect();
            Self::new::<P>(lines.join("; "))
        })
    }
}

/// A path through Rust's fields as it stands on the wire: in camel case, and without the place in a
/// variant that wraps another type.
fn on_the_wire(path: &impl ToString) -> String {
    let path = path.to_string();
    let mut wire = String::with_capacity(path.len());
    let mut capital = false;
    for letter in path.strip_prefix("[0].").unwrap_or(&path).chars() {
        match letter {
            '_' => capital = true,
            _ if std::mem::take(&mut capital) => wire.push(letter.to_ascii_uppercase()),
            _ => wire.push(letter),
        }
    }
    wire
}

/// A percentage, or anything else that is counted from 0 and measured.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that garde asks for")]
fn percent(value: &f64, (): &()) -> garde::Result {
    if value.is_finite() && *value >= 0.0 {
        return Ok(());
    }
    Err(garde::Error::new("must be a number from 0 up"))
}

/// A typed event as a reader gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<P> {
    /// The room that it was published in.
    pub room: RoomName,
    /// Its position in the room, from 1, within one epoch.
    pub seq: u64,
    /// When it was published.
    pub timestamp: Timestamp,
    /// What it says.
    pub data: P,
}

/// An event of any type, its data unread: it carries types that this program does not know through
/// unharmed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RawEvent {
    /// The type of the event.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// The room; absent inside a batch and a snapshot, which name it once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomName>,
    /// Its position in the room, from 1, within one epoch.
    pub seq: u64,
    /// When it was published.
    pub timestamp: Timestamp,
    /// The data as it stood on the wire.
    pub data: Box<RawValue>,
}

impl RawEvent {
    /// What it is about, if its type is one of those that this crate brings.
    pub(crate) fn key(&self) -> Option<String> {
        self.key_as::<ServiceStatus>()
            .or_else(|| self.key_as::<LogsStream>())
            .or_else(|| self.key_as::<DockerStats>())
            .or_else(|| self.key_as::<BuildProgress>())
            .or_else(|| self.key_as::<DeployProgress>())
            .or_else(|| self.key_as::<QueryResult>())
            .or_else(|| self.key_as::<Notification>())
            .or_else(|| self.key_as::<EngineStatus>())
            .or_else(|| self.key_as::<RoomStatus>())
            .or_else(|| self.key_as::<Presence>())
    }

    fn key_as<P: Payload>(&self) -> Option<String> {
        self.data::<P>()?.ok().map(|payload| payload.key().to_owned())
    }

    /// Reads the data as `P`; `None` if the event is of another type.
    ///
    /// # Errors
    ///
    /// The data is not what `P` is made of.
    pub fn data<P: Payload>(&self) -> Option<Result<P, serde_json::Error>> {
        (self.event_type.as_str() == P::TYPE).then(|| serde_json::from_str(self.data.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_type_goes_through_unharmed() {
        let text = r#"{"type":"later:thing","seq":7,"timestamp":"2026-01-31T12:00:00.123Z","data":{"b":1,"a":[1.50]}}"#;
        let event: RawEvent = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&event).unwrap(), text);
        assert!(event.data::<ServiceStatus>().is_none());
    }
}
