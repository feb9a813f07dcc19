//! What is kept, read in parts. Publishing goes on in between: what a part found and a later one no
//! longer does is counted, so a snapshot has no hole that is not told.

use std::collections::HashMap;

use super::filter::FilterId;
use super::frame::{self, EventsFrame, Gap};
use super::keys::{KeyId, Slot};
use super::log::RoomLog;
use super::read::{Losses, Merge, Picked, Space};
use crate::proto::server_frame::Loss;

/// Where the reading of what is kept stands.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotPosition {
    /// Everything up to here was taken.
    pub(crate) seq: u64,
    /// Nothing after this belongs to the snapshot.
    pub(crate) target: u64,
    // From where each key's part of the snapshot goes on; known once the first part was taken.
    floors: Option<HashMap<KeyId, u64>>,
}

/// A part of what is kept.
#[derive(Debug, Default)]
pub(crate) struct SnapshotPart {
    /// What an earlier part found, and is gone now: to be told before the events.
    pub(crate) gap: Option<Gap>,
    /// The events; `None` when there is nothing more.
    pub(crate) frame: Option<EventsFrame>,
}

impl SnapshotPosition {
    /// Before the first part of what is kept of everything up to `target`.
    pub(crate) fn before(target: u64) -> Self {
        Self { seq: 0, target, floors: None }
    }

    /// Whether there is more.
    pub(crate) fn is_at_its_end(&self) -> bool {
        self.seq >= self.target
    }
}

impl RoomLog {
    /// Keeps nothing more of a key.
    pub(crate) fn forget(&mut self, event_type: &str, key: &str) {
        self.keys.forget(event_type, key);
    }

    /// Takes the next part of what is kept: the latest event of each key, the tail of each ring,
    /// without removals. `None`: the position is out of the ledger's reach.
    pub(crate) fn take_snapshot(
        &mut self,
        filter: FilterId,
        position: &mut SnapshotPosition,
        id: Option<u64>,
        space: Space,
    ) -> Option<SnapshotPart> {
        if position.floors.is_some() && !self.ledger.reaches(position.seq) {
            return None;
        }
        let gap = self.snapshot_losses(filter, position);
        let Some(mut matcher) = self.filters.matcher(filter, &self.keys) else {
            return Some(SnapshotPart::default());
        };
        let (from, target) = (position.seq, position.target);
        let mut floors = HashMap::new();
        let mut merge = Merge::default();
        for (key, slot) in self.keys.holding() {
            let Some(tail) = matcher.tail(key) else { continue };
            let kept = slot.kept();
            let floor = if let Some(floors) = &position.floors {
                floors.get(&key).copied()
            } else {
                let end = kept.partition_point(|entry| entry.seq <= target);
                let tail = if slot.is_ring() { usize::try_from(tail).unwrap_or(end) } else { end };
                let mut tail = kept.range(end.saturating_sub(tail)..end);
                tail.find(|entry| !entry.removal).map(|entry| entry.seq)
            };
            let Some(floor) = floor else { continue };
            floors.insert(key, floor);
            merge.add(key, slot, kept.partition_point(|entry| entry.seq < floor.max(from + 1)));
        }
        let mut picked = Picked::new(from, space);
        merge.run(&self.keys, |entry| {
            if entry.seq > target {
                return false;
            }
            entry.removal || picked.push(entry)
        });
        position.seq = picked.up_to(target);
        if position.floors.is_none() && !position.is_at_its_end() {
            position.floors = Some(floors);
        }
        let frame = (!picked.entries.is_empty())
            .then(|| frame::snapshot(&self.name, id, &self.keys, &picked.entries));
        Some(SnapshotPart { gap, frame })
    }

    /// Counts what the first part found and is gone now, and was not counted yet.
    fn snapshot_losses(
        &mut self,
        filter: FilterId,
        position: &mut SnapshotPosition,
    ) -> Option<Gap> {
        let SnapshotPosition { seq: from, target, floors } = position;
        let floors = floors.as_mut()?;
        let next = |floor: u64| floor.max(*from + 1);
        let may_miss = |(key, floor): (&KeyId, &u64)| {
            let lost = |slot: &Slot| slot.has_lost(next(*floor)) || slot.kept().is_empty();
            next(*floor) <= *target && self.keys.slot(*key).is_none_or(lost)
        };
        if !floors.iter().any(may_miss) {
            return None;
        }
        let mut matcher = self.filters.matcher(filter, &self.keys)?;
        let mut losses = Losses::default();
        for (seq, key) in self.ledger.between(*from, *target + 1) {
            let Some(floor) = floors.get_mut(&key).filter(|floor| seq >= **floor) else { continue };
            if matcher.matches(key) && self.keys.slot(key).is_some_and(|slot| slot.has_lost(seq)) {
                losses.add(seq, key);
                *floor = seq + 1;
            }
        }
        losses.into_gap(self, Loss::Slow)
    }
}
