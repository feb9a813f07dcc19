//! Publishing: a payload is checked and encoded once, on the emitter's thread, and nothing waits.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;

use super::Hub;
use super::room::Room;
use crate::broker::{BrokerError, Confirmation, Log, Record};
use crate::event::{
    BuildProgress, DeployProgress, DockerStats, InvalidPayload, LogsStream, Notification,
    ServiceStatus,
};
use crate::stats::Counters;
use crate::{Cursor, Delivery, Payload, Retention, RoomName, Timestamp};

/// The largest event that is taken, in bytes as JSON.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;

/// Why an event was not published. It reached nobody.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The payload breaks a rule of its type.
    #[error(transparent)]
    Invalid(#[from] InvalidPayload),
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
    /// Its producer has to wait for its reader, and an emitter never waits.
    #[error("{event_type} is flow-controlled: it needs a stream, see Hub::open_stream")]
    FlowControlled {
        /// The type of the event.
        event_type: &'static str,
    },
    /// The broker did not take it; also if the room was closed.
    #[error(transparent)]
    Broker(#[from] BrokerError),
}

/// Publishes into one room. A cheap clone.
#[derive(Debug, Clone)]
pub struct Emitter {
    hub: Hub,
    // An emitter keeps its room, a log does not.
    room: Arc<Room>,
    log: Log,
}

impl Emitter {
    pub(crate) fn new(hub: Hub, room: Arc<Room>) -> Self {
        let log = Log::new(room.lock().log.name().clone(), &room);
        Self { hub, room, log }
    }

    /// The room that it publishes into.
    pub fn room(&self) -> &RoomName {
        self.log.room()
    }

    /// Publishes an event. Never waits.
    ///
    /// # Errors
    ///
    /// [`EmitError`]: the event reached nobody.
    pub fn emit<P: Payload>(&self, payload: &P) -> Result<(), EmitError> {
        // Where a broker elsewhere puts it is for those who ask.
        self.publish(payload).map(drop)
    }

    /// Publishes an event and says where it stands, once that is known.
    ///
    /// # Errors
    ///
    /// [`EmitError`]: the event reached nobody, or, if the broker was lost meanwhile, may have.
    ///
    /// # Cancel safety
    ///
    /// The event is published when this is first polled, whether it is awaited to its end or not.
    pub async fn emit_confirmed<P: Payload>(&self, payload: &P) -> Result<Cursor, EmitError> {
        match self.publish(payload)? {
            Confirmation::Now(cursor) => Ok(cursor),
            Confirmation::Later(cursor) => Ok(cursor.await?),
        }
    }

    /// Lets go of what is kept of a key that will not come again, such as the samples of a container that
    /// was removed: later readers are not told of it. To those who resume from before it is missing, and
    /// counted. Of a log that several servers share, this process's copy lets go of it.
    pub fn forget<P: Payload>(&self, key: &str) {
        self.room.forget(P::TYPE, key);
    }

    /// Publishes into the room of a stream, which lives here.
    #[cfg(feature = "server")]
    pub(crate) fn publish_flow<P: Payload>(
        &self,
        payload: &P,
        now: std::time::Instant,
    ) -> Result<(), EmitError> {
        let record = self.record(payload)?;
        let bytes = record.body.len();
        let cursor = self.log.append(record)?;
        self.room.change_flow(|flow, _| flow.published(now, cursor.seq, bytes));
        Counters::add(&self.hub.counters().events_in, 1);
        Ok(())
    }

    fn publish<P: Payload>(&self, payload: &P) -> Result<Confirmation, EmitError> {
        if P::DELIVERY == Delivery::FlowControlled {
            return Err(EmitError::FlowControlled { event_type: P::TYPE });
        }
        let record = self.record(payload)?;
        let confirmation = self.hub.broker().publish(&self.log, record)?;
        Counters::add(&self.hub.counters().events_in, 1);
        Ok(confirmation)
    }

    fn record<'a, P: Payload>(&self, payload: &'a P) -> Result<Record<'a>, EmitError> {
        payload.check()?;
        let timestamp = self.hub.clock().timestamp();
        let body = encode(timestamp, payload)?;
        let condensed = match P::RETENTION {
            Retention::Runs { .. } => payload.condensed(),
            _ => None,
        };
        let condensed = condensed.map(|condensed| encode(timestamp, &condensed)).transpose()?;
        Ok(Record {
            event_type: P::TYPE,
            key: payload.key(),
            delivery: P::DELIVERY,
            retention: P::RETENTION,
            removal: payload.is_removal(),
            history: payload.history(),
            body,
            published: u64::try_from(timestamp.unix_nanos()).unwrap_or(0),
            condensed,
        })
    }

    /// Publishes how a service is.
    ///
    /// # Errors
    ///
    /// [`EmitError`]: the event reached nobody.
    pub fn service_status(&self, status: &ServiceStatus) -> Result<(), EmitError> {
        self.emit(status)
    }

    /// Publishes a line of a log, or a marker in it.
    ///
    /// # Errors
    ///
    /// [`EmitError`]: the event reached nobody.
    pub fn log(&self, entry: &LogsStream) -> Result<(), EmitError> {
        self.emit(entry)
    }

    /// Publishes what a container uses.
    ///
    /// # Errors
    ///
    /// [`EmitError`]: the event reached nobody.
    pub fn docker_stats(&self, stats: &DockerStats) -> Result<(), EmitError> {
        self.emit(stats)
    }

    /// Publishes how a build stands.
    ///
    /// # Errors
    ///
    /// [`EmitError`]: the event reached nobody.
    pub fn build_progress(&self, progress: &BuildProgress) -> Result<(), EmitError> {
        self.emit(progress)
    }

    /// Publishes how a deployment stands.
    ///
    /// # Errors
    ///
    /// [`EmitError`]: the event reached nobody.
    pub fn deploy_progress(&self, progress: &DeployProgress) -> Result<(), EmitError> {
        self.emit(progress)
    }

    /// Publishes what somebody should look at.
    ///
    /// # Errors
    ///
    /// [`EmitError`]: the event reached nobody.
    pub fn notification(&self, notification: &Notification) -> Result<(), EmitError> {
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
