//! Drives connections: the only loops and the only timers of the server's side.
//!
//! # Draining
//!
//! [`Server::drain`] tells every client `closing` with a `retryAfterMs` of its own, spread so that
//! they do not all come back at once, and waits until the connections have ended.
//!
//! # Panics
//!
//! What panics while a connection is served (an [`Authorizer`](crate::auth::Authorizer), say) ends that
//! connection, with 1011 where the transport has codes, and no other one.

mod connected;
mod connection;
#[cfg(any(feature = "poll", feature = "sse"))]
mod lease_end;
mod stream;

use std::future::poll_fn;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;

#[cfg(any(feature = "poll", feature = "sse"))]
pub(crate) use self::connected::Connected;
pub(crate) use self::connection::{Incoming, Socket};
pub use self::stream::{FlowStream, StreamError};
use crate::auth::{Access, Identity};
use crate::hub::{Hub, Peer};
use crate::proto::SessionConfig;

/// How far the return of the clients is spread when a server drains.
const RETRY_SPREAD: Duration = Duration::from_secs(2);
/// Nobody is told to come back sooner than that.
const RETRY_AT_LEAST: Duration = Duration::from_millis(200);

/// Serves the rooms of a hub to connections. A cheap clone.
#[derive(Debug, Clone)]
pub struct Server {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    hub: Hub,
    config: SessionConfig,
    access: Access,
    draining: watch::Sender<bool>,
    // What goes on beside the connections; begins with the first one.
    background: OnceLock<[AbortHandle; 2]>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.background.get().into_iter().flatten().for_each(AbortHandle::abort);
    }
}

impl Server {
    /// A server for these rooms, open to everybody.
    pub fn new(hub: Hub, config: SessionConfig) -> Self {
        Self::with_access(hub, config, Access::default())
    }

    /// A server for these rooms, open to whom `access` lets in.
    pub fn with_access(hub: Hub, config: SessionConfig, access: Access) -> Self {
        let config = config.bounded();
        let (draining, background) = (watch::Sender::new(false), OnceLock::new());
        Self { shared: Arc::new(Shared { hub, config, access, draining, background }) }
    }

    /// The rooms that it serves.
    pub fn hub(&self) -> &Hub {
        &self.shared.hub
    }

    /// How it treats connections.
    pub fn config(&self) -> &SessionConfig {
        &self.shared.config
    }

    /// How it finds out who somebody is and what they may do.
    pub fn access(&self) -> &Access {
        &self.shared.access
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.shared.draining.receiver_count()
    }

    /// Whether [`drain`](Self::drain) was called.
    pub fn is_draining(&self) -> bool {
        *self.shared.draining.borrow()
    }

    /// Ends all connections, and waits for them until `patience` is over. Connections that come later
    /// are ended at once. Returns whether all have ended.
    pub async fn drain(&self, patience: Duration) -> bool {
        self.shared.draining.send_replace(true);
        tokio::time::timeout(patience, self.shared.draining.closed()).await.is_ok()
    }

    pub(crate) fn serve<S: Socket>(
        &self,
        socket: S,
        identity: Identity,
    ) -> impl Future<Output = ()> + use<S> {
        self.shared.background.get_or_init(|| {
            let mut waker = self.hub().reader_waker();
            let wake = tokio::spawn(poll_fn(move |context| waker.poll(context)));
            let presence = tokio::spawn(tell_presence(self.hub().clone()));
            [wake.abort_handle(), presence.abort_handle()]
        });
        let draining = self.shared.draining.subscribe();
        let (hub, config) = (self.hub().clone(), *self.config());
        let now = hub.clock().now();
        let access = self.shared.access.clone();
        let peer = Peer::new(hub.clone(), config, access.clone(), identity, now);
        connection::run(socket, peer, hub, access, config.heartbeat_timeout, draining)
    }

    /// Tells when the server drains; a drain waits until it is dropped.
    #[cfg(any(feature = "poll", feature = "sse"))]
    pub(crate) fn follow_drain(&self) -> watch::Receiver<bool> {
        self.shared.draining.subscribe()
    }

    /// How long the client with these random bits waits before it comes back.
    pub(crate) fn retry_after(bits: u64) -> Duration {
        let spread = u64::try_from(RETRY_SPREAD.as_millis()).unwrap_or(1);
        RETRY_AT_LEAST + Duration::from_millis(bits % spread)
    }
}

/// Tells who is here, for as long as the server is.
async fn tell_presence(hub: Hub) {
    let mut changes = hub.presence_changes();
    loop {
        let next = hub.tell_presence(hub.clock().now());
        let timer = async {
            match next {
                Some(next) => tokio::time::sleep_until(next.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = changes.changed() => {}
            () = timer => {}
        }
    }
}
