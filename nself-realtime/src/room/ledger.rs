//! The key of each of a room's last million events, two bytes an event: what a reader missed can be
//! counted exactly without remembering anything per reader.

use std::collections::VecDeque;

use super::keys::KeyId;

/// How far back the ledger reaches, in events.
pub(super) const REACH: usize = 1_048_576;

#[derive(Debug, Default)]
pub(super) struct Ledger {
    keys: VecDeque<KeyId>,
    // The position of the first entry, less one.
    before: u64,
}

impl Ledger {
    /// One that begins after that position.
    pub(super) fn after(seq: u64) -> Self {
        Self { keys: VecDeque::new(), before: seq }
    }

    /// Writes the next event down. What falls off the other end is given back.
    pub(super) fn push(&mut self, key: KeyId, reach: usize) -> Option<KeyId> {
        let dropped = if self.keys.len() >= reach { self.pop() } else { None };
        self.keys.push_back(key);
        dropped
    }

    /// Forgets the oldest entry.
    pub(super) fn pop(&mut self) -> Option<KeyId> {
        let oldest = self.keys.pop_front();
        self.before += u64::from(oldest.is_some());
        oldest
    }

    /// Whether all that came after `seq` is still written down.
    pub(super) fn reaches(&self, seq: u64) -> bool {
        seq >= self.before
    }

    /// The entries after `from` and before `to`, with their positions.
    pub(super) fn between(&self, from: u64, to: u64) -> impl Iterator<Item = (u64, KeyId)> + '_ {
        let first = from.max(self.before);
        let skip = usize::try_from(first - self.before).unwrap_or(usize::MAX).min(self.keys.len());
        let take = usize::try_from(to.saturating_sub(first + 1)).unwrap_or(usize::MAX);
        (first + 1..).zip(self.keys.range(skip..).copied()).take(take)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_back_what_falls_off_and_knows_how_far_it_reaches() {
        let mut ledger = Ledger::default();
        let keys: Vec<KeyId> = (0..5).map(KeyId::new).collect();
        for key in &keys[..3] {
            assert_eq!(ledger.push(*key, 3), None);
        }
        assert_eq!(ledger.push(keys[3], 3), Some(keys[0]));
        assert!(ledger.reaches(1));
        assert!(!ledger.reaches(0));
        let between: Vec<_> = ledger.between(1, 4).collect();
        assert_eq!(between, [(2, keys[1]), (3, keys[2])]);
        assert_eq!(ledger.between(4, 9).count(), 0);
    }
}
