//! A flow-controlled stream: the producer waits for its one reader, so that neither a slow reader nor a
//! large result fills the memory, and nothing of it is ever skipped.
//!
//! # When the reader is gone
//!
//! A reader that unsubscribes ends the producer at once. One whose connection is lost may come back and
//! go on from its cursor; if nothing is acknowledged for 60 s the producer ends with
//! [`StreamError::Timeout`].

use std::future::poll_fn;
use std::sync::Arc;

use crate::broker::BrokerError;
use crate::event::QueryResult;
use crate::hub::{EmitError, Emitter, Hub, Room};
use crate::room::Headway;
use crate::{Payload, RoomName};

/// Why a stream ended before its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The reader wants no more.
    #[error("the reader of {room} left")]
    ReaderLeft {
        /// Which stream.
        room: RoomName,
    },
    /// The reader acknowledged nothing for 60 s.
    #[error("the reader of {room} acknowledged nothing for 60 s")]
    Timeout {
        /// Which stream.
        room: RoomName,
    },
    /// The event was not published.
    #[error(transparent)]
    Emit(#[from] EmitError),
}

/// Publishes into a room of its own as fast as its reader reads. The room is closed when this is
/// dropped.
#[derive(Debug)]
pub struct FlowStream {
    hub: Hub,
    room: Arc<Room>,
    emitter: Emitter,
}

impl Hub {
    /// Opens a room for one stream to one reader; `None` if there is a room of that name. Nobody is told
    /// of it but whoever is given its name.
    pub fn open_stream(&self, name: &RoomName) -> Option<FlowStream> {
        let room = self.open_flow_room(name)?;
        let emitter = Emitter::new(self.clone(), Arc::clone(&room));
        Some(FlowStream { hub: self.clone(), room, emitter })
    }
}

impl FlowStream {
    /// The room that it publishes into.
    pub fn room(&self) -> &RoomName {
        self.emitter.room()
    }

    /// Publishes rows of a query's result as soon as there is room for them.
    ///
    /// # Errors
    ///
    /// [`StreamError`]: they reached nobody.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, they were not published.
    pub async fn db_query_result(&self, result: &QueryResult) -> Result<(), StreamError> {
        self.send(result).await
    }

    /// Publishes an event as soon as there is room for it. Before a reader has come, the first events
    /// wait for it.
    ///
    /// # Errors
    ///
    /// [`StreamError`]: the event reached nobody, and unless it was an invalid one, none will.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the event was not published.
    pub async fn send<P: Payload>(&self, payload: &P) -> Result<(), StreamError> {
        self.wait(false).await?;
        self.emitter.publish_flow(payload, self.hub.clock().now())?;
        Ok(())
    }

    /// Waits until the reader has acknowledged everything, and closes the room.
    ///
    /// # Errors
    ///
    /// [`StreamError`]: it has not.
    pub async fn finish(self) -> Result<(), StreamError> {
        self.wait(true).await
    }

    async fn wait(&self, all: bool) -> Result<(), StreamError> {
        let mut moves = self.room.flow_changes();
        loop {
            let now = self.hub.clock().now();
            let room = || self.room().clone();
            let until = match self.room.headway(now, all) {
                Some(Headway::Yes) => return Ok(()),
                Some(Headway::Left) => return Err(StreamError::ReaderLeft { room: room() }),
                Some(Headway::Timeout) => return Err(StreamError::Timeout { room: room() }),
                None => {
                    return Err(EmitError::from(BrokerError::RoomClosed { room: room() }).into());
                }
                Some(Headway::Until(until)) => until,
            };
            let changed = poll_fn(|cx| moves.poll(cx.waker()));
            // Late or not: what holds is looked at again.
            let _ = tokio::time::timeout_at(until.into(), changed).await;
        }
    }
}

impl Drop for FlowStream {
    fn drop(&mut self) {
        self.hub.close_flow_room(&self.room, self.emitter.room());
    }
}
