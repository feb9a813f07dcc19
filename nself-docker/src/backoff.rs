//! Growing delays between attempts. The randomness keeps many clients of one engine from coming back
//! in step.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// Delays that double from the first to the last, each shortened by a random part of up to a half.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    last: Duration,
    next: Duration,
    random: RandomState,
    drawn: u64,
}

impl Backoff {
    /// Delays between these two.
    pub(crate) fn new(first: Duration, last: Duration) -> Self {
        Self { first, last, next: first, random: RandomState::new(), drawn: 0 }
    }

    /// The delay before the next attempt.
    pub(crate) fn next_delay(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(self.last);
        self.drawn += 1;
        let random = self.random.hash_one(self.drawn);
        let part = u32::try_from(random % 1_000).unwrap_or(0);
        whole / 2 + whole / 2_000 * part
    }

    /// Begins anew: the last attempt was a success.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_between_first_and_last() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(15));
        let mut whole = Duration::from_millis(500);
        for _ in 0..8 {
            let delay = backoff.next_delay();
            assert!(delay >= whole / 2 && delay <= whole, "{delay:?} for {whole:?}");
            whole = (whole * 2).min(Duration::from_secs(15));
        }
        backoff.reset();
        assert!(backoff.next_delay() <= Duration::from_millis(500));
    }
}
