//! Typed real-time events with recovery.
//!
//! **A room is an ordered log, a subscriber is a cursor in it.** Live delivery, catching up after a
//! reconnect, a late joiner, a slow reader and a polling client are one act: reading the log from a
//! cursor. Nothing is lost in silence: what is missing is counted in a gap.
//!
//! ```
//! # #[cfg(feature = "server")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use futures::StreamExt;
//! use nself_realtime::event::{ServiceState, ServiceStatus};
//! use nself_realtime::{Hub, Name, RoomName, Server, SessionConfig};
//!
//! let hub = Hub::new();
//! let shop = hub.open_room(&RoomName::new("shop")?);
//! shop.service_status(&ServiceStatus::new(Name::new("web")?, ServiceState::Running))?;
//!
//! let mut reader = Server::new(hub, SessionConfig::default()).connect();
//! reader.send(r#"{"type":"subscribe","room":"shop"}"#).await;
//! let types = ["welcome", "subscribed", "snapshot", "ready"];
//! for expected in types {
//!     let frame: serde_json::Value = serde_json::from_slice(&reader.next().await.unwrap())?;
//!     assert_eq!(frame["type"], expected);
//! }
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "server"))]
//! # fn main() {}
//! ```
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `websocket` | yes | `Server::serve_websocket` over tokio-tungstenite |
//! | `poll` | yes | `Server::poll`: long polling, bytes in and out |
//! | `sse` | yes | `Server::events`: server-sent events, a stream of bytes |
//! | `server` | yes, with each of these | `Server`, connections within a program; needs tokio |
//! | `client` | no | [`client::Client`](client), over WebSocket and polls; needs tokio |
//! | `client-tls` | no | the same over `wss://`, by rustls on ring |
//! | `schema` | no | `schema`: JSON Schema of the events, from their types |
//!
//! Without features there is no tokio: events, rooms, the [`Hub`] and [`Peer`], a connection without
//! I/O, and [`client::ClientSession`], the other end of it.

#![cfg_attr(
    not(feature = "server"),
    expect(dead_code, reason = "what only a server drives: streams, polls")
)]

pub mod auth;
pub mod broker;
pub mod client;
pub mod clock;
mod cursor;
pub mod event;
mod hub;
mod name;
mod proto;
mod room;
#[cfg(feature = "schema")]
pub mod schema;
#[cfg(feature = "server")]
mod server;
mod signal;
pub mod stats;
mod timestamp;
#[cfg(feature = "server")]
pub mod transport;

pub use self::cursor::{Cursor, Epoch, MAX_SEQ, ParseCursorError};
pub use self::event::{Delivery, Event, InvalidPayload, Payload, RawEvent, Retention};
pub use self::hub::{
    Demand, EmitError, Emitter, Hub, HubBuilder, MAX_EVENT_BYTES, Peer, PresenceChanges,
    Randomness, SystemRandomness, Transmit,
};
pub use self::name::{EventType, Name, NameError, RoomName};
pub use self::proto::{CloseCode, ErrorCode, Pacing, SessionConfig};
pub use self::room::Filter;
#[cfg(feature = "server")]
pub use self::server::{FlowStream, Server, StreamError};
pub use self::timestamp::{NanoTimestamp, ParseTimestampError, Timestamp};
