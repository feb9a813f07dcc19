//! The session against a server that is played by hand, under a clock that jumps to the next deadline.

mod connection;
mod play;
mod polling;
mod rooms;
