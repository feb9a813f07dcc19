//! Tells a quiet connection from a dead one.

use std::time::{Duration, Instant};

/// Sends a heartbeat after a time without another frame, and waits for any answer to it.
#[derive(Debug)]
pub(super) struct Heartbeat {
    every: Duration,
    timeout: Duration,
    last_sent: Instant,
    // Since when a heartbeat is unanswered.
    unanswered: Option<Instant>,
}

/// What a heartbeat asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    Nothing,
    Send,
    /// The other side is gone.
    Dead,
}

impl Heartbeat {
    pub(super) fn new(now: Instant, every: Duration, timeout: Duration) -> Self {
        Self { every, timeout, last_sent: now, unanswered: None }
    }

    pub(super) fn heard(&mut self) {
        self.unanswered = None;
    }

    pub(super) fn sent(&mut self, now: Instant) {
        self.last_sent = now;
    }

    #[must_use]
    pub(super) fn beat(&mut self, now: Instant) -> Beat {
        if self.unanswered.is_some_and(|since| now >= since + self.timeout) {
            return Beat::Dead;
        }
        if self.unanswered.is_none() && now >= self.last_sent + self.every {
            self.unanswered = Some(now);
            self.last_sent = now;
            return Beat::Send;
        }
        Beat::Nothing
    }

    pub(super) fn deadline(&self) -> Instant {
        match self.unanswered {
            Some(since) => since + self.timeout,
            None => self.last_sent + self.every,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, SystemClock};

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn a_quiet_connection_gets_one_heartbeat_and_dies_ten_seconds_later() {
        let start = SystemClock.now();
        let mut heartbeat = Heartbeat::new(start, 30 * S, 10 * S);
        assert_eq!(heartbeat.beat(start + 29 * S), Beat::Nothing);
        assert_eq!(heartbeat.deadline(), start + 30 * S);
        assert_eq!(heartbeat.beat(start + 30 * S), Beat::Send);
        assert_eq!(heartbeat.beat(start + 39 * S), Beat::Nothing);
        assert_eq!(heartbeat.beat(start + 40 * S), Beat::Dead);
    }

    #[test]
    fn any_answer_counts_and_any_frame_puts_the_next_heartbeat_off() {
        let start = SystemClock.now();
        let mut heartbeat = Heartbeat::new(start, 30 * S, 10 * S);
        assert_eq!(heartbeat.beat(start + 30 * S), Beat::Send);
        heartbeat.heard();
        heartbeat.sent(start + 35 * S);
        assert_eq!(heartbeat.beat(start + 64 * S), Beat::Nothing);
        assert_eq!(heartbeat.beat(start + 65 * S), Beat::Send);
    }
}
