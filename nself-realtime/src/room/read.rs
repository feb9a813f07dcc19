//! Reading a room's log from a position: the one function behind live delivery, catching up, a late
//! joiner and a slow reader.
//!
//! Every event after the position that the filters match is either taken, in order, or stands for a
//! later one of its key that is, or is counted by a gap.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::filter::FilterId;
use super::frame::{self, CachedFrame, EventsFrame, Gap};
use super::hot::Entry;
use super::keys::{KeyId, Keys, Slot};
use super::log::RoomLog;
use crate::proto::server_frame::{GapData, Loss, MissedOfKey};

/// How many keys a gap names one by one.
const NAMED_KEYS: usize = 256;

/// Where a reader stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Position {
    /// Everything up to here was taken, counted or not wanted.
    pub(crate) seq: u64,
    // Up to where the losses of each key were already told; empty but while catching up.
    told: HashMap<KeyId, u64>,
    // What was seen waiting, and how far that look reached.
    looked: u64,
    waiting: usize,
    immediate: bool,
}

impl Position {
    pub(crate) fn at(seq: u64) -> Self {
        Self { seq, ..Self::default() }
    }

    #[cfg(test)]
    pub(super) fn has_told_nothing(&self) -> bool {
        self.told.is_empty()
    }

    /// Forgets what was seen waiting: the filters have changed.
    pub(crate) fn look_again(&mut self) {
        (self.looked, self.waiting, self.immediate) = (self.seq, 0, false);
    }

    /// How many events wait, as far as was looked.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether one of them is urgent.
    pub(crate) fn immediate(&self) -> bool {
        self.immediate
    }
}

/// What one reading gave.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// What is missing, to be told before the events.
    pub(crate) gap: Option<Gap>,
    /// The events.
    pub(crate) frame: Option<EventsFrame>,
    /// How many events the frame has.
    pub(crate) events: usize,
    /// Whether the size limit left events behind.
    pub(crate) cut: bool,
}

/// What one reading gave to a reader of whom nothing is remembered.
#[cfg(any(test, feature = "poll"))]
#[derive(Debug)]
pub(crate) struct Page {
    /// What is missing up to where the page ends.
    pub(crate) gap: Option<Gap>,
    /// The events.
    pub(crate) frame: Option<EventsFrame>,
    /// Where the page ends.
    pub(crate) to: u64,
    /// Whether the size limit left events behind.
    pub(crate) cut: bool,
}

/// How much room there is for events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Space {
    /// That many bytes.
    pub(crate) bytes: usize,
    /// That many events.
    pub(crate) events: usize,
    /// Or one event that is larger, alone.
    pub(crate) one_larger: bool,
}

impl RoomLog {
    /// Looks at what waits for a reader, each event once. A reader that wants nothing of what came
    /// is moved past it.
    pub(crate) fn look(&mut self, filter: FilterId, position: &mut Position) {
        let behind = self.is_behind(position.seq);
        let Some(mut matcher) = self.filters.matcher(filter, &self.keys) else { return };
        if behind {
            position.waiting = usize::MAX;
            return;
        }
        for entry in self.hot.after(position.looked.max(position.seq)) {
            if matcher.wants(entry) {
                position.waiting = position.waiting.saturating_add(1);
                position.immediate |= entry.immediate;
            }
        }
        position.looked = self.head;
        if position.waiting == 0 {
            position.seq = self.head;
            position.told = HashMap::new();
        }
    }

    /// Takes the next events, as many as there is room for. `None`: the position is out of the
    /// ledger's reach, what is missing cannot be counted any more.
    pub(crate) fn take(
        &mut self,
        filter: FilterId,
        position: &mut Position,
        space: Space,
    ) -> Option<Taken> {
        if !self.ledger.reaches(position.seq) {
            return None;
        }
        let behind = self.is_behind(position.seq);
        let mut taken = Taken::default();
        if behind {
            taken.gap = self.tell_losses(filter, position, Loss::Slow);
        } else if let Some(made) = self.frames.find(filter, position.seq, space, self.head) {
            taken.frame = Some(made.frame.clone());
            (taken.events, taken.cut) = (made.events, made.cut);
            position.move_to(made.to, self.head);
            return Some(taken);
        }
        let mut picked = Picked::new(position.seq, space);
        if behind {
            self.pick_kept(filter, position.seq, &mut picked);
        }
        if !picked.full {
            self.pick_hot(filter, position.seq, &mut picked);
        }
        let (from, to) = (position.seq, picked.up_to(self.head));
        taken.events = picked.entries.len();
        taken.cut = picked.full;
        position.move_to(to, self.head);
        if !self.is_behind(position.seq) {
            position.told = HashMap::new();
        }
        if taken.events > 0 {
            let frame = frame::events(&self.name, &self.keys, &picked.entries);
            if !behind {
                let (head, events, cut) = (self.head, taken.events, taken.cut);
                let frame = frame.clone();
                self.frames.add(CachedFrame { filter, from, space, head, to, events, cut, frame });
            }
            taken.frame = Some(frame);
        }
        Some(taken)
    }

    /// Tells a reader that comes back to `seq` what is missing after it.
    pub(crate) fn recover(&mut self, filter: FilterId, seq: u64) -> (Position, Option<Gap>) {
        let mut position = Position::at(seq);
        let gap = if self.is_behind(seq) {
            self.tell_losses(filter, &mut position, Loss::Expired)
        } else {
            None
        };
        (position, gap)
    }

    /// Takes the next events for a reader that comes back with nothing but the position where the page
    /// ended: a gap counts what is missing up to there and no further, so nothing is counted twice.
    /// `None` as in [`RoomLog::take`].
    #[cfg(any(test, feature = "poll"))]
    pub(crate) fn page(&mut self, filter: FilterId, from: u64, space: Space) -> Option<Page> {
        if !self.ledger.reaches(from) {
            return None;
        }
        let behind = self.is_behind(from);
        let mut picked = Picked::new(from, space);
        if behind {
            self.pick_kept(filter, from, &mut picked);
        }
        if !picked.full {
            self.pick_hot(filter, from, &mut picked);
        }
        let to = picked.up_to(self.head);
        let gap = if behind {
            let losses = self.losses(filter, from, to.saturating_add(1), &HashMap::new());
            losses.into_gap(self, Loss::Expired)
        } else {
            None
        };
        let frame = (!picked.entries.is_empty())
            .then(|| frame::events(&self.name, &self.keys, &picked.entries));
        Some(Page { gap, frame, to, cut: picked.full })
    }

    /// Whether the hot tail begins after the next event of that reader.
    pub(crate) fn is_behind(&self, seq: u64) -> bool {
        self.hot.first().is_some_and(|first| seq + 1 < first)
    }

    fn pick_hot(&mut self, filter: FilterId, from: u64, picked: &mut Picked) {
        let Some(mut matcher) = self.filters.matcher(filter, &self.keys) else { return };
        for entry in self.hot.after(from) {
            if matcher.wants(entry) && !picked.push(entry) {
                return;
            }
        }
    }

    /// What is kept of the time before the hot tail.
    fn pick_kept(&mut self, filter: FilterId, from: u64, picked: &mut Picked) {
        let Some(mut matcher) = self.filters.matcher(filter, &self.keys) else { return };
        let hot = self.hot.first().unwrap_or(u64::MAX);
        let mut merge = Merge::default();
        for (key, slot) in self.keys.holding() {
            if matcher.matches(key) {
                merge.add(key, slot, slot.kept().partition_point(|entry| entry.seq <= from));
            }
        }
        merge.run(&self.keys, |entry| {
            entry.seq < hot && (!matcher.wants(entry) || picked.push(entry))
        });
    }

    /// Tells what is missing between a reader that is behind and the hot tail, and was not told yet.
    fn tell_losses(&mut self, filter: FilterId, position: &mut Position, why: Loss) -> Option<Gap> {
        let losses = self.losses(filter, position.seq, u64::MAX, &position.told);
        for (key, loss) in &losses.by_key {
            position.told.insert(*key, loss.last);
        }
        losses.into_gap(self, why)
    }

    /// Counts what is missing after `from`, before the hot tail and before `end`, but for what was
    /// told. The ledger knows keys and nothing else: lines from before their producer began count, also
    /// those that this reader's tail would have spared it.
    fn losses(
        &mut self,
        filter: FilterId,
        from: u64,
        end: u64,
        told: &HashMap<KeyId, u64>,
    ) -> Losses {
        let end = end.min(self.hot.first().unwrap_or(u64::MAX));
        let mut losses = Losses::default();
        let Some(mut matcher) = self.filters.matcher(filter, &self.keys) else { return losses };
        for (seq, key) in self.ledger.between(from, end) {
            if !matcher.matches(key) {
                continue;
            }
            let Some(slot) = self.keys.slot(key) else { continue };
            if slot.has_lost(seq) && told.get(&key).is_none_or(|told| seq > *told) {
                losses.add(seq, key);
            }
        }
        losses
    }
}

impl Position {
    fn move_to(&mut self, seq: u64, head: u64) {
        self.seq = seq;
        // What is left behind is looked at again.
        self.looked = if seq == head { head } else { seq };
        self.waiting = 0;
        self.immediate = false;
    }
}

/// Events that were picked for a frame, in order.
pub(super) struct Picked {
    from: u64,
    space: Space,
    pub(super) entries: Vec<Entry>,
    bytes: usize,
    full: bool,
}

impl Picked {
    pub(super) fn new(from: u64, space: Space) -> Self {
        Self { from, space, entries: Vec::new(), bytes: 0, full: false }
    }

    /// Takes the event, or says that the frame is full.
    pub(super) fn push(&mut self, entry: &Entry) -> bool {
        let bytes = self.bytes + frame::size_of(entry);
        let alone = self.entries.is_empty() && self.space.one_larger;
        let fits = bytes <= self.space.bytes && self.entries.len() < self.space.events;
        if !fits && !alone {
            self.full = true;
            return false;
        }
        self.bytes = bytes;
        self.entries.push(entry.clone());
        true
    }

    /// How far the log was read, if nothing was left behind up to `end`.
    pub(super) fn up_to(&self, end: u64) -> u64 {
        if self.full { self.entries.last().map_or(self.from, |last| last.seq) } else { end }
    }
}

/// Walks through what several keys keep, in the order of the positions.
#[derive(Default)]
pub(super) struct Merge {
    next: BinaryHeap<Reverse<(u64, KeyId, usize)>>,
}

impl Merge {
    pub(super) fn add(&mut self, key: KeyId, slot: &Slot, index: usize) {
        if let Some(entry) = slot.kept().get(index) {
            self.next.push(Reverse((entry.seq, key, index)));
        }
    }

    /// Calls `visit` with one event after the other until it returns `false`.
    pub(super) fn run(mut self, keys: &Keys, mut visit: impl FnMut(&Entry) -> bool) {
        while let Some(Reverse((_, key, index))) = self.next.pop() {
            let Some(slot) = keys.slot(key) else { continue };
            if slot.kept().get(index).is_some_and(|entry| !visit(entry)) {
                return;
            }
            self.add(key, slot, index + 1);
        }
    }
}

/// Counts lost events.
#[derive(Default)]
pub(super) struct Losses {
    from: Option<u64>,
    to: u64,
    missed: u64,
    by_key: HashMap<KeyId, LossOfKey>,
}

#[derive(Default)]
struct LossOfKey {
    missed: u64,
    last: u64,
}

impl Losses {
    pub(super) fn add(&mut self, seq: u64, key: KeyId) {
        self.from.get_or_insert(seq);
        self.to = seq;
        self.missed += 1;
        let of_key = self.by_key.entry(key).or_default();
        of_key.missed += 1;
        of_key.last = seq;
    }

    pub(super) fn into_gap(self, log: &RoomLog, why: Loss) -> Option<Gap> {
        let from = self.from?;
        let mut by_key: Vec<(KeyId, u64)> =
            self.by_key.into_iter().map(|(key, loss)| (key, loss.missed)).collect();
        by_key.sort_unstable_by_key(|(key, missed)| (Reverse(*missed), *key));
        let mut of: Vec<MissedOfKey<'_>> = Vec::new();
        for (index, (key, missed)) in by_key.into_iter().enumerate() {
            let Some(slot) = log.keys.slot(key) else { continue };
            let event_type = slot.event_type();
            if index < NAMED_KEYS {
                of.push(MissedOfKey { event_type, key: Some(slot.key()), missed });
                continue;
            }
            match of.iter_mut().skip(NAMED_KEYS).find(|rest| rest.event_type == event_type) {
                Some(rest) => rest.missed += missed,
                None => of.push(MissedOfKey { event_type, key: None, missed }),
            }
        }
        let data = GapData { from, to: self.to, missed: self.missed, why, of };
        Some(frame::gap(&log.name, &data))
    }
}
