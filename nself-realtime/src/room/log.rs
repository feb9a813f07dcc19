//! The ordered log of one room. Positions are given out here and nowhere else, one by one, so what
//! stands in the log is what every reader gets.

use std::sync::Arc;

use bytes::Bytes;

use super::filter::{Filter, FilterId, Filters};
use super::frame::FrameCache;
use super::hot::{Entry, HotTail};
use super::keys::{KeepLimits, Keys, TypeRule};
use super::ledger::{self, Ledger};
use crate::event::Delivery;
use crate::{Cursor, Epoch, NameError, RoomName};

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

/// An event that has no position yet.
#[derive(Debug, Clone)]
pub(crate) struct Draft<'a> {
    pub(crate) rule: TypeRule,
    pub(crate) key: &'a str,
    pub(crate) removal: bool,
    /// `"timestamp":"…","data":{…}}`
    pub(crate) body: Bytes,
    /// The same without the payload's bulk.
    pub(crate) condensed: Option<Bytes>,
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

    /// Gives the event the next position.
    pub(crate) fn append(&mut self, draft: Draft<'_>) -> Result<u64, NameError> {
        let key = loop {
            if let Some(key) = self.keys.find_or_add(draft.rule, draft.key)? {
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
            immediate: draft.rule.delivery == Delivery::Immediate,
            removal: draft.removal,
            body: draft.body,
            condensed: draft.condensed.map(Arc::new),
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
