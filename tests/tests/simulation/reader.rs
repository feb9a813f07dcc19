//! What one client was told of one room, held against what was published there.

use std::collections::{BTreeMap, BTreeSet};

use nself_realtime::client::{Delivery, Gap};
use nself_realtime::event::RawEvent;
use nself_realtime::{Cursor, Epoch, Filter, Payload};

use crate::book::{Book, Published};
use crate::payload::{Kind, Line, State, Wish};

/// Of a key that is read.
#[derive(Debug, Default)]
struct Told {
    /// Everything up to here is in a snapshot, or was not kept for one.
    base: u64,
    events: BTreeSet<u64>,
    missed: u64,
    /// How many events of the snapshot went while it was given: at least, at most, and as was told.
    hole: (u64, u64),
    counted: u64,
    /// A poll has one cursor for all filters of a room: of those that are added while others are read,
    /// what came since that cursor comes once more.
    again: bool,
}

#[derive(Debug, Default)]
pub(crate) struct RoomView {
    wishes: BTreeSet<Wish>,
    epoch: Option<Epoch>,
    keys: BTreeMap<Wish, BTreeMap<(Kind, String), Told>>,
    last: u64,
    pub(crate) told: u64,
    pub(crate) resets: u64,
    pub(crate) missed: u64,
    pub(crate) holes: u64,
}

impl RoomView {
    /// What is no longer wanted is no longer held.
    pub(crate) fn want(&mut self, wishes: &BTreeSet<Wish>) {
        self.keys.retain(|wish, _| wishes.contains(wish));
        self.wishes.clone_from(wishes);
    }

    /// Takes what was told, `polled` or over a connection.
    pub(crate) fn take(&mut self, delivery: Delivery, book: &Book, polled: bool) {
        match delivery {
            Delivery::Snapshot { filters, events, cursor, reset, .. } => {
                let again = polled && !reset && !self.keys.is_empty();
                self.snapshot(&filters, &events, cursor, reset, book, again);
            }
            Delivery::Events { events, .. } => {
                for event in &events {
                    self.event(event, book);
                }
            }
            Delivery::Gap { gap, .. } => self.gap(&gap),
            Delivery::Closed { .. } => self.keys.clear(),
            other => panic!("not known: {other:?}"),
        }
    }

    fn snapshot(
        &mut self,
        filters: &[Filter],
        events: &[RawEvent],
        cursor: Cursor,
        reset: bool,
        book: &Book,
        again: bool,
    ) {
        let Cursor { epoch, seq } = cursor;
        self.resets += u64::from(reset);
        if reset || self.epoch != Some(epoch) {
            // What else was read is of another life of the log, and is to be reset.
            self.keys.clear();
            (self.epoch, self.last) = (Some(epoch), 0);
        }
        let mut given: BTreeMap<(Kind, String), Vec<u64>> = BTreeMap::new();
        for event in events {
            let published = Published::read(event);
            assert_eq!(Some(&published), book.at(epoch, event.seq), "at {}", event.seq);
            given.entry((published.kind, published.key)).or_default().push(event.seq);
        }
        for wish in filters.iter().filter_map(Wish::of) {
            let mut of_wish = BTreeMap::new();
            for (kind, key) in book.keys(epoch) {
                if !wish.matches(kind, &key) {
                    continue;
                }
                let seqs = book.of_key(epoch, kind, &key, seq);
                let expected: Vec<u64> = match kind {
                    Kind::Line => {
                        seqs.iter().skip(seqs.len().saturating_sub(wish.tail())).copied().collect()
                    }
                    Kind::State => {
                        let kept = |seq: &u64| !book.at(epoch, *seq).unwrap().removed;
                        seqs.last().copied().filter(kept).into_iter().collect()
                    }
                };
                let given = given.remove(&(kind, key.clone())).unwrap_or_default();
                assert!(
                    given.iter().all(|seq| expected.contains(seq)),
                    "{given:?} of {expected:?}"
                );
                // While it is given in parts, later events of its key may take the place of earlier ones.
                let later = book.of_key(epoch, kind, &key, u64::MAX).len() - seqs.len();
                let gone = expected.len() - given.len();
                assert!(
                    gone <= later,
                    "of {kind:?} {key} up to {seq}: {given:?}, not {expected:?}"
                );
                let told = Told { base: seq, again, ..Told::default() };
                let hole = match kind {
                    // What was gone before the first part was not found.
                    Kind::Line => {
                        let first = given
                            .first()
                            .and_then(|first| expected.iter().position(|seq| seq == first));
                        (gone - first.unwrap_or(gone)) as u64
                    }
                    Kind::State => 0,
                };
                let hole = (hole, gone as u64);
                of_wish.insert((kind, key), Told { hole, ..told });
            }
            if self.wishes.contains(&wish) {
                self.keys.insert(wish, of_wish);
            }
        }
        // What is no longer wanted may still be under way.
        let held = |kind, key: &str| self.keys.keys().any(|wish| wish.matches(kind, key));
        let stray = given.keys().find(|(kind, key)| held(*kind, key));
        assert_eq!(stray, None, "not covered by the snapshot: {filters:?}");
    }

    fn event(&mut self, event: &RawEvent, book: &Book) {
        let epoch = self.epoch.expect("events follow a snapshot");
        let published = Published::read(event);
        assert_eq!(Some(&published), book.at(epoch, event.seq), "at {}", event.seq);
        let Published { kind, key, .. } = published;
        let wanted = self.keys.iter_mut().find(|(wish, _)| wish.matches(kind, &key));
        let Some((_, of_wish)) = wanted else { return };
        let told = of_wish.entry((kind, key.clone())).or_default();
        if told.again && event.seq <= told.base {
            return;
        }
        assert!(event.seq > self.last, "{} after {}", event.seq, self.last);
        assert!(event.seq > told.base, "{} is in the snapshot of {}", event.seq, told.base);
        self.last = event.seq;
        assert!(told.events.insert(event.seq), "{} comes twice", event.seq);
        self.told += 1;
        if kind == Kind::Line {
            told.check(book, epoch, &key, event.seq);
        }
    }

    fn gap(&mut self, gap: &Gap) {
        let mut sum = 0;
        for missed in &gap.of {
            sum += missed.missed;
            let key = missed.key.as_ref().expect("few keys are named one by one").to_string();
            let kind = match missed.event_type.as_str() {
                Line::TYPE => Kind::Line,
                State::TYPE => Kind::State,
                other => panic!("nobody published {other}"),
            };
            let wanted = self.keys.iter_mut().find(|(wish, _)| wish.matches(kind, &key));
            if let Some((_, of_wish)) = wanted {
                let told = of_wish.entry((kind, key)).or_default();
                if gap.to <= told.base {
                    told.counted += missed.missed;
                    self.holes += missed.missed;
                } else {
                    told.missed += missed.missed;
                }
            }
        }
        assert_eq!(gap.missed, sum);
        self.missed += sum;
    }

    /// That nothing is missing, once everything is quiet. The room is in that life.
    pub(crate) fn check_at_the_end(&self, now: Option<Epoch>, book: &Book) {
        let Some(epoch) = now else { return };
        assert_eq!(self.epoch, Some(epoch), "the room of another time");
        assert!(
            self.wishes.iter().eq(self.keys.keys()),
            "{:?} are wanted, not {:?}",
            self.wishes,
            self.keys.keys()
        );
        for (kind, key) in book.keys(epoch) {
            let Some((_, of_wish)) = self.keys.iter().find(|(wish, _)| wish.matches(kind, &key))
            else {
                continue;
            };
            let seqs = book.of_key(epoch, kind, &key, u64::MAX);
            let last = *seqs.last().unwrap();
            let nothing = Told::default();
            let told = of_wish.get(&(kind, key.clone())).unwrap_or(&nothing);
            match kind {
                Kind::Line => told.check(book, epoch, &key, last),
                Kind::State => {
                    let is_told = last <= told.base || told.events.contains(&last);
                    assert!(is_told || told.missed > 0, "{key} is not told the latest, {last}");
                }
            }
        }
    }
}

impl Told {
    /// That every line up to there was told, or counted.
    fn check(&self, book: &Book, epoch: Epoch, key: &str, up_to: u64) {
        let seqs = book.of_key(epoch, Kind::Line, key, up_to);
        let published = seqs.iter().filter(|seq| **seq > self.base).count() as u64;
        let told = self.events.range(..=up_to).count() as u64;
        let (least, most) = self.hole;
        assert!(
            self.again || (least..=most).contains(&self.counted),
            "of the snapshot of {key}, {least} to {most} are gone and {} were counted",
            self.counted
        );
        let accounted = told + self.missed;
        assert!(
            accounted == published || self.again && accounted > published,
            "of {published} lines of {key} from {} to {up_to}, {told} were told and {} counted",
            self.base,
            self.missed
        );
    }
}
