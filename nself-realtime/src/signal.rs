//! Tells tasks that something changed, whatever runtime they run on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use slab::Slab;

/// Counts changes and wakes those who wait for the next one.
#[derive(Debug, Default)]
pub(crate) struct Signal(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    changes: u64,
    // Emptied by every change: whoever is in here waits for the next one.
    waiting: Slab<Waker>,
}

/// Waits for the changes of a signal, one after the other. A waker keeps the memory of its task, also of
/// one that has ended: it is given back with this.
#[derive(Debug)]
pub(crate) struct Waiting {
    signal: Arc<Signal>,
    seen: u64,
    // Where its waker is, until the next change.
    place: Option<usize>,
}

impl Signal {
    /// Notes a change and wakes who waits.
    pub(crate) fn notify(&self) {
        let mut state = self.lock();
        state.changes += 1;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Waits for changes from now on.
    pub(crate) fn wait(self: &Arc<Self>) -> Waiting {
        let seen = self.lock().changes;
        Waiting { signal: Arc::clone(self), seen, place: None }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Ready if there was a change since the last time that it was; else `waker` is woken at the next one.
    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<()> {
        let mut state = self.signal.lock();
        if state.changes != self.seen {
            (self.seen, self.place) = (state.changes, None);
            return Poll::Ready(());
        }
        match self.place.and_then(|place| state.waiting.get_mut(place)) {
            Some(known) => known.clone_from(waker),
            None => self.place = Some(state.waiting.insert(waker.clone())),
        }
        Poll::Pending
    }
}

impl Clone for Waiting {
    /// Another one who has seen as much.
    fn clone(&self) -> Self {
        Self { signal: Arc::clone(&self.signal), seen: self.seen, place: None }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        let mut state = self.signal.lock();
        // A change has emptied all places, and others may have them now.
        if state.changes == self.seen {
            state.waiting.try_remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn signal() -> (Arc<Signal>, [Arc<Task>; 2]) {
        (Arc::default(), [Arc::default(), Arc::default()])
    }

    #[test]
    fn who_is_gone_is_forgotten_and_who_stays_is_woken_once() {
        let (signal, [gone, stays]) = signal();
        let (mut first, mut second) = (signal.wait(), signal.wait());
        for _ in 0..3 {
            assert!(first.poll(&gone.clone().into()).is_pending());
            assert!(second.poll(&stays.clone().into()).is_pending());
        }
        assert_eq!((Arc::strong_count(&gone), Arc::strong_count(&stays)), (2, 2), "once each");
        drop(first);
        assert_eq!((Arc::strong_count(&gone), Arc::strong_count(&stays)), (1, 2));
        signal.notify();
        signal.notify();
        assert_eq!((Arc::strong_count(&stays), stays.0.load(Ordering::Relaxed)), (1, 1));
        assert!(second.poll(&stays.clone().into()).is_ready(), "two changes are one");
        assert!(second.poll(&stays.clone().into()).is_pending());
    }

    #[test]
    fn a_place_that_a_change_has_emptied_is_somebody_elses() {
        let (signal, [early, late]) = signal();
        let (mut first, mut second) = (signal.wait(), signal.wait());
        assert!(first.poll(&early.clone().into()).is_pending());
        signal.notify();
        assert!(second.poll(&late.clone().into()).is_ready());
        assert!(second.poll(&late.clone().into()).is_pending());
        // Both had the first place, one after the other.
        drop(first);
        assert_eq!((Arc::strong_count(&early), Arc::strong_count(&late)), (1, 2));
        signal.notify();
        assert_eq!(late.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn who_begins_to_wait_waits_for_what_comes() {
        let (signal, [task, _]) = signal();
        signal.notify();
        let mut waiting = signal.wait();
        assert!(waiting.poll(&task.clone().into()).is_pending());
        signal.notify();
        let mut other = waiting.clone();
        assert!(other.poll(&task.clone().into()).is_ready(), "it has seen no more");
    }
}
