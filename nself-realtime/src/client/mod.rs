//! Reading rooms of a server elsewhere.
//!
//! [`ClientSession`] is the machine: it performs no I/O, reads no clock and needs no feature. With the
//! feature `client` there is `Client`, which drives one over WebSocket and polls, on tokio:
//!
//! ```no_run
//! # #[cfg(feature = "client")]
//! # async fn watch() -> Result<(), Box<dyn std::error::Error>> {
//! use futures::StreamExt;
//! use nself_realtime::client::{Client, LogEntry};
//! use nself_realtime::{Name, RoomName};
//!
//! let client = Client::builder("ws://127.0.0.1:3021/api/ws").connect()?;
//! let shop = RoomName::new("shop")?;
//! let mut services = client.service_status(&shop);
//! let mut lines = client.logs(&shop, &Name::new("web")?);
//! while let Some(entry) = lines.next().await {
//!     if let LogEntry::Line(line) = entry? {
//!         println!("{}", line.line);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Coming back
//!
//! A client that loses its server comes back, for ever: after 1, 2, 4, 8, 16, 16, … s × a random factor
//! from 0.8 to 1.8. It reads on from where it stood, so that of what the server kept nothing is lost and
//! nothing comes twice. After 5 s it polls, too, where polls get through. It stops when the server says
//! that coming back is of no use ([`ConnectionState::Closed`]), or that the sign-in has ended
//! ([`ConnectionState::SignedOut`]).
//!
//! What the server did not keep is told: a [`Delivery::Gap`] counts it, and a [`Delivery::Snapshot`]
//! with `reset` says that the log was another one. The lines of a service's log that lie between such a
//! log and the one before are read from the server's history, if it has one: see `Logs`.
//!
//! # Falling behind
//!
//! Watches (`status`, `service_status`, `docker_stats`, `build_progress`, `latest`) hold the newest value.
//! Who does not look misses values in between, and holds nothing up.
//!
//! Streams (`logs`, `events`, `raw_events`) lose nothing that is not counted. Each holds 9 deliveries
//! that were not read. While one of them is full **the whole client takes nothing in**: the socket fills,
//! the server keeps what it keeps anyway, and memory stays as it is, on both sides. If that takes longer
//! than the server waits for a sign of life (40 s), it ends the connection; once the stream is read
//! again the client comes back and goes on from its cursor, and is told by a gap what is no longer kept.
//! So a stream is to be read or dropped; one that may stall for long is given a client of its own.

#[cfg(feature = "client")]
mod address;
#[cfg(feature = "client")]
mod build_watch;
#[cfg(feature = "client")]
mod builder;
#[cfg(feature = "client")]
mod connect;
#[cfg(feature = "client")]
mod driver;
#[cfg(feature = "client")]
mod endpoint;
#[cfg(feature = "client")]
mod events;
#[cfg(feature = "client")]
mod feed;
#[cfg(feature = "client")]
mod handle;
#[cfg(feature = "client")]
mod history;
#[cfg(feature = "client")]
mod log_memory;
#[cfg(feature = "client")]
mod logs;
#[cfg(feature = "client")]
mod scope;
#[cfg(feature = "client")]
mod shared;
#[cfg(feature = "client-tls")]
mod tls;
#[cfg(feature = "client")]
mod views;
#[cfg(feature = "client")]
mod watch;

#[cfg(feature = "client")]
pub use self::build_watch::BuildWatch;
#[cfg(feature = "client")]
pub use self::builder::{BuildError, ClientBuilder};
#[cfg(feature = "client")]
pub use self::events::{Events, RawEvents};
#[cfg(feature = "client")]
pub use self::handle::{Client, ClientError, ReadError};
#[cfg(feature = "client")]
pub use self::logs::{LogEntry, Logs};
#[cfg(feature = "client")]
use self::views::View;
#[cfg(feature = "client")]
pub use self::views::{Builds, Latest, Standing, StatsHistory};
#[cfg(feature = "client")]
pub use self::watch::Watch;
pub use crate::proto::client::{
    Action, Answer, ClientConfig, ClientSession, ConnectionState, Delivery, Expiring, Gap,
    GapCause, Missed, ServerError, SessionEvent, SessionKey, Welcome,
};
