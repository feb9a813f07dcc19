//! Typed real-time events with recovery.
//!
//! **A room is an ordered log, a subscriber is a cursor in it.** Live delivery, catching up after a
//! reconnect, a late joiner, a slow reader and a polling client are one act: reading the log from a
//! cursor. Nothing is lost in silence: what is missing is counted in a gap.

pub mod clock;
pub mod event;
mod name;
mod timestamp;

pub use self::event::{Delivery, Event, InvalidPayload, Payload, RawEvent, Retention};
pub use self::name::{EventType, Name, NameError, RoomName};
pub use self::timestamp::{NanoTimestamp, ParseTimestampError, Timestamp};
