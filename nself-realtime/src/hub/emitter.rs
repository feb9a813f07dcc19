//! Publishing: a payload is checked and encoded once, on the emitter's thread, and nothing waits.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;

use super::Hub;
use super::room::Room;
use crate::event::{
    BuildProgress, DeployProgress, DockerStats, InvalidPayload, LogsStream, Notification,
    ServiceStatus,
};
use crate::room::{Draft, TypeRule};
use crate::{NameError, Payload, Retention, RoomName, Timestamp};

/// The largest event that is taken, in bytes as JSON.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;

/// Why an event was not published. It reached nobody.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The payload breaks a rule of its type.
    #[error(transparent)]
    Invalid(#[from] InvalidPayload),
    /// Its type or its key is not a name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// It cannot be written as JSON.
    #[error("{event_type} cannot be written as JSON")]
    Encode {
        /// The type of the event.
        event_type: &'static str,
        /// What the encoder said.
        source: serde_json::Error,
    },
    /// It is larger than [`MAX_EVENT_BYTES`].
    #[error("{event_type} of {bytes} bytes is too large: {MAX_EVENT_BYTES} are taken")]
    TooLarge {
        /// The type of the event.
        event_type: &'static str,
        /// How large it is as JSON.
        bytes: usize,
    },
    /// The room was closed.
    #[error("the room {room} is closed")]
    RoomClosed {
        /// Which room.
        room: RoomName,
    },
}

/// Publishes into one room. A cheap clone.
#[derive(Debug, Clone)]
pub struct Emitter {
    hub: Hub,
    room: Arc<Room>,
    name: RoomName,
}

impl Emitter {
    pub(super) fn new(hub: Hub, room: Arc<Room>) -> Self {
        let name = room.lock().log.name().clone();
        Self { hub, room, name }
    }

    /// The room that it publishes into.
    pub fn room(&self) -> &RoomName {
        &self.name
    }

    /// Publishes an event and returns its position in the room. Never waits.
    ///
    /// # Errors
    ///
    /// [`EmitError`]: the event reached nobody.
    pub fn emit<P: Payload>(&self, payload: &P) -> Result<u64, EmitError> {
        payload.check()?;
        let timestamp = self.hub.clock().timestamp();
        let body = encode(timestamp, payload)?;
        let condensed = match P::RETENTION {
            Retention::Runs { .. } => payload.condensed(),
            _ => None,
        };
        let condensed = condensed.map(|condensed| encode(timestamp, &condensed)).transpose()?;
        let draft = Draft {
            rule: TypeRule { name: P::TYPE, delivery: P::DELIVERY, retention: P::RETENTION },
            key: payload.key(),
            removal: payload.is_removal(),
            body,
            condensed,
        };
        let published = self.room.publish(draft);
        let seq = published.ok_or_else(|| EmitError::RoomClosed { room: self.name.clone() })?;
        Ok(seq?)
    }

    /// Publishes how a service is.
    ///
    /// # Errors
    ///
    /// [`EmitError`]: the event reached nobody.
    pub fn service_status(&self, status: &ServiceStatus) -> Result<u64, EmitError> {
        self.emit(status)
    }

    /// Publishes a line of a log, or a marker in it.
    ///
    /// # Errors
    ///
    /// [`EmitError`]: the event reached nobody.
    pub fn log(&self, entry: &LogsStream) -> Result<u64, EmitError> {
        self.emit(entry)
    }

    /// Publishes what a container uses.
    ///
    /// # Errors
    ///
    /// [`EmitError`]: the event reached nobody.
    pub fn docker_stats(&self, stats: &DockerStats) -> Result<u64, EmitError> {
        self.emit(stats)
    }

    /// Publishes how a build stands.
    ///
    /// # Errors
    ///
    /// [`EmitError`]: the event reached nobody.
    pub fn build_progress(&self, progress: &BuildProgress) -> Result<u64, EmitError> {
        self.emit(progress)
    }

    /// Publishes how a deployment stands.
    ///
    /// # Errors
    ///
    /// [`EmitError`]: the event reached nobody.
    pub fn deploy_progress(&self, progress: &DeployProgress) -> Result<u64, EmitError> {
        self.emit(progress)
    }

    /// Publishes what somebody should look at.
    ///
    /// # Errors
    ///
    /// [`EmitError`]: the event reached nobody.
    pub fn notification(&self, notification: &Notification) -> Result<u64, EmitError> {
        self.emit(notification)
    }
}

thread_local! {
    // Grows to the largest event of the thread, so that an event costs one allocation: its own.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// `"timestamp":"…","data":{…}}`: an event but for what its room says about it.
fn encode<P: Payload>(timestamp: Timestamp, payload: &P) -> Result<Bytes, EmitError> {
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.clear();
        let written = write!(scratch, r#""timestamp":"{timestamp}","data":"#)
            .map_err(serde_json::Error::io)
            .and_then(|()| payload.serialize(&mut serde_json::Serializer::new(&mut *scratch)));
        written.map_err(|source| EmitError::Encode { event_type: P::TYPE, source })?;
        scratch.push(b'}');
        if scratch.len() > MAX_EVENT_BYTES {
            let bytes = scratch.len();
            *scratch = Vec::new();
            return Err(EmitError::TooLarge { event_type: P::TYPE, bytes });
        }
        Ok(Bytes::copy_from_slice(scratch))
    })
}
