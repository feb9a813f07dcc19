//! The protocol without I/O: frames in both directions, when to write, when to give up. Bytes and
//! instants go in; frames, actions and the next deadline come out.

pub(crate) mod client;
mod client_frame;
mod codes;
mod heartbeat;
mod limits;
mod object;
mod pacer;
pub(crate) mod server_frame;
mod session;

#[cfg(any(feature = "poll", feature = "sse"))]
pub(crate) use self::client_frame::check_filters;
pub(crate) use self::client_frame::{ClientFrame, FrameError};
#[cfg(feature = "poll")]
pub(crate) use self::client_frame::{MAX_DEPTH, is_deeper_than, parse_at};
pub use self::codes::{CloseCode, ErrorCode};
#[cfg(feature = "poll")]
pub(crate) use self::object::Object;
pub use self::pacer::Pacing;
pub(crate) use self::pacer::{Flush, Pacer, Pending};
pub use self::session::SessionConfig;
pub(crate) use self::session::{Heard, ServerSession};
