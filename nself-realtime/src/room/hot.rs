//! The newest events of a room, without a hole: what live readers follow.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::keys::KeyId;

/// An event in a room's log. A clone shares the bytes.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) seq: u64,
    pub(super) key: KeyId,
    pub(super) immediate: bool,
    pub(super) removal: bool,
    /// How many events from before its producer began follow it, if it is one.
    pub(super) history: Option<u32>,
    /// The event as JSON from its timestamp to its end: `"timestamp":"…","data":{…}}`.
    pub(super) body: Bytes,
    /// When it was published, in nanoseconds since 1970.
    pub(super) published: u64,
    /// What stands for it where there is no room to keep all of it.
    pub(super) condensed: Option<Arc<Bytes>>,
}

impl Entry {
    /// The bytes that keeping it costs.
    pub(super) fn cost(&self) -> usize {
        self.body.len() + self.condensed.as_ref().map_or(0, |body| body.len())
    }
}

#[derive(Debug, Default)]
pub(super) struct HotTail {
    entries: VecDeque<Entry>,
    bytes: usize,
}

impl HotTail {
    /// Appends an event; the oldest ones give way. One event always stays.
    pub(super) fn push(&mut self, entry: Entry, max_events: usize, max_bytes: usize) {
        self.bytes += entry.body.len();
        self.entries.push_back(entry);
        while self.entries.len() > 1 && (self.entries.len() > max_events || self.bytes > max_bytes)
        {
            if let Some(oldest) = self.entries.pop_front() {
                self.bytes -= oldest.body.len();
            }
        }
    }

    /// Lets go of the oldest events that were published before that time, up to the first one that cannot be
    /// spared. One event always stays.
    pub(super) fn let_go(&mut self, before: u64, can_be_spared: impl Fn(&Entry) -> bool) {
        while self.entries.len() > 1
            && let Some(oldest) = self.entries.front()
            && oldest.published < before
            && can_be_spared(oldest)
        {
            self.bytes -= oldest.body.len();
            self.entries.pop_front();
        }
    }

    /// The position of the oldest event in it; `None` while it is empty.
    pub(super) fn first(&self) -> Option<u64> {
        self.entries.front().map(|entry| entry.seq)
    }

    /// The events after `seq`, all of them if it is older than the first.
    pub(super) fn after(&self, seq: u64) -> impl Iterator<Item = &Entry> + '_ {
        let skip = self.first().map_or(0, |first| (seq + 1).saturating_sub(first));
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(self.entries.len());
        self.entries.range(skip..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: u64, bytes: usize) -> Entry {
        let body = Bytes::from(vec![b'x'; bytes]);
        Entry {
            seq,
            key: KeyId::new(0),
            immediate: false,
            removal: false,
            history: None,
            body,
            published: 0,
            condensed: None,
        }
    }

    #[test]
    fn the_oldest_gives_way_to_count_and_to_bytes() {
        let mut hot = HotTail::default();
        for seq in 1..=5 {
            hot.push(entry(seq, 10), 4, 1_000);
        }
        assert_eq!(hot.first(), Some(2));
        hot.push(entry(6, 980), 4, 1_000);
        assert_eq!(hot.first(), Some(4));
        hot.push(entry(7, 5_000), 4, 1_000);
        assert_eq!(hot.first(), Some(7));
    }

    #[test]
    fn what_is_old_goes_up_to_the_first_that_cannot_be_spared() {
        let mut hot = HotTail::default();
        for seq in 1..=5 {
            hot.push(Entry { published: seq, ..entry(seq, 10) }, 10, 1_000);
        }
        hot.let_go(3, |_| true);
        assert_eq!((hot.first(), hot.bytes), (Some(3), 30));
        hot.let_go(9, |entry| entry.seq != 4);
        assert_eq!((hot.first(), hot.bytes), (Some(4), 20));
        hot.let_go(9, |_| true);
        assert_eq!((hot.first(), hot.bytes), (Some(5), 10));
    }

    #[test]
    fn after_begins_right_behind_the_position() {
        let mut hot = HotTail::default();
        for seq in 3..=6 {
            hot.push(entry(seq, 1), 10, 1_000);
        }
        let seqs = |from| hot.after(from).map(|e| e.seq).collect::<Vec<_>>();
        assert_eq!(seqs(0), [3, 4, 5, 6]);
        assert_eq!(seqs(4), [5, 6]);
        assert!(seqs(6).is_empty());
        assert!(seqs(60).is_empty());
    }
}
