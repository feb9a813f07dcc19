//! When to tell who is here: for those who drive a hub without a server.

use std::future::poll_fn;

use crate::signal::Waiting;

/// Tells that who is here has changed; made by [`Hub::presence_changes`](super::Hub::presence_changes).
#[derive(Debug, Clone)]
pub struct PresenceChanges(Waiting);

impl PresenceChanges {
    pub(super) fn new(waiting: Waiting) -> Self {
        Self(waiting)
    }

    /// Returns when who is here has changed since the last call, or since this was made.
    ///
    /// # Cancel safety
    ///
    /// A change that came while nobody waited is told by the next call.
    pub async fn changed(&mut self) {
        poll_fn(|context| self.0.poll(context.waker())).await;
    }
}
