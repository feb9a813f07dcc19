//! Who is watched: producers look here, so that what nobody watches costs nothing.

use std::future::poll_fn;

use super::Hub;
use crate::signal::Waiting;
use crate::{Payload, RoomName};

/// What is being watched in the rooms of a hub.
#[derive(Debug, Clone)]
pub struct Demand {
    hub: Hub,
    changes: Waiting,
}

impl Demand {
    pub(super) fn new(hub: Hub, changes: Waiting) -> Self {
        Self { hub, changes }
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
        poll_fn(|context| self.changes.poll(context.waker())).await;
    }
}
