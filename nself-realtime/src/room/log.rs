//! The ordered log of one room. Positions are given out here and nowhere else, one by one, so what
//! stands in the log is what every reader gets.

use std::sync::Arc;

use super::filter::{Filter, FilterId, Filters};
use super::frame::FrameCache;
use super::hot::{Entry, HotTail};
use super::keys::{KeepLimits, Keys};
use super::ledger::{self, Ledger};
use crate::broker::Record;
use crate::event::Delivery;
use crate::{Cursor, Epoch, NameError, RoomName};

/// So long an event is hot, in nanoseconds, if it is kept or another one stands for it: a quiet room holds what
/// it keeps, and not what it once said. Anything else stays until newer events take its place. Whoever has not
/// read what goes reads what is kept instead, so that clocks that differ among servers cost no event.
const HOT_NANOS: u64 = 60 * 1_000_000_000;

/// What one room may hold. The defaults bound a room to about 9 MiB of events and 2 MiB of ledger,
/// however many readers it has and however slow they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Events in the hot tail. Default 4,096.
    pub(crate) hot_events: usize,
    /// Bytes in the hot tail. Default 1 MiB.
    pub(crate) hot_bytes: usize,
    /// Keys of which something is kept. Default 4,096.
    pub(crate) keys: usize,
    /// Removals that are kept for those who resume. Default 1,000.
    pub(crate) removals: usize,
    /// Bytes kept. Default 8 MiB.
    pub(crate) kept_bytes: usize,
    /// Bytes kept of one type. Default 6 MiB.
    pub(crate) type_bytes: usize,
    /// Events in the ledger. Default 1,048,576.
    pub(crate) ledger: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hot_events: 4_096,
            hot_bytes: 1024 * 1024,
            keys: 4_096,
            removals: 1_000,
            kept_bytes: 8 * 1024 * 1024,
            type_bytes: 6 * 1024 * 1024,
            ledger: ledger::REACH,
        }
    }
}

/// The log of a room.
#[derive(Debug)]
pub(crate) struct RoomLog {
    pub(super) name: RoomName,
    pub(super) head: u64,
    pub(super) hot: HotTail,
    pub(super) keys: Keys,
    pub(super) ledger: Ledger,
    pub(super) filters: Filters,
    pub(super) frames: FrameCache,
    epoch: Epoch,
    limits: Limits,
}

impl RoomLog {
    pub(crate) fn new(name: RoomName, epoch: Epoch, limits: Limits) -> Self {
        Self {
            name,
            head: 0,
            hot: HotTail::default(),
            keys: Keys::default(),
            ledger: Ledger::default(),
            filters: Filters::default(),
            frames: FrameCache::default(),
            epoch,
            limits,
        }
    }

    pub(crate) fn name(&self) -> &RoomName {
        &self.name
    }

    /// The position of the newest event.
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// That position in this life of the log.
    pub(crate) fn cursor(&self, seq: u64) -> Cursor {
        Cursor { epoch: self.epoch, seq }
    }

    /// Whether a reader can go on from there.
    pub(crate) fn continues(&self, cursor: Cursor) -> bool {
        cursor.epoch == self.epoch && cursor.seq <= self.head && self.ledger.reaches(cursor.seq)
    }

    /// Begins another life: everything up to `after` is not in it. Filters stay.
    pub(crate) fn begin(&mut self, epoch: Epoch, after: u64) {
        (self.epoch, self.head) = (epoch, after);
        self.hot = HotTail::default();
        self.keys = Keys::default();
        self.ledger = Ledger::after(after);
        self.frames = FrameCache::default();
        self.filters.forget_keys();
    }

    /// Which life this is.
    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The key of the event at that position.
    #[cfg(test)]
    pub(super) fn key_of(&self, seq: u64) -> String {
        let (_, key) = self.ledger.between(seq - 1, seq + 1).next().unwrap();
        self.keys.slot(key).unwrap().key().to_owned()
    }

    /// The bytes of all that is kept beyond the hot tail.
    pub(crate) fn kept(&self) -> usize {
        self.keys.bytes()
    }

    /// Lets go of that many bytes of it, of the largest keys first.
    pub(crate) fn give_way(&mut self, bytes: usize) {
        self.keys.give_way_to(self.keys.bytes().saturating_sub(bytes));
    }

    /// Lets go of everything up to `seq`: its one reader has it.
    pub(crate) fn acknowledge(&mut self, seq: u64) {
        self.keys.acknowledge(seq);
    }

    /// Gives the event the next position.
    pub(crate) fn append(&mut self, record: Record<'_>) -> Result<u64, NameError> {
        let key = loop {
            if let Some(key) =
                self.keys.find_or_add(record.event_type, record.retention, record.key)?
            {
                break key;
            }
            // Every number is taken by a key that only the ledger still names.
            if let Some(oldest) = self.ledger.pop() {
                self.keys.struck_out(oldest);
            }
        };
        self.head += 1;
        self.keys.written_down(key);
        if let Some(oldest) = self.ledger.push(key, self.limits.ledger) {
            self.keys.struck_out(oldest);
        }
        let entry = Entry {
            seq: self.head,
            key,
            immediate: record.delivery == Delivery::Immediate,
            removal: record.removal,
            history: record.history,
            body: record.body,
            published: record.published,
            condensed: record.condensed.map(Arc::new),
        };
        self.hot.push(entry.clone(), self.limits.hot_events, self.limits.hot_bytes);
        self.keys.keep(
            entry,
            KeepLimits {
                keys: self.limits.keys,
                removals: self.limits.removals,
                bytes: self.limits.kept_bytes,
                type_bytes: self.limits.type_bytes,
            },
        );
        let spare =
            |entry: &Entry| self.keys.slot(entry.key).is_some_and(|slot| !slot.has_lost(entry.seq));
        self.hot.let_go(record.published.saturating_sub(HOT_NANOS), spare);
        Ok(self.head)
    }

    pub(crate) fn add_filters(&mut self, list: Vec<Filter>) -> FilterId {
        self.filters.add(list)
    }

    pub(crate) fn remove_filters(&mut self, id: FilterId) {
        self.filters.remove(id);
        self.frames.forget(id);
    }

    /// Whether any reader wants that.
    pub(crate) fn wants(&self, event_type: &str, key: &str) -> bool {
        self.filters.wants(event_type, key)
    }
}
