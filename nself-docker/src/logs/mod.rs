//! From the frames of an engine's log stream to lines: whole, once each, with their level, and free
//! of what a terminal would obey.

mod ansi;
mod assemble;
mod cold;
mod follower;
mod history;
mod level;
mod marker;
mod memory;
mod position;
mod read;
mod timestamp;

pub(crate) use self::ansi::{clean, without_colours};
pub(crate) use self::cold::last_words;
pub(crate) use self::follower::{Begin, Follower, Phase};
pub use self::history::{History, HistoryQuery};
pub(crate) use self::history::{Origin, read_history};
pub(crate) use self::marker::MarkerOf;
pub(crate) use self::position::LogPosition;
