//! How much a client may say, and how much nonsense.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Messages a second that a client may go on with.
const RATE: u32 = 30;
/// Messages that it may send at once.
const BURST: u32 = 200;
/// How long it may ignore that it is over the limit.
const PATIENCE: Duration = Duration::from_secs(5);
/// That many invalid frames within [`INVALID_WINDOW`] end the connection.
const INVALID_FRAMES: usize = 10;
const INVALID_WINDOW: Duration = Duration::from_secs(10);

/// A token bucket that takes the time as an argument.
#[derive(Debug)]
pub(super) struct RateLimit {
    // In nanoseconds of refill time, so that nothing is lost to rounding.
    used: Duration,
    seen: Instant,
    over_since: Option<Instant>,
}

/// Whether a message is within the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rate {
    Within,
    /// It is not; it may be sent again after this time.
    Over(Duration),
    /// It was not for too long.
    Ignored,
}

impl RateLimit {
    pub(super) fn new(now: Instant) -> Self {
        Self { used: Duration::ZERO, seen: now, over_since: None }
    }

    pub(super) fn message(&mut self, now: Instant) -> Rate {
        let token = Duration::from_secs(1) / RATE;
        self.used = self.used.saturating_sub(now.saturating_duration_since(self.seen));
        self.seen = now;
        let full = token * BURST;
        if self.used + token > full {
            let since = *self.over_since.get_or_insert(now);
            if now.saturating_duration_since(since) >= PATIENCE {
                return Rate::Ignored;
            }
            return Rate::Over((self.used + token).saturating_sub(full));
        }
        self.used += token;
        // Being let through once in a while is not a change of mind: half of the bucket is.
        if self.used < full / 2 {
            self.over_since = None;
        }
        Rate::Within
    }
}

/// Counts frames that are none.
#[derive(Debug, Default)]
pub(super) struct InvalidFrames(VecDeque<Instant>);

impl InvalidFrames {
    /// Notes one, and says whether that is too many.
    pub(super) fn note(&mut self, now: Instant) -> bool {
        self.0.push_back(now);
        while self
            .0
            .front()
            .is_some_and(|first| now.saturating_duration_since(*first) >= INVALID_WINDOW)
        {
            self.0.pop_front();
        }
        self.0.len() >= INVALID_FRAMES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, SystemClock};

    #[test]
    fn a_burst_of_200_passes_and_the_next_one_waits_for_its_token() {
        let start = SystemClock.now();
        let mut limit = RateLimit::new(start);
        for _ in 0..200 {
            assert_eq!(limit.message(start), Rate::Within);
        }
        let Rate::Over(wait) = limit.message(start) else { panic!("let through") };
        assert_eq!(limit.message(start + wait), Rate::Within);
    }

    #[test]
    fn who_ignores_the_limit_for_five_seconds_is_cut_off() {
        let start = SystemClock.now();
        let mut limit = RateLimit::new(start);
        let mut now = start;
        let ended = loop {
            if limit.message(now) == Rate::Ignored {
                break now;
            }
            now += Duration::from_millis(5);
        };
        // 200 tokens at 200 messages/s and 30 back a second last for 1.2 s.
        let after = ended - start;
        assert!(
            (Duration::from_secs(6)..Duration::from_millis(6_500)).contains(&after),
            "{after:?}"
        );
    }

    #[test]
    fn thirty_a_second_pass_for_ever() {
        let start = SystemClock.now();
        let mut limit = RateLimit::new(start);
        for n in 0..10_000 {
            assert_eq!(limit.message(start + Duration::from_secs(1) / RATE * n), Rate::Within);
        }
    }

    #[test]
    fn the_tenth_invalid_frame_within_ten_seconds_is_too_many() {
        let start = SystemClock.now();
        let mut frames = InvalidFrames::default();
        for second in 0..9 {
            assert!(!frames.note(start + Duration::from_secs(second)));
        }
        assert!(!frames.note(start + Duration::from_secs(10)));
        let mut frames = InvalidFrames::default();
        let tenth = (0..10).map(|_| frames.note(start)).collect::<Vec<_>>();
        assert_eq!(tenth.iter().filter(|over| **over).count(), 1);
    }
}
