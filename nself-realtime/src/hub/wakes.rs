//! Waking the many readers of a room without holding up the thread that publishes: it only says which
//! room has news, and tasks that do nothing else wake who waits there. While there is no such task, or
//! few readers wait, the publishing thread wakes them itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use super::room::Room;
use crate::signal::{Signal, Waiting};

/// The rooms of a hub whose readers are to be woken.
#[derive(Debug, Default)]
pub(super) struct Wakes {
    called: Mutex<Called>,
    calls: Arc<Signal>,
}

#[derive(Debug, Default)]
struct Called {
    rooms: Vec<Arc<Room>>,
    // How many tasks wake readers.
    wakers: usize,
}

impl Wakes {
    /// Has the readers of a room woken soon; `false` if nobody does that.
    pub(super) fn call(&self, room: &Arc<Room>) -> bool {
        {
            let mut called = self.lock();
            if called.wakers == 0 {
                return false;
            }
            called.rooms.push(Arc::clone(room));
        }
        self.calls.notify();
        true
    }

    fn wake_called(&self) {
        let rooms = std::mem::take(&mut self.lock().rooms);
        for room in rooms {
            room.wake_called();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Called> {
        self.called.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes readers for as long as it is polled; a hub may have several. Rooms that were called when the
/// last one is dropped are not forgotten.
#[derive(Debug)]
pub(crate) struct ReaderWaker {
    wakes: Arc<Wakes>,
    calls: Waiting,
}

impl ReaderWaker {
    pub(super) fn new(wakes: Arc<Wakes>) -> Self {
        let calls = wakes.calls.wait();
        wakes.lock().wakers += 1;
        Self { wakes, calls }
    }

    /// Wakes whom there is to wake, and is polled again when there are others. Never ready.
    pub(crate) fn poll(&mut self, context: &Context<'_>) -> Poll<()> {
        while self.calls.poll(context.waker()).is_ready() {
            self.wakes.wake_called();
        }
        Poll::Pending
    }
}

impl Drop for ReaderWaker {
    fn drop(&mut self) {
        self.wakes.lock().wakers -= 1;
        self.wakes.wake_called();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use super::super::Reader;
    use super::*;
    use crate::event::{LogLine, LogsStream, Source};
    use crate::{Emitter, Hub, Name, NanoTimestamp, RoomName};

    const READERS: usize = 100;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    struct Stage {
        hub: Hub,
        emitter: Emitter,
        readers: Vec<(Reader, Arc<Woken>)>,
    }

    /// A room in which that many readers wait for the next event.
    fn waiting(count: usize) -> Stage {
        let hub = Hub::new();
        let name = RoomName::new("shop").unwrap();
        let emitter = hub.open_room(&name);
        let readers = (0..count).map(|_| {
            let mut reader = hub.subscribe(&name, Vec::new(), None, &mut Vec::new()).unwrap();
            let space = crate::room::Space { bytes: 65_536, events: usize::MAX, one_larger: true };
            reader.step(space, &mut Vec::new());
            let woken = Arc::<Woken>::default();
            reader.look(&Waker::from(Arc::clone(&woken)), 10);
            (reader, woken)
        });
        let readers = readers.collect();
        Stage { hub, emitter, readers }
    }

    impl Stage {
        fn publish(&self) {
            let time = NanoTimestamp::from_unix_nanos(0).unwrap();
            let line =
                LogLine::new(Name::new("web").unwrap(), time, Source::Stdout, "line".to_owned());
            self.emitter.log(&LogsStream::Line(line)).unwrap();
        }

        fn woken(&self) -> usize {
            self.readers.iter().map(|(_, woken)| woken.0.load(Ordering::Relaxed)).sum()
        }
    }

    #[test]
    fn who_publishes_wakes_the_readers_where_nobody_else_does() {
        let stage = waiting(READERS);
        stage.publish();
        assert_eq!(stage.woken(), READERS);
        stage.publish();
        assert_eq!(stage.woken(), READERS, "each of them is woken once");
    }

    #[test]
    fn many_readers_are_woken_by_who_does_nothing_else() {
        let stage = waiting(READERS);
        let mut reader_waker = stage.hub.reader_waker();
        let own = Arc::<Woken>::default();
        let waker = Waker::from(Arc::clone(&own));
        assert_eq!(reader_waker.poll(&Context::from_waker(&waker)), Poll::Pending);
        (0..3).for_each(|_| stage.publish());
        assert_eq!((stage.woken(), own.0.load(Ordering::Relaxed)), (0, 1));
        assert_eq!(reader_waker.poll(&Context::from_waker(&waker)), Poll::Pending);
        assert_eq!(stage.woken(), READERS);
    }

    #[test]
    fn a_few_readers_are_woken_at_once() {
        let stage = waiting(3);
        let _reader_waker = stage.hub.reader_waker();
        stage.publish();
        assert_eq!(stage.woken(), 3);
    }

    #[test]
    fn the_last_one_that_wakes_readers_leaves_none_behind() {
        let stage = waiting(READERS);
        let reader_waker = stage.hub.reader_waker();
        stage.publish();
        assert_eq!(stage.woken(), 0);
        drop(reader_waker);
        assert_eq!(stage.woken(), READERS);
    }
}
