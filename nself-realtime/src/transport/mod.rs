//! What carries frames.

#[cfg(feature = "websocket")]
pub mod websocket;
