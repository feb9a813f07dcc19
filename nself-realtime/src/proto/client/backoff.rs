//! How long to wait before attempt k: 1, 2, 4, 8, 16, 16, … s, each times a random factor from 0.8 to
//! 1.8, so that the clients that lose one server together do not come back together.

use std::time::Duration;

/// The least factor, in millionths.
const LEAST: u64 = 800_000;
/// How far the factor goes beyond the least, in millionths.
const RANGE: u64 = 1_000_000;

/// Counts attempts, without end.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    attempt: u32,
}

impl Backoff {
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, attempt: 0 }
    }

    /// Takes the delay before the next attempt, of a client with these random bits.
    pub(super) fn next(&mut self, bits: u64) -> Duration {
        let doubled = 2_u32.checked_pow(self.attempt).and_then(|by| self.first.checked_mul(by));
        let base = doubled.unwrap_or(self.longest).min(self.longest);
        self.attempt = self.attempt.saturating_add(1);
        let millionths = u32::try_from(LEAST + bits % RANGE).unwrap_or(u32::MAX);
        base.saturating_mul(millionths) / 1_000_000
    }

    /// Begins again with the shortest delay.
    pub(super) fn reset(&mut self) {
        self.attempt = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(bits: u64, count: usize) -> Vec<u128> {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(16));
        (0..count).map(|_| backoff.next(bits).as_millis()).collect()
    }

    #[test]
    fn delays_double_up_to_16_s_and_never_end() {
        assert_eq!(delays(200_000, 6), [1_000, 2_000, 4_000, 8_000, 16_000, 16_000]);
        assert_eq!(delays(200_000, 200).last(), Some(&16_000));
    }

    #[test]
    fn the_factor_lies_between_0_8_and_1_8() {
        assert_eq!(delays(0, 1), [800]);
        assert_eq!(delays(999_999, 1), [1_799]);
        assert_eq!(delays(u64::MAX, 1), delays(u64::MAX % 1_000_000, 1));
    }

    #[test]
    fn a_reset_begins_with_the_shortest_delay() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(16));
        backoff.next(0);
        backoff.next(0);
        backoff.reset();
        assert_eq!(backoff.next(200_000), Duration::from_secs(1));
    }
}
