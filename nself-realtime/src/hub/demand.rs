//! Who is watched: producers look here, so that what nobody watches costs nothing.

use std::future::poll_fn;
use std::sync::Arc;

use super::Hub;
use crate::signal::Signal;
use crate::{Payload, RoomName};

/// What is being watched in the rooms of a hub.
#[derive(Debug, Clone)]
pub struct Demand {
    hub: Hub,
    changes: Arc<Signal>,
    seen: u64,
}

impl Demand {
    pub(super) fn new(hub: Hub, changes: Arc<Signal>) -> Self {
        let seen = changes.count();
        Self { hub, changes, seen }
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
        let (changes, seen) = (&self.changes, self.seen);
        self.seen = poll_fn(|context| changes.poll_changed(seen, context.waker())).await;
    }
}
