//! The rooms of the projects. One closes when its project has had no service for a while; its return
//! is a new log.

use std::collections::HashMap;
use std::time::Duration;

use nself_realtime::{Emitter, Hub, RoomName};
use tokio::time::Instant;

/// The rooms that were opened here.
pub(super) struct Rooms {
    hub: Hub,
    open: HashMap<RoomName, Room>,
    kept: Option<RoomName>,
}

struct Room {
    emitter: Emitter,
    empty_since: Option<Instant>,
}

impl Rooms {
    /// `kept` is there from now on and for ever.
    pub(super) fn new(hub: Hub, kept: Option<RoomName>) -> Self {
        let mut rooms = Self { hub, open: HashMap::new(), kept: None };
        if let Some(name) = &kept {
            rooms.emitter(name, None);
        }
        Self { kept, ..rooms }
    }

    /// An emitter for a room that has a service, opened if need be. A room that cannot have the name of
    /// its project has it as its title.
    pub(super) fn emitter(&mut self, name: &RoomName, project: Option<&str>) -> &Emitter {
        let hub = &self.hub;
        let open = || match project {
            Some(project) if project != name.as_str() => hub.open_titled_room(name, project),
            _ => hub.open_room(name),
        };
        let room = self
            .open
            .entry(name.clone())
            .or_insert_with(|| Room { emitter: open(), empty_since: None });
        room.empty_since = None;
        &room.emitter
    }

    /// Notes that the last service of a room is gone.
    pub(super) fn handle_empty(&mut self, name: &RoomName, now: Instant) {
        if self.kept.as_ref() == Some(name) {
            return;
        }
        if let Some(room) = self.open.get_mut(name) {
            room.empty_since.get_or_insert(now);
        }
    }

    /// Closes the rooms that have been empty for long enough.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.open.retain(|name, room| {
            let close = room.empty_since.is_some_and(|since| since + CLOSES_AFTER <= now);
            if close {
                self.hub.close_room(name);
            }
            !close
        });
    }

    /// When [`Rooms::handle_timeout`] is to be called.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.open.values().filter_map(|room| room.empty_since).min().map(|at| at + CLOSES_AFTER)
    }
}

/// How long an empty room stays open.
const CLOSES_AFTER: Duration = Duration::from_mins(10);
