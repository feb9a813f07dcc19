//! From the frames of an engine's log stream to lines: whole, once each, with their level, and free
//! of what a terminal would obey.

mod ansi;
mod assemble;
mod cold;
mod follower;
mod level;
mod memory;
mod position;
mod timestamp;

pub(crate) use self::cold::last_words;
pub(crate) use self::follower::{Begin, Follower, Phase};
pub(crate) use self::position::LogPosition;
