//! How long things of one kind took, in few numbers.

use std::time::Duration;

/// How long things took that have ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Durations {
    /// The longest time of each bucket, rising. Longer ones are in a last bucket that has no bound.
    pub bounds: &'static [Duration],
    /// How many there are in each bucket, and not in the ones before: one number more than there are bounds.
    pub counts: Vec<u64>,
    /// All times together.
    pub sum: Duration,
}

impl Durations {
    pub(crate) fn new(bounds: &'static [Duration]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: Duration::ZERO }
    }

    pub(crate) fn add(&mut self, took: Duration) {
        let bucket = self.bounds.partition_point(|bound| *bound < took);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.sum = self.sum.saturating_add(took);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_first_bucket_that_reaches_it() {
        static BOUNDS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];
        let mut durations = Durations::new(&BOUNDS);
        for millis in [0, 1_000, 1_001, 2_000, 2_001] {
            durations.add(Duration::from_millis(millis));
        }
        assert_eq!(durations.counts, [2, 2, 1]);
        assert_eq!((durations.count(), durations.sum), (5, Duration::from_millis(6_002)));
    }
}
