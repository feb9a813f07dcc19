//! Tells tasks that something changed, whatever runtime they run on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};

/// Counts changes and wakes those who wait for the next one. Waiting is registering a waker: it is
/// woken once.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    changes: AtomicU64,
    waiting: Mutex<Vec<Waker>>,
}

impl Signal {
    /// How many changes there were.
    pub(crate) fn count(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Notes a change and wakes who waits.
    pub(crate) fn notify(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        let waiting = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Ready with the count if it is no longer `seen`; else `waker` is woken at the next change.
    pub(crate) fn poll_changed(&self, seen: u64, waker: &Waker) -> Poll<u64> {
        if self.count() != seen {
            return Poll::Ready(self.count());
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // Between the look and the lock there may have been a change that woke nobody.
        if self.count() != seen {
            return Poll::Ready(self.count());
        }
        if !waiting.iter().any(|known| known.will_wake(waker)) {
            waiting.push(waker.clone());
        }
        Poll::Pending
    }
}
