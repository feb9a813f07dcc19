//! Drives connections: the only loops and the only timers of the server's side.
//!
//! # Draining
//!
//! [`Server::drain`] tells every client `closing` with a `retryAfterMs` of its own, spread so that
//! they do not all come back at once, and waits until the connections have ended.

mod connection;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

pub(crate) use self::connection::{Incoming, Socket};
use crate::hub::Hub;
use crate::proto::SessionConfig;

/// How far the return of the clients is spread when a server drains.
const RETRY_SPREAD: Duration = Duration::from_secs(2);
/// Nobody is told to come back sooner than that.
const RETRY_AT_LEAST: Duration = Duration::from_millis(200);

/// Serves the rooms of a hub to connections. A cheap clone.
#[derive(Debug, Clone)]
pub struct Server {
    hub: Hub,
    config: SessionConfig,
    draining: Arc<watch::Sender<bool>>,
}

impl Server {
    /// A server for these rooms.
    pub fn new(hub: Hub, config: SessionConfig) -> Self {
        Self { hub, config, draining: Arc::new(watch::Sender::new(false)) }
    }

    /// The rooms that it serves.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// How it treats connections.
    pub fn config(&self) -> &SessionConfig {
        &self.config
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.draining.receiver_count()
    }

    /// Whether [`drain`](Self::drain) was called.
    pub fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// Ends all connections, and waits for them until `patience` is over. Connections that come later
    /// are ended at once. Returns whether all have ended.
    pub async fn drain(&self, patience: Duration) -> bool {
        self.draining.send_replace(true);
        tokio::time::timeout(patience, self.draining.closed()).await.is_ok()
    }

    pub(crate) async fn serve<S: Socket>(&self, socket: S) {
        let draining = self.draining.subscribe();
        connection::run(socket, self.hub.clone(), self.config, draining).await;
    }

    /// How long the client with these random bits waits before it comes back.
    fn retry_after(bits: u64) -> Duration {
        let spread = u64::try_from(RETRY_SPREAD.as_millis()).unwrap_or(1);
        RETRY_AT_LEAST + Duration::from_millis(bits % spread)
    }
}
