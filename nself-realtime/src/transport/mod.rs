//! What carries frames.

mod memory;
pub use self::memory::MemoryConnection;

#[cfg(feature = "websocket")]
pub mod websocket;
