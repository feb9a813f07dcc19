//! The one place where time comes from. Everything below the servers takes time as an argument or
//! asks a [`Clock`], so a test can own it.

use std::time::Instant;

use crate::Timestamp;

/// Tells the monotonic and the calendar time.
pub trait Clock: Send + Sync + 'static {
    /// A monotonic instant, for deadlines.
    fn now(&self) -> Instant;

    /// The calendar time, for what people read.
    fn timestamp(&self) -> Timestamp;
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that the rule points to")]
    fn now(&self) -> Instant {
        Instant::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock that the rule points to")]
    fn timestamp(&self) -> Timestamp {
        Timestamp::from(jiff::Timestamp::now())
    }
}
