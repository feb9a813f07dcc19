//! Where the log of a room lives, and who gives out positions in it.
//!
//! By default that is this process ([`MemoryBroker`]). A broker that several processes share (a stream
//! of NATS JetStream, say: its sequence is the position, its creation the epoch) takes what is published
//! to where the order is made, and feeds every process's copy of the log in that order. Then any server
//! answers any cursor.
//!
//! Readers read the copy, so nothing of theirs depends on which broker there is.

use std::fmt;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::event::{Delivery, Retention};
use crate::hub::Room;
use crate::{Cursor, Epoch, RoomName};

/// An event on its way into a log: everything that a copy of the log elsewhere has to know of it.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// Its type.
    pub event_type: &'a str,
    /// What it is about.
    pub key: &'a str,
    /// How urgent it is.
    pub delivery: Delivery,
    /// What is kept of its type.
    pub retention: Retention,
    /// Whether it says that its key is gone.
    pub removal: bool,
    /// How many events from before its producer began follow it, if it is one.
    pub history: Option<u32>,
    /// When it was published, in nanoseconds since 1970.
    pub published: u64,
    /// The event as JSON from its timestamp to its end: `"timestamp":"…","data":{…}}`.
    pub body: Bytes,
    /// The same without the payload's bulk, if its type has such a form.
    pub condensed: Option<Bytes>,
}

/// Where an event came to stand.
pub enum Confirmation {
    /// Here, already.
    Now(Cursor),
    /// That is decided elsewhere.
    Later(BoxFuture<'static, Result<Cursor, BrokerError>>),
}

impl fmt::Debug for Confirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(cursor) => f.debug_tuple("Now").field(cursor).finish(),
            Self::Later(_) => f.debug_tuple("Later").finish_non_exhaustive(),
        }
    }
}

/// Why a broker did not take an event, or a log did not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// The room was closed.
    #[error("the room {room} is closed")]
    RoomClosed {
        /// Which room.
        room: RoomName,
    },
    /// The record has a type or a key that is not a name.
    #[error(transparent)]
    Name(#[from] crate::NameError),
    /// A copy was fed out of order.
    #[error("position {seq} was fed after {head}")]
    OutOfOrder {
        /// The position that came.
        seq: u64,
        /// The newest one in the log.
        head: u64,
    },
    /// The broker cannot be reached.
    #[error("the broker cannot be reached: {reason}")]
    Unavailable {
        /// What is wrong with it.
        reason: String,
    },
}

/// Gives out the positions in the logs of rooms.
pub trait Broker: Send + Sync + 'static {
    /// A room was opened: from now on its log is fed by this broker, until the log is dropped. A log
    /// that lives elsewhere is [begun](Log::begin) anew once it is known where it stands.
    ///
    /// The rooms of the hub are locked meanwhile: whoever asks the hub for one in here waits for ever.
    fn open(&self, log: &Log) {
        let _ = log;
    }

    /// Takes an event. Must not wait, nor open or close rooms: that these do so is published, too.
    ///
    /// # Errors
    ///
    /// [`BrokerError`]: the event reached nobody.
    fn publish(&self, log: &Log, record: Record<'_>) -> Result<Confirmation, BrokerError>;
}

/// The copy of a room's log in this process, for its broker to feed. A cheap clone; it does not keep the
/// room.
#[derive(Debug, Clone)]
pub struct Log {
    name: RoomName,
    room: Weak<Room>,
}

impl Log {
    pub(crate) fn new(name: RoomName, room: &Arc<Room>) -> Self {
        Self { name, room: Arc::downgrade(room) }
    }

    /// The room that it belongs to.
    pub fn room(&self) -> &RoomName {
        &self.name
    }

    /// Whether the room is still open.
    pub fn is_open(&self) -> bool {
        self.room.upgrade().is_some_and(|room| !room.is_closed())
    }

    /// Begins another life of the log: everything up to `after` is not in this copy. Readers of the one
    /// before are reset.
    pub fn begin(&self, epoch: Epoch, after: u64) {
        if let Some(room) = self.room.upgrade() {
            room.begin(epoch, after);
        }
    }

    /// Appends an event at the next position and returns it: for brokers whose order is made here.
    ///
    /// # Errors
    ///
    /// [`BrokerError`]: the event reached nobody.
    pub fn append(&self, record: Record<'_>) -> Result<Cursor, BrokerError> {
        self.open_room()?.append(record, None)
    }

    /// Appends the event that stands at `seq` elsewhere. One that is here already is passed over.
    ///
    /// # Errors
    ///
    /// [`BrokerError::OutOfOrder`] if there is a hole before it: the copy has to be [begun](Log::begin)
    /// anew.
    pub fn append_at(&self, seq: u64, record: Record<'_>) -> Result<Cursor, BrokerError> {
        self.open_room()?.append(record, Some(seq))
    }

    fn open_room(&self) -> Result<Arc<Room>, BrokerError> {
        self.room.upgrade().ok_or_else(|| BrokerError::RoomClosed { room: self.name.clone() })
    }
}

/// Logs live in this process and begin anew with it.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemoryBroker;

impl Broker for MemoryBroker {
    fn publish(&self, log: &Log, record: Record<'_>) -> Result<Confirmation, BrokerError> {
        log.append(record).map(Confirmation::Now)
    }
}
