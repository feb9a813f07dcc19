//! Who is watched: producers look here, so that what nobody watches costs nothing.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

use super::Hub;
use crate::{Payload, RoomName};

/// Counts the changes of what is watched, and wakes those who follow them.
#[derive(Debug, Default)]
pub(super) struct DemandSignal {
    changes: AtomicU64,
    waiting: Mutex<Vec<Waker>>,
}

impl DemandSignal {
    pub(super) fn changed(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        let waiting = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// What is being watched in the rooms of a hub.
#[derive(Debug, Clone)]
pub struct Demand {
    hub: Hub,
    signal: Arc<DemandSignal>,
    seen: u64,
}

impl Demand {
    pub(super) fn new(hub: Hub, signal: Arc<DemandSignal>) -> Self {
        let seen = signal.changes.load(Ordering::Acquire);
        Self { hub, signal, seen }
    }

    /// Whether somebody is subscribed to events of that type and key in that room.
    pub fn wants<P: Payload>(&self, room: &RoomName, key: &str) -> bool {
        self.hub.room(room).is_some_and(|room| room.lock().log.wants(P::TYPE, key))
    }

    /// Returns when subscriptions have come or gone since the last call, or since this `Demand` was
    /// made.
    ///
    /// # Cancel safety
    ///
    /// A change that came while nobody waited is told by the next call.
    pub async fn changed(&mut self) {
        self.seen = poll_fn(|context| {
            let changes = || self.signal.changes.load(Ordering::Acquire);
            if changes() != self.seen {
                return Poll::Ready(changes());
            }
            let mut waiting = self.signal.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if changes() != self.seen {
                return Poll::Ready(changes());
            }
            if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
}
