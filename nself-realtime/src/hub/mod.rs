//! The rooms of a program: who publishes into them, who reads them, and who is waiting for what.
//!
//! Publishing takes one short lock of one room, writes the event into its log and wakes the readers
//! that wait for it. It never waits for a reader and never fails because of one.

mod budget;
mod demand;
mod emitter;
mod peer;
mod presence_changes;
mod reader;
mod room;
mod sessions;
#[cfg(feature = "poll")]
mod visit;
mod wakes;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

#[cfg(test)]
use self::budget::Budget;
pub use self::demand::Demand;
pub use self::emitter::{EmitError, Emitter, MAX_EVENT_BYTES};
pub use self::peer::{Peer, Transmit};
pub use self::presence_changes::PresenceChanges;
pub(crate) use self::reader::{AckError, Output, Reader, Step, SubscribeError};
pub(crate) use self::room::Room;
use self::room::Surroundings;
use self::sessions::Sessions;
#[cfg(feature = "poll")]
pub(crate) use self::visit::{Due, Found, Visit};
#[cfg(feature = "server")]
pub(crate) use self::wakes::ReaderWaker;
use crate::RoomName;
use crate::broker::{Broker, MemoryBroker};
use crate::clock::{Clock, SystemClock};
use crate::event::{RoomState, RoomStatus};
use crate::room::PresenceBook;
use crate::signal::Signal;
use crate::stats::{Counters, Statistics};

/// Where random bits come from.
pub trait Randomness: Send + Sync + 'static {
    /// 64 bits that nobody can guess.
    fn bits(&self) -> u64;
}

/// The randomness of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    #[expect(clippy::expect_used, reason = "a system without randomness cannot run a server")]
    fn bits(&self) -> u64 {
        getrandom::u64().expect("the operating system gives no random bits")
    }
}

/// Makes a [`Hub`].
pub struct HubBuilder {
    broker: Arc<dyn Broker>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
}

impl HubBuilder {
    /// Says where the logs of the rooms live. Default: in this process.
    pub fn broker(mut self, broker: impl Broker) -> Self {
        self.broker = Arc::new(broker);
        self
    }

    /// Says what time it is. Default: the clock of the operating system.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Gives random bits. Default: those of the operating system.
    pub fn randomness(mut self, randomness: impl Randomness) -> Self {
        self.randomness = Arc::new(randomness);
        self
    }

    /// The hub, with the room `system`.
    pub fn build(self) -> Hub {
        let Self { broker, clock, randomness } = self;
        let surroundings = Surroundings::default();
        let system = Room::open(RoomName::system(), &*broker, &*randomness, &surroundings);
        let rooms = HashMap::from([(RoomName::system(), Arc::clone(&system))]);
        let shared = Shared {
            broker,
            clock,
            randomness,
            rooms: RwLock::new(rooms),
            system,
            surroundings,
            sessions: Mutex::default(),
            presence: Mutex::default(),
            presence_changes: Arc::default(),
            changes: Mutex::default(),
            counters: Counters::default(),
        };
        Hub { shared: Arc::new(shared) }
    }
}

impl fmt::Debug for HubBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubBuilder").finish_non_exhaustive()
    }
}

/// All rooms of a program. A cheap clone.
#[derive(Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

struct Shared {
    broker: Arc<dyn Broker>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    rooms: RwLock<HashMap<RoomName, Arc<Room>>>,
    system: Arc<Room>,
    surroundings: Surroundings,
    sessions: Mutex<Sessions>,
    presence: Mutex<PresenceBook>,
    presence_changes: Arc<Signal>,
    // Held while rooms come or go and `system` is told: it is told in the order in which they do.
    changes: Mutex<()>,
    counters: Counters,
}

impl Hub {
    /// A hub with the room `system` and nothing else, whose logs live in this process, on the clock and
    /// the randomness of the operating system.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A hub with a broker, a clock or a randomness of one's own.
    pub fn builder() -> HubBuilder {
        HubBuilder {
            broker: Arc::new(MemoryBroker),
            clock: Arc::new(SystemClock),
            randomness: Arc::new(SystemRandomness),
        }
    }

    /// The clock that events are stamped by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    fn broker(&self) -> &dyn Broker {
        &*self.shared.broker
    }

    pub(crate) fn random_bits(&self) -> u64 {
        self.shared.randomness.bits()
    }

    /// An emitter for that room. If there is no such room it begins now, and `system` is told.
    pub fn open_room(&self, name: &RoomName) -> Emitter {
        self.open(name, None)
    }

    /// The same for a room whose name does not say what people call it: `system` is told this title (256
    /// bytes at most, longer ones are cut) if the room begins now.
    pub fn open_titled_room(&self, name: &RoomName, title: &str) -> Emitter {
        let end = title.floor_char_boundary(256);
        self.open(name, title.get(..end).map(str::to_owned))
    }

    fn open(&self, name: &RoomName, title: Option<String>) -> Emitter {
        if let Some(room) = self.room(name) {
            return Emitter::new(self.clone(), room);
        }
        let _changes = lock(&self.shared.changes);
        let mut rooms = self.shared.rooms.write().unwrap_or_else(PoisonError::into_inner);
        let room = match rooms.entry(name.clone()) {
            // Somebody else was faster.
            Entry::Occupied(known) => Arc::clone(known.get()),
            Entry::Vacant(place) => {
                let Shared { broker, randomness, surroundings, .. } = &*self.shared;
                let room = Room::open(name.clone(), &**broker, &**randomness, surroundings);
                place.insert(Arc::clone(&room));
                drop(rooms);
                self.tell(name, RoomState::Open, title);
                room
            }
        };
        Emitter::new(self.clone(), room)
    }

    /// Ends a room: its readers are told, and so is `system`. What was published in it is gone; if it
    /// is opened again it begins a new epoch. `system` itself cannot be closed.
    pub fn close_room(&self, name: &RoomName) {
        if *name == RoomName::system() {
            return;
        }
        let _changes = lock(&self.shared.changes);
        let room = {
            let mut rooms = self.shared.rooms.write().unwrap_or_else(PoisonError::into_inner);
            rooms.remove(name)
        };
        if let Some(room) = room {
            room.close();
            self.tell(name, RoomState::Closed, None);
        }
    }

    /// A room for one stream to one reader, of which nobody is told; `None` if its name is taken.
    #[cfg(feature = "server")]
    pub(crate) fn open_flow_room(&self, name: &RoomName) -> Option<Arc<Room>> {
        let mut rooms = self.shared.rooms.write().unwrap_or_else(PoisonError::into_inner);
        let Entry::Vacant(place) = rooms.entry(name.clone()) else { return None };
        let room =
            Room::open_stream(name.clone(), &*self.shared.randomness, &self.shared.surroundings);
        Some(Arc::clone(place.insert(room)))
    }

    /// Ends the room of a stream.
    #[cfg(feature = "server")]
    pub(crate) fn close_flow_room(&self, room: &Arc<Room>, name: &RoomName) {
        let mut rooms = self.shared.rooms.write().unwrap_or_else(PoisonError::into_inner);
        if rooms.get(name).is_some_and(|known| Arc::ptr_eq(known, room)) {
            rooms.remove(name);
        }
        drop(rooms);
        room.close();
    }

    /// An emitter for the room `system`.
    pub fn system(&self) -> Emitter {
        Emitter::new(self.clone(), Arc::clone(&self.shared.system))
    }

    /// What is being watched, for producers that work only while somebody looks.
    pub fn demand(&self) -> Demand {
        Demand::new(self.clone(), self.shared.surroundings.demand.wait())
    }

    /// The names of the rooms that there are, in order.
    pub fn rooms(&self) -> Vec<RoomName> {
        let rooms = self.shared.rooms.read().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<RoomName> = rooms.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// What was done so far.
    pub fn statistics(&self) -> Statistics {
        self.shared.counters.read()
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// Tells `system` what changed in who is here, if it is time to, and returns when to call this again
    /// at the latest. A [`Server`](crate::Server) does so by itself; who drives [`Peer`]s without one
    /// calls it then, and after each change.
    pub fn tell_presence(&self, now: Instant) -> Option<Instant> {
        let (events, deadline) = {
            let mut book = self.presence();
            (book.poll(now), book.deadline())
        };
        for event in events {
            if let Err(error) = self.system().emit(&event) {
                tracing::error!(%error, "who is here could not be told");
            }
        }
        deadline
    }

    /// Wakes readers while it is polled, so that who publishes need not.
    #[cfg(feature = "server")]
    pub(crate) fn reader_waker(&self) -> ReaderWaker {
        ReaderWaker::new(Arc::clone(&self.shared.surroundings.wakes))
    }

    /// Tells when who is here changes, from now on.
    pub fn presence_changes(&self) -> PresenceChanges {
        PresenceChanges::new(self.shared.presence_changes.wait())
    }

    fn change_presence(&self, change: impl FnOnce(&mut PresenceBook)) {
        change(&mut self.presence());
        self.shared.presence_changes.notify();
    }

    #[cfg(test)]
    fn budget(&self) -> &Budget {
        &self.shared.surroundings.budget
    }

    fn presence(&self) -> MutexGuard<'_, PresenceBook> {
        lock(&self.shared.presence)
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        lock(&self.shared.sessions)
    }

    fn room(&self, name: &RoomName) -> Option<Arc<Room>> {
        self.shared.rooms.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn tell(&self, room: &RoomName, state: RoomState, title: Option<String>) {
        let status = RoomStatus { room: room.clone(), state, title, services: None };
        if let Err(error) = self.system().emit(&status) {
            tracing::error!(%room, %error, "the state of a room could not be told");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for Hub {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("rooms", &self.rooms()).finish_non_exhaustive()
    }
}
