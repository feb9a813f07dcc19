//! Tells tasks that something changed, whatever runtime they run on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use slab::Slab;

/// Counts changes and wakes those who wait for the next one. Waiting is registering a waker: it is
/// woken once. A waker keeps the memory of its task, also of one that has ended: where changes are rare
/// and tasks come and go, who waits does so at a [`Place`] that is given back.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    changes: AtomicU64,
    waiting: Mutex<Slab<Waker>>,
}

/// Where a waker is registered until the next change.
#[derive(Debug)]
pub(crate) struct Place {
    changes: u64,
    index: usize,
}

impl Signal {
    /// How many changes there were.
    pub(crate) fn count(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Notes a change and wakes who waits.
    pub(crate) fn notify(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        let waiting = std::mem::take(&mut *self.waiting());
        waiting.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Ready with the count if it is no longer `seen`; else `waker` is woken at the next change.
    pub(crate) fn poll_changed(&self, seen: u64, waker: &Waker) -> Poll<u64> {
        if self.count() != seen {
            return Poll::Ready(self.count());
        }
        let mut waiting = self.waiting();
        // Between the look and the lock there may have been a change that woke nobody.
        if self.count() != seen {
            return Poll::Ready(self.count());
        }
        if !waiting.iter().any(|(_, known)| known.will_wake(waker)) {
            waiting.insert(waker.clone());
        }
        Poll::Pending
    }

    /// The same, at a place that is kept from one time to the next, and has to be [given back](Self::leave).
    pub(crate) fn poll_at(&self, place: &mut Option<Place>, seen: u64, waker: &Waker) -> Poll<u64> {
        let mut waiting = self.waiting();
        // Under the lock: who is registered at this count has not been woken.
        if self.count() != seen {
            *place = None;
            return Poll::Ready(self.count());
        }
        let own = place.as_ref().filter(|place| place.changes == seen);
        match own.and_then(|place| waiting.get_mut(place.index)) {
            Some(known) => known.clone_from(waker),
            None => *place = Some(Place { changes: seen, index: waiting.insert(waker.clone()) }),
        }
        Poll::Pending
    }

    /// Gives a place back.
    pub(crate) fn leave(&self, Place { changes, index }: Place) {
        let mut waiting = self.waiting();
        // A change has emptied all places, and others may have them now.
        if self.count() == changes {
            waiting.try_remove(index);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Slab<Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Wake;

    use super::*;

    struct Task;

    impl Wake for Task {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn who_gives_a_place_back_is_forgotten_and_who_stays_is_woken_once() {
        let (signal, gone, stays) = (Signal::default(), Arc::new(Task), Arc::new(Task));
        let (mut place, mut other) = (None, None);
        for _ in 0..3 {
            assert!(signal.poll_at(&mut other, 0, &stays.clone().into()).is_pending());
            assert!(signal.poll_at(&mut place, 0, &gone.clone().into()).is_pending());
        }
        assert_eq!((Arc::strong_count(&gone), Arc::strong_count(&stays)), (2, 2), "once each");
        signal.leave(place.take().unwrap());
        assert_eq!((Arc::strong_count(&gone), Arc::strong_count(&stays)), (1, 2));
        signal.notify();
        assert_eq!(Arc::strong_count(&stays), 1);

        // The place of before is somebody else's now.
        assert!(signal.poll_at(&mut place, 1, &gone.clone().into()).is_pending());
        signal.leave(other.take().unwrap());
        assert_eq!(Arc::strong_count(&gone), 2);
        assert_eq!(signal.poll_at(&mut place, 0, &gone.clone().into()), Poll::Ready(1));
    }
}
