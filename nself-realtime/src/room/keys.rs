//! What a room keeps for later readers, key by key: the latest event, or a ring of the newest.
//!
//! A key's slot lives as long as anything of it is kept or the ledger names it, so an entry of the
//! ledger always means the key that it was written for.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use super::hot::Entry;
use crate::event::Retention;
use crate::{EventType, Name, NameError};

/// Stands for a (type, key) pair in one room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct KeyId(u16);

impl KeyId {
    #[cfg(test)]
    pub(super) fn new(id: u16) -> Self {
        Self(id)
    }

    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }
}

#[derive(Debug)]
struct TypeKeys {
    name: EventType,
    retention: Retention,
    keys: HashMap<Name, KeyId>,
    bytes: usize,
}

/// A key and what is kept of it.
#[derive(Debug)]
pub(super) struct Slot {
    // Which of the keys that had this slot one after another; from 1, 0 while free.
    life: u32,
    type_index: usize,
    event_type: EventType,
    key: Option<Name>,
    retention: Retention,
    last_seq: u64,
    in_ledger: usize,
    kept: VecDeque<Entry>,
    bytes: usize,
}

impl Slot {
    pub(super) fn life(&self) -> u32 {
        self.life
    }

    pub(super) fn event_type(&self) -> &str {
        self.event_type.as_str()
    }

    pub(super) fn key(&self) -> &str {
        self.key.as_ref().map_or("", Name::as_str)
    }

    /// Whether a later event of this key stands for the earlier ones.
    pub(super) fn supersedes(&self) -> bool {
        matches!(self.retention, Retention::Latest | Retention::Newest { .. })
    }

    /// Whether readers choose how much of it they get.
    pub(super) fn is_ring(&self) -> bool {
        matches!(self.retention, Retention::Ring { .. })
    }

    /// Whether that event of this key, which was published, is neither kept nor superseded.
    pub(super) fn has_lost(&self, seq: u64) -> bool {
        if self.supersedes() {
            // Its last event is missing if it is not kept; the others stand for that one.
            seq == self.last_seq && self.kept.is_empty()
        } else {
            self.kept.front().is_none_or(|oldest| seq < oldest.seq)
        }
    }

    /// The kept events, oldest first.
    pub(super) fn kept(&self) -> &VecDeque<Entry> {
        &self.kept
    }
}

/// The keys of a room.
#[derive(Debug, Default)]
pub(super) struct Keys {
    types: Vec<TypeKeys>,
    slots: Vec<Slot>,
    free: Vec<KeyId>,
    // Slots of which something is kept.
    holding: usize,
    bytes: usize,
    // Removals in the order in which they came: they are the first to go.
    removals: VecDeque<(KeyId, u64)>,
}

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeepLimits {
    pub(super) keys: usize,
    pub(super) removals: usize,
    pub(super) bytes: usize,
    pub(super) type_bytes: usize,
}

/// What gives way at once where a budget is exceeded, so that looking for the largest key is rare.
const EVICTION_BYTES: usize = 64 * 1024;

impl Keys {
    pub(super) fn slot(&self, id: KeyId) -> Option<&Slot> {
        self.slots.get(id.index())
    }

    /// All slots that keep something.
    pub(super) fn holding(&self) -> impl Iterator<Item = (KeyId, &Slot)> {
        (0..=u16::MAX).map(KeyId).zip(&self.slots).filter(|(_, slot)| !slot.kept.is_empty())
    }

    /// The bytes of all that is kept.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Lets the largest keys give way until that much is kept at most.
    pub(super) fn give_way_to(&mut self, bytes: usize) {
        while self.bytes > bytes {
            self.evict_from_largest(None);
        }
    }

    /// The slot of that key, `Ok(None)` if there is none and no number is free for one.
    pub(super) fn find_or_add(
        &mut self,
        event_type: &str,
        retention: Retention,
        key: &str,
    ) -> Result<Option<KeyId>, NameError> {
        let known = self.types.iter().position(|of_type| of_type.name.as_str() == event_type);
        let type_index = known.unwrap_or(self.types.len());
        if known.is_none() {
            let name = EventType::new(event_type)?;
            self.types.push(TypeKeys { name, retention, keys: HashMap::new(), bytes: 0 });
        }
        let Some(of_type) = self.types.get_mut(type_index) else { return Ok(None) };
        if let Some(id) = of_type.keys.get(key) {
            return Ok(Some(*id));
        }
        let key = Name::new(key)?;
        let id = match self.free.pop() {
            Some(id) => id,
            None => match u16::try_from(self.slots.len()) {
                Ok(id) => KeyId(id),
                Err(_) => return Ok(None),
            },
        };
        of_type.keys.insert(key.clone(), id);
        let life = self.slots.get(id.index()).map_or(1, |slot| slot.life + 1);
        let slot = Slot {
            life,
            type_index,
            event_type: of_type.name.clone(),
            key: Some(key),
            retention: of_type.retention,
            last_seq: 0,
            in_ledger: 0,
            kept: VecDeque::new(),
            bytes: 0,
        };
        match self.slots.get_mut(id.index()) {
            Some(place) => *place = slot,
            None => self.slots.push(slot),
        }
        Ok(Some(id))
    }

    /// Notes that the ledger names this key once more.
    pub(super) fn written_down(&mut self, id: KeyId) {
        if let Some(slot) = self.slots.get_mut(id.index()) {
            slot.in_ledger += 1;
        }
    }

    /// Notes that the ledger names this key once less.
    pub(super) fn struck_out(&mut self, id: KeyId) {
        if let Some(slot) = self.slots.get_mut(id.index()) {
            slot.in_ledger -= 1;
        }
        self.free_if_unused(id);
    }

    /// Keeps an event as its type says; what gives way for it is dropped.
    pub(super) fn keep(&mut self, entry: Entry, limits: KeepLimits) {
        let (id, seq, removal) = (entry.key, entry.seq, entry.removal);
        let Some(slot) = self.slots.get_mut(id.index()) else { return };
        let (type_index, retention) = (slot.type_index, slot.retention);
        self.holding += usize::from(slot.kept.is_empty());
        let added = entry.cost();
        slot.last_seq = seq;
        slot.kept.push_back(entry);
        slot.bytes += added;
        self.account(type_index, added);

        match retention {
            Retention::Latest | Retention::Newest { .. } => self.shrink(id, 1, usize::MAX),
            Retention::Ring { events, bytes } => self.shrink(id, events, bytes),
            Retention::Runs { .. } | Retention::UntilAcknowledged => {}
        }
        if let Retention::Newest { keys } | Retention::Runs { keys, .. } = retention {
            self.keep_newest_keys(type_index, keys);
        }
        if let Retention::Runs { bytes, .. } = retention {
            while self.types.get(type_index).is_some_and(|of| of.bytes > bytes) {
                self.condense_or_forget(type_index);
            }
        }
        if removal {
            self.removals.push_back((id, seq));
            if self.removals.len() > limits.removals {
                self.forget_oldest_removal();
            }
        }
        if self.holding > limits.keys {
            self.forget_stalest_key();
        }
        while self.types.get(type_index).is_some_and(|of| of.bytes > limits.type_bytes) {
            self.evict_from_largest(Some(type_index));
        }
        self.give_way_to(limits.bytes);
    }

    /// Lets go of all that is kept of a key, if anything is.
    pub(super) fn forget(&mut self, event_type: &str, key: &str) {
        let of_type = self.types.iter().find(|of_type| of_type.name.as_str() == event_type);
        if let Some(id) = of_type.and_then(|of_type| of_type.keys.get(key).copied()) {
            self.shrink(id, 0, 0);
        }
    }

    /// Lets go of what its reader has acknowledged.
    pub(super) fn acknowledge(&mut self, seq: u64) {
        let acknowledged: Vec<(KeyId, usize)> = self
            .holding()
            .map(|(id, slot)| {
                (id, slot.kept.partition_point(|entry| entry.seq <= seq), slot.kept.len())
            })
            .filter(|(_, done, _)| *done > 0)
            .map(|(id, done, kept)| (id, kept - done))
            .collect();
        for (id, left) in acknowledged {
            self.shrink(id, left, usize::MAX);
        }
    }

    fn account(&mut self, type_index: usize, added: usize) {
        self.bytes += added;
        if let Some(of_type) = self.types.get_mut(type_index) {
            of_type.bytes += added;
        }
    }

    /// Drops the oldest events of a key until at most that many events and bytes are left; the
    /// newest stays if `events` is not 0.
    fn shrink(&mut self, id: KeyId, events: usize, bytes: usize) {
        let Some(slot) = self.slots.get_mut(id.index()) else { return };
        let mut dropped = 0;
        while slot.kept.len() > events
            || (slot.bytes - dropped > bytes && slot.kept.len() > events.min(1))
        {
            let Some(oldest) = slot.kept.pop_front() else { break };
            dropped += oldest.cost();
        }
        slot.bytes -= dropped;
        let (type_index, emptied) = (slot.type_index, slot.kept.is_empty() && dropped > 0);
        if emptied {
            // The slot may live on in the ledger, and there are many that do.
            slot.kept = VecDeque::new();
        }
        self.bytes -= dropped;
        if let Some(of_type) = self.types.get_mut(type_index) {
            of_type.bytes -= dropped;
        }
        if emptied {
            self.holding -= 1;
            self.free_if_unused(id);
        }
    }

    fn keep_newest_keys(&mut self, type_index: usize, keys: usize) {
        let of_type = |slot: &&Slot| slot.type_index == type_index && !slot.kept.is_empty();
        if self.slots.iter().filter(of_type).count() > keys {
            self.forget_stalest(|slot| of_type(&slot));
        }
    }

    /// Makes room in a type that keeps runs: the oldest event that has bulk loses it; if none has, the
    /// oldest run goes, and of the last one the oldest half.
    fn condense_or_forget(&mut self, type_index: usize) {
        let bulky = |slot: &Slot| slot.kept.iter().position(|entry| entry.condensed.is_some());
        let oldest = (0..=u16::MAX)
            .map(KeyId)
            .zip(&self.slots)
            .filter(|(_, slot)| slot.type_index == type_index)
            .filter_map(|(id, slot)| {
                let index = bulky(slot)?;
                Some((slot.kept.get(index)?.seq, id, index))
            })
            .min();
        if let Some((_, id, index)) = oldest {
            self.condense(id, index);
            return;
        }
        let mut runs =
            self.slots.iter().filter(|s| s.type_index == type_index && !s.kept.is_empty());
        match (runs.next(), runs.next()) {
            (Some(_), Some(_)) => {
                self.forget_stalest(|slot| slot.type_index == type_index && !slot.kept.is_empty());
            }
            _ => self.evict_from_largest(Some(type_index)),
        }
    }

    fn condense(&mut self, id: KeyId, index: usize) {
        let Some(slot) = self.slots.get_mut(id.index()) else { return };
        let Some(entry) = slot.kept.get_mut(index) else { return };
        let before = entry.cost();
        if let Some(condensed) = entry.condensed.take() {
            entry.body = Bytes::clone(&condensed);
        }
        let saved = before.saturating_sub(entry.cost());
        slot.bytes -= saved;
        let type_index = slot.type_index;
        self.bytes -= saved;
        if let Some(of_type) = self.types.get_mut(type_index) {
            of_type.bytes -= saved;
        }
    }

    fn forget_oldest_removal(&mut self) {
        let Some((id, seq)) = self.removals.pop_front() else { return };
        // The key may have come back since.
        if self.slot(id).is_some_and(|slot| slot.last_seq == seq) {
            self.shrink(id, 0, 0);
        }
    }

    fn forget_stalest_key(&mut self) {
        self.forget_stalest(|slot| !slot.kept.is_empty());
    }

    fn forget_stalest(&mut self, of: impl Fn(&Slot) -> bool) {
        let stalest = (0..=u16::MAX)
            .map(KeyId)
            .zip(&self.slots)
            .filter(|(_, slot)| of(slot))
            .min_by_key(|(_, slot)| slot.last_seq)
            .map(|(id, _)| id);
        if let Some(id) = stalest {
            self.shrink(id, 0, 0);
        }
    }

    fn evict_from_largest(&mut self, type_index: Option<usize>) {
        let largest = (0..=u16::MAX)
            .map(KeyId)
            .zip(&self.slots)
            .filter(|(_, slot)| type_index.is_none_or(|index| slot.type_index == index))
            .max_by_key(|(_, slot)| slot.bytes)
            .map(|(id, slot)| (id, slot.bytes, slot.kept.len()));
        if let Some((id, bytes, events)) = largest {
            // The newest event goes only when it is all that the largest key has.
            self.shrink(id, events.saturating_sub(1), bytes.saturating_sub(EVICTION_BYTES));
        }
    }

    fn free_if_unused(&mut self, id: KeyId) {
        let Some(slot) = self.slots.get_mut(id.index()) else { return };
        if slot.in_ledger > 0 || !slot.kept.is_empty() {
            return;
        }
        if let Some(key) = slot.key.take() {
            if let Some(of_type) = self.types.get_mut(slot.type_index) {
                of_type.keys.remove(&key);
            }
            self.free.push(id);
        }
    }
}
