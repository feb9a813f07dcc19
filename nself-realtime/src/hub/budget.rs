//! What all rooms of a hub may keep together for those who come later. Where it is exceeded a large room
//! gives way, so that no producer fills the memory.
//!
//! What a room has beside that is bounded room by room: its newest events (1 MiB), its ledger (2 MiB) and
//! a few frames that several readers have in common. So memory grows with the number of rooms, which
//! only the embedding program opens, and not with that of readers or events.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::room::Room;

/// How many bytes of events all rooms keep together.
const KEPT_BYTES: usize = 64 * 1024 * 1024;
/// A large room gives way by that much at once, so that it is rare; a small one by half of what it keeps.
const RELIEF_BYTES: usize = 1024 * 1024;

/// The bytes that the rooms of a hub keep.
#[derive(Debug, Default)]
pub(super) struct Budget {
    kept: AtomicUsize,
    // By size class and address: who is to give way is found without a look at all of them. A room moves
    // up as soon as it grows, and down when it is looked at.
    rooms: Mutex<BTreeMap<(u32, usize), Weak<Room>>>,
}

/// In which class a room stands.
#[derive(Debug, Default)]
pub(super) struct Place(AtomicU32);

impl Budget {
    pub(super) fn add_room(&self, room: &Arc<Room>) {
        self.rooms().insert((0, address(room)), Arc::downgrade(room));
    }

    /// Takes a room out that is dropped.
    pub(super) fn remove_room(&self, room: &Room) {
        self.changed(room, room.kept(), 0);
        let class = room.place().0.load(Ordering::Relaxed);
        self.rooms().remove(&(class, address(room)));
    }

    /// Notes what a room keeps now, and before. Says whether that is too much for all of them.
    pub(super) fn changed(&self, room: &Room, before: usize, now: usize) -> bool {
        let all = if now >= before {
            self.kept.fetch_add(now - before, Ordering::Relaxed) + (now - before)
        } else {
            self.kept.fetch_sub(before - now, Ordering::Relaxed) - (before - now)
        };
        if size_class(now) > room.place().0.load(Ordering::Relaxed) {
            self.put(room, size_class(now));
        }
        all > KEPT_BYTES
    }

    /// Lets a room give way than which none is twice as large. No room may be locked.
    pub(super) fn relieve(&self) {
        while let Some((class, room)) = self.last_room() {
            let kept = room.kept();
            if size_class(kept) == class {
                return room.give_way(RELIEF_BYTES.min(kept.div_ceil(2)));
            }
            self.put(&room, size_class(kept));
        }
    }

    fn last_room(&self) -> Option<(u32, Arc<Room>)> {
        let mut rooms = self.rooms();
        loop {
            let last = rooms.last_entry()?;
            let (class, _) = *last.key();
            if let Some(room) = last.get().upgrade() {
                return Some((class, room));
            }
            last.remove();
        }
    }

    fn put(&self, room: &Room, class: u32) {
        let mut rooms = self.rooms();
        let before = room.place().0.swap(class, Ordering::Relaxed);
        if let Some(known) = rooms.remove(&(before, address(room))) {
            rooms.insert((class, address(room)), known);
        }
    }

    fn rooms(&self) -> MutexGuard<'_, BTreeMap<(u32, usize), Weak<Room>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn address(room: &Room) -> usize {
    std::ptr::from_ref(room).addr()
}

/// Class n has what is less than 2ⁿ and at least half of that.
fn size_class(bytes: usize) -> u32 {
    usize::BITS - bytes.leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{LogLine, LogsStream, Source};
    use crate::{Emitter, Hub, Name, NanoTimestamp, RoomName};

    /// Publishes a line of that many bytes.
    fn publish(emitter: &Emitter, n: usize, bytes: usize) {
        let service = Name::new(format!("service-{}", n % 14)).unwrap();
        let time = NanoTimestamp::from_unix_nanos(0).unwrap();
        let line = LogLine::new(service, time, Source::Stdout, "x".repeat(bytes));
        emitter.log(&LogsStream::Line(line)).unwrap();
    }

    fn open_rooms(hub: &Hub, count: usize) -> Vec<Emitter> {
        let names = (0..count).map(|n| RoomName::new(format!("room-{n}")).unwrap());
        names.map(|name| hub.open_room(&name)).collect()
    }

    fn kept_by_rooms(hub: &Hub) -> Vec<usize> {
        let rooms = hub.budget().rooms();
        rooms.values().filter_map(Weak::upgrade).map(|room| room.kept()).collect()
    }

    #[test]
    fn all_rooms_together_stay_within_64_mib() {
        let hub = Hub::new();
        for emitter in open_rooms(&hub, 12) {
            (0..7 * 4).for_each(|n| publish(&emitter, n, 256 * 1024 - 200));
        }
        // Twelve rooms would keep their 6 MiB each.
        let kept = hub.budget().kept.load(Ordering::Relaxed);
        assert!((60 << 20..=64 << 20).contains(&kept), "{kept}");
        assert_eq!(kept_by_rooms(&hub).iter().sum::<usize>(), kept, "the sum is right");
        hub.close_room(&RoomName::new("room-0").unwrap());
        assert!(hub.budget().kept.load(Ordering::Relaxed) < kept);
        assert_eq!(hub.budget().rooms().len(), 12, "system and eleven others");
    }

    #[test]
    fn a_closed_room_keeps_nothing_although_somebody_has_its_emitter() {
        let hub = Hub::new();
        let emitters = open_rooms(&hub, 1);
        (0..7).for_each(|n| publish(&emitters[0], n, 1_000));
        let kept = || kept_by_rooms(&hub).iter().sum::<usize>();
        let before = kept();
        assert!(before > 7_000, "{before}");
        hub.close_room(emitters[0].room());
        assert!(kept() < 1_000, "what `system` keeps");
        assert_eq!(hub.budget().kept.load(Ordering::Relaxed), kept());
    }

    #[test]
    fn among_many_small_rooms_none_loses_much_more_than_another() {
        let hub = Hub::new();
        let emitters = open_rooms(&hub, 400);
        // They would keep 80 MiB.
        for n in 0..42 {
            for emitter in &emitters {
                publish(emitter, n, 5_000);
            }
        }
        let mut kept = kept_by_rooms(&hub);
        kept.sort_unstable();
        let (system, smallest, largest) = (kept[0], kept[1], kept[400]);
        assert!(system < 100_000 && smallest * 4 > largest, "{smallest} to {largest}");
        assert!(kept.iter().sum::<usize>() <= 64 << 20);
    }
}
