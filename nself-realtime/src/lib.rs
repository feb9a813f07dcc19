//! Typed real-time events with recovery.
//!
//! **A room is an ordered log, a subscriber is a cursor in it.** Live delivery, catching up after a
//! reconnect, a late joiner, a slow reader and a polling client are one act: reading the log from a
//! cursor. Nothing is lost in silence: what is missing is counted in a gap.

pub mod clock;
mod cursor;
pub mod event;
mod hub;
mod name;
mod proto;
mod room;
#[cfg(feature = "server")]
mod server;
mod timestamp;
#[cfg(feature = "server")]
pub mod transport;

pub use self::cursor::{Cursor, Epoch, MAX_SEQ, ParseCursorError};
pub use self::event::{Delivery, Event, InvalidPayload, Payload, RawEvent, Retention};
pub use self::hub::{
    Demand, EmitError, Emitter, Hub, MAX_EVENT_BYTES, Peer, Randomness, SystemRandomness, Transmit,
};
pub use self::name::{EventType, Name, NameError, RoomName};
pub use self::proto::{CloseCode, ErrorCode, Pacing, SessionConfig};
pub use self::room::Filter;
#[cfg(feature = "server")]
pub use self::server::Server;
pub use self::timestamp::{NanoTimestamp, ParseTimestampError, Timestamp};
