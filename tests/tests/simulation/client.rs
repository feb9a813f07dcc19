//! A client of the simulation: its session, what it wants, and what it was told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use nself_realtime::client::{ClientConfig, ClientSession, ConnectionState, SessionEvent};
use nself_realtime::event::RoomStatus;
use nself_realtime::{Filter, RoomName};

use crate::book::Book;
use crate::network::Network;
use crate::payload::Wish;
use crate::reader::RoomView;
use crate::simulation::Figures;

pub(crate) struct Client {
    pub(crate) session: ClientSession,
    pub(crate) network: Network,
    pub(crate) views: BTreeMap<RoomName, RoomView>,
    /// Which connection is its own.
    pub(crate) link: Option<usize>,
    /// When its attempt to connect is decided.
    pub(crate) decided_at: Option<Instant>,
    /// The poll that it waits for.
    pub(crate) poll: Option<u64>,
}

impl Client {
    pub(crate) fn new(seed: u64, network: Network, now: Instant) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        let mut session = ClientSession::new(ClientConfig::default(), None, move || dice.u64(..));
        let system = RoomName::system();
        // So it learns which rooms there are.
        session.read(&system, &[Filter::of::<RoomStatus>()], now);
        Self { session, network, views: BTreeMap::new(), link: None, decided_at: None, poll: None }
    }

    pub(crate) fn is_live(&self) -> bool {
        *self.session.state() == ConnectionState::Live
    }

    /// The connection of its poll is lost.
    pub(crate) fn lose_poll(&mut self, now: Instant) {
        if let Some(id) = self.poll.take() {
            self.session.handle_poll_failure(id, now);
        }
    }

    /// Wants exactly that of a room from now on.
    pub(crate) fn want(&mut self, room: &RoomName, wishes: &BTreeSet<Wish>, now: Instant) {
        let filters: Vec<Filter> = wishes.iter().map(|wish| wish.filter()).collect();
        self.session.read(room, &filters, now);
        if wishes.is_empty() {
            self.views.remove(room);
        } else {
            self.views.entry(room.clone()).or_default().want(wishes);
        }
    }

    /// Takes in what the session tells.
    pub(crate) fn listen(
        &mut self,
        book: &Book,
        figures: &mut Figures,
        tell: &dyn Fn(String),
    ) -> bool {
        let mut heard = false;
        while let Some(event) = self.session.poll_event() {
            heard = true;
            match event {
                SessionEvent::Delivery(delivery) if *delivery.room() != RoomName::system() => {
                    tell(format!("{delivery:?}"));
                    let room = delivery.room().clone();
                    let polled = !self.is_live();
                    // A room that is no longer wanted may still be told of.
                    if let Some(view) = self.views.get_mut(&room) {
                        view.take(delivery, book, polled);
                    }
                }
                SessionEvent::State(state) => {
                    tell(format!("{state:?}"));
                    figures.note(&state);
                }
                SessionEvent::Error(error) => {
                    let expected = ["unknown_room", "rate_limited", "unavailable"];
                    assert!(expected.contains(&error.code.as_str()), "{error}");
                }
                _ => {}
            }
        }
        heard
    }
}
