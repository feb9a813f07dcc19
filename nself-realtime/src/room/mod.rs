//! A room as plain data: an ordered log, what is kept of it, and the reading of it from a cursor.
//!
//! # Falling behind
//!
//! A reader's position is a number; nothing waits for it. One that follows closely reads the *hot
//! tail*, the newest few thousand events. One that fell behind it reads what is *kept* (the latest
//! event or a ring per key) up to where the hot tail begins. The *ledger* remembers the key of every
//! event for a million events back, so what such a reader missed is counted exactly and told in one
//! gap. A reader that is further behind than the ledger is told `reset` and begins anew.

mod filter;
mod flow;
mod frame;
mod hot;
mod keys;
mod ledger;
mod log;
#[cfg(test)]
mod oracle;
mod presence;
mod read;
mod snapshot;

pub use self::filter::Filter;
pub(crate) use self::filter::FilterId;
pub(crate) use self::filter::{MAX_FILTERS, MAX_KEYS, MAX_TAIL};
pub(crate) use self::flow::{Flow, Headway};
pub(crate) use self::frame::{EventsFrame, Gap};
pub(crate) use self::log::{Limits, RoomLog};
pub(crate) use self::presence::PresenceBook;
pub(crate) use self::read::{Position, Space};
pub(crate) use self::snapshot::SnapshotPosition;
