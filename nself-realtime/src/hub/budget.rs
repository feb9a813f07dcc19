//! What all rooms of a hub may keep together. Where it is exceeded the largest room gives way, so that no
//! number of rooms and no producer fills the memory.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::room::Room;

/// How many bytes of events all rooms keep together.
const KEPT_BYTES: usize = 64 * 1024 * 1024;
/// The largest room gives way by that much at once, so that looking for it is rare.
const RELIEF_BYTES: usize = 1024 * 1024;

/// The bytes that the rooms of a hub keep.
#[derive(Debug, Default)]
pub(super) struct Budget {
    kept: AtomicUsize,
    rooms: Mutex<Vec<Weak<Room>>>,
}

impl Budget {
    pub(super) fn add_room(&self, room: &Arc<Room>) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.retain(|room| room.strong_count() > 0);
        rooms.push(Arc::downgrade(room));
    }

    /// Notes what a room keeps now, and before. Says whether that is too much for all of them.
    pub(super) fn changed(&self, before: usize, now: usize) -> bool {
        let all = if now >= before {
            self.kept.fetch_add(now - before, Ordering::Relaxed) + (now - before)
        } else {
            self.kept.fetch_sub(before - now, Ordering::Relaxed) - (before - now)
        };
        all > KEPT_BYTES
    }

    /// Lets the largest room give way. No room may be locked.
    pub(super) fn relieve(&self) {
        let rooms: Vec<Arc<Room>> = {
            let rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
            rooms.iter().filter_map(Weak::upgrade).collect()
        };
        if let Some(largest) = rooms.iter().max_by_key(|room| room.kept()) {
            largest.give_way(RELIEF_BYTES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{LogLine, LogsStream, Source};
    use crate::{Hub, Name, NanoTimestamp, RoomName};

    #[test]
    fn all_rooms_together_stay_within_64_mib() {
        let hub = Hub::new();
        for room in 0..12 {
            let emitter = hub.open_room(&RoomName::new(format!("room-{room}")).unwrap());
            for n in 0..7 * 4 {
                let service = Name::new(format!("service-{}", n % 14)).unwrap();
                let time = NanoTimestamp::from_unix_nanos(n).unwrap();
                let text = "x".repeat(256 * 1024 - 200);
                let line = LogLine::new(service, time, Source::Stdout, text);
                emitter.log(&LogsStream::Line(line)).unwrap();
            }
        }
        // Twelve rooms would keep their 6 MiB each.
        let kept = hub.budget().kept.load(Ordering::Relaxed);
        assert!((60 << 20..=64 << 20).contains(&kept), "{kept}");
        let rooms: usize = {
            let rooms = hub.budget().rooms.lock().unwrap();
            rooms.iter().filter_map(Weak::upgrade).map(|room| room.kept()).sum()
        };
        assert_eq!(rooms, kept, "the sum is right");
        hub.close_room(&RoomName::new("room-0").unwrap());
        assert!(hub.budget().kept.load(Ordering::Relaxed) < kept);
    }
}
