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

/// The clock of the tokio runtime in which it is asked. In one that is paused a test owns the time;
/// else it goes as that of the operating system.
#[cfg(feature = "server")]
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    begun: tokio::time::Instant,
    start: Timestamp,
}

#[cfg(feature = "server")]
impl TokioClock {
    /// One that shows this time now.
    pub fn starting_at(start: Timestamp) -> Self {
        Self { begun: tokio::time::Instant::now(), start }
    }
}

#[cfg(feature = "server")]
impl Clock for TokioClock {
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn timestamp(&self) -> Timestamp {
        let passed = i128::try_from(self.begun.elapsed().as_nanos()).unwrap_or(i128::MAX);
        let nanos = self.start.unix_nanos().saturating_add(passed);
        // Past the last moment that can be written down it stands still.
        Timestamp::from_unix_nanos(nanos).unwrap_or(self.start)
    }
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
