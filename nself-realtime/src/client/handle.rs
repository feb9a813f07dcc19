//! What a program holds of a client.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use super::feed::{Reading, Viewed};
use super::history::Archive;
use super::scope::Scope;
use super::shared::{Interest, Owner, Token};
use super::{
    BuildError, BuildWatch, ClientBuilder, ConnectionState, Events, Expiring, Latest, Logs,
    RawEvents, ServerError, StatsHistory, View, Watch,
};
use crate::event::{BuildProgress, DockerStats, LogsStream, ServiceStatus};
use crate::{Filter, Name, Payload, RoomName};

/// Something that went wrong; the client goes on unless its status says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The server refused something.
    #[error(transparent)]
    Refused(ServerError),
    /// The server was not reached, or the connection broke.
    #[error("the server is not reached: {0}")]
    Unreachable(#[source] std::io::Error),
}

/// Why a part of what was asked for cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The server does not deliver it. It is asked for again with the next connection.
    #[error("not delivered: {0}")]
    Refused(#[source] ServerError),
    /// One event is not what its type is made of. Those after it come.
    #[error("event {seq} cannot be read")]
    Unreadable {
        /// Its position.
        seq: u64,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// A client of one server. A cheap clone; the connection ends when the last clone, and the last watch
/// and stream made from one, are dropped.
#[derive(Clone)]
pub struct Client {
    pub(super) owner: Arc<Owner>,
    pub(super) archive: Arc<Archive>,
    pub(super) state: watch::Receiver<ConnectionState>,
    pub(super) error: watch::Receiver<Option<Arc<ClientError>>>,
    pub(super) expiring: watch::Receiver<Option<Expiring>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("state", &*self.state.borrow()).finish_non_exhaustive()
    }
}

impl Client {
    /// Makes a client of the server whose WebSocket is there: `ws://` or, with the feature `client-tls`,
    /// `wss://`.
    pub fn builder(url: &str) -> ClientBuilder {
        ClientBuilder::new(url)
    }

    /// How the connection stands.
    pub fn status(&self) -> Watch<ConnectionState> {
        Watch::of_client(self.state.clone(), Arc::clone(&self.owner))
    }

    /// What went wrong last.
    pub fn last_error(&self) -> Watch<Option<Arc<ClientError>>> {
        Watch::of_client(self.error.clone(), Arc::clone(&self.owner))
    }

    /// Whether the sign-in ends soon: a newer token is to be given to [`renew`](Self::renew).
    pub fn expiring(&self) -> Watch<Option<Expiring>> {
        Watch::of_client(self.expiring.clone(), Arc::clone(&self.owner))
    }

    /// Signs in with this token from now on: the connection there is, and every later attempt.
    ///
    /// # Errors
    ///
    /// [`BuildError::Token`]: the one before stays.
    pub fn renew(&self, token: &str) -> Result<(), BuildError> {
        let token = Token::new(token).ok_or(BuildError::Token)?;
        self.owner.shared.renew(token);
        Ok(())
    }

    /// Tries at once if disconnected; else makes sure that the server is still there. For when the network
    /// came back, or the machine woke up.
    pub fn wake(&self) {
        self.owner.shared.ask(|asked| asked.wake = true);
    }

    /// Ends the client for all who have it, and waits until the connection is closed.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the client ends all the same.
    pub async fn close(self) {
        self.owner.shared.ask(|asked| asked.close = true);
        let mut state = self.state.clone();
        // An error is the end as well: who told it is gone.
        while state.changed().await.is_ok() {}
    }

    /// Whether nothing comes any more.
    pub fn is_ended(&self) -> bool {
        self.state.has_changed().is_err()
    }

    /// The latest status of each service of a room.
    pub fn service_status(&self, room: &RoomName) -> Watch<Latest<ServiceStatus>> {
        self.latest(room)
    }

    /// The latest event of each key, of a type of which the latest is kept.
    pub fn latest<P: Payload + Send + Sync + 'static>(&self, room: &RoomName) -> Watch<Latest<P>> {
        self.view(room, Filter::of::<P>())
    }

    /// The builds of a room, from the start of each.
    pub fn build_progress(&self, room: &RoomName) -> BuildWatch {
        BuildWatch::new(self.view(room, Filter::of::<BuildProgress>()))
    }

    /// The samples of one container.
    pub fn docker_stats(&self, room: &RoomName, container_id: &Name) -> Watch<StatsHistory> {
        let filter = Filter::of::<DockerStats>().keys([container_id.clone()]).tail(300);
        self.view(room, filter)
    }

    /// The log of a service: its last 100 lines, and those that follow.
    pub fn logs(&self, room: &RoomName, service: &Name) -> Logs {
        self.logs_with_tail(room, service, 100)
    }

    /// The log of a service: that many of its last lines, 2,000 at most, and those that follow.
    pub fn logs_with_tail(&self, room: &RoomName, service: &Name, tail: u32) -> Logs {
        let filter = Filter::of::<LogsStream>().keys([service.clone()]).tail(tail);
        let events = Events::new(self, room, filter);
        Logs::new(events, Arc::clone(&self.archive), room.clone(), service.clone())
    }

    /// Everything of one type that a room says.
    pub fn events<P: Payload + Send + 'static>(&self, room: &RoomName) -> Events<P> {
        Events::new(self, room, Filter::of::<P>())
    }

    /// What a room says that the filter lets through, of whatever type.
    pub fn raw_events(&self, room: &RoomName, filter: Filter) -> RawEvents {
        RawEvents::new(self, room, filter)
    }

    pub(super) fn read(&self, reading: Reading) -> Interest {
        let id = self.owner.shared.read(reading);
        Interest { owner: Arc::clone(&self.owner), id }
    }

    fn view<V: View + Default>(&self, room: &RoomName, filter: Filter) -> Watch<V> {
        let (view, receiver) = watch::channel(V::default());
        let feed = Viewed { scope: Scope::new(filter.clone()), view };
        let reading = Reading::new(room.clone(), filter, feed);
        Watch::of_reading(receiver, self.read(reading))
    }
}
