//! What carries events.

mod memory;
pub use self::memory::MemoryConnection;

#[cfg(any(feature = "poll", feature = "sse"))]
mod request;
#[cfg(any(feature = "poll", feature = "sse"))]
pub use self::request::InvalidRequest;
#[cfg(any(feature = "poll", feature = "sse"))]
mod room_error;
#[cfg(any(feature = "poll", feature = "sse"))]
pub use self::room_error::RoomError;

#[cfg(feature = "websocket")]
mod outgoing;
#[cfg(feature = "poll")]
pub mod poll;
#[cfg(feature = "poll")]
mod poll_request;
#[cfg(feature = "sse")]
pub mod sse;
#[cfg(feature = "sse")]
mod sse_message;
#[cfg(feature = "websocket")]
pub mod websocket;
