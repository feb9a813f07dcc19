//! The client's side of the protocol without I/O: when to connect, what to ask for, from where to go
//! on, what to tell. The page's `lib/` is its twin, file by file.

mod backoff;
mod config;
mod delivery;
mod frames;
mod out;
mod poller;
mod room_reader;
mod session;
mod subscriptions;
mod timers;
mod wishes;

#[cfg(test)]
mod tests;

pub use self::config::ClientConfig;
pub use self::delivery::{
    ConnectionState, Delivery, Expiring, Gap, GapCause, Missed, ServerError, SessionEvent,
    SessionKey, Welcome,
};
pub use self::out::{Action, Answer};
pub use self::session::ClientSession;
