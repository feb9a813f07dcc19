//! The loop around a client's session: what the socket and the polls give goes in, what the session asks
//! for is done, what it tells goes to the readers. It takes nothing in while a reader is behind.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::{Sink, Stream};
use tokio::sync::watch;
use tokio::time::Sleep;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode as WireCloseCode;

use super::endpoint::{Answered, Asker, Endpoint, Socket, Unopened};
use super::feed::{Item, Nobody, Reading};
use super::shared::{ReadingId, Shared};
use super::{ClientError, Expiring};
use crate::client::{
    Action, Answer, ClientSession, ConnectionState, Delivery, ServerError, SessionEvent,
};
use crate::event::RoomStatus;
use crate::proto::CloseCode;
use crate::{Filter, RoomName};

/// How long a close may take to be taken.
const FAREWELL: Duration = Duration::from_secs(1);

type Asked = BoxFuture<'static, (Asker, std::io::Result<Answered>)>;

/// What a client tells of itself.
pub(super) struct Tellings {
    pub(super) state: watch::Sender<ConnectionState>,
    pub(super) error: watch::Sender<Option<Arc<ClientError>>>,
    pub(super) expiring: watch::Sender<Option<Expiring>>,
}

/// Drives one session.
pub(super) struct Driver {
    session: ClientSession,
    shared: Arc<Shared>,
    endpoint: Endpoint,
    tellings: Tellings,
    readings: BTreeMap<ReadingId, Reading>,
    /// Rooms whose opening is waited for are told by `system`.
    watches_rooms: bool,
    /// The program has ended the client: what was not read is not waited for.
    closed: bool,
    in_hand: Option<InHand>,
    opening: Option<BoxFuture<'static, Result<Socket, Unopened>>>,
    socket: Option<Socket>,
    asker: Option<Asker>,
    asking: Option<Asking>,
    sleep: Pin<Box<Sleep>>,
}

/// What is being told, and who has it already.
struct InHand {
    told: Told,
    done: Option<ReadingId>,
}

enum Told {
    Delivery(Delivery),
    Refused(RoomName, ServerError),
}

/// A poll that is under way.
struct Asking {
    id: u64,
    answer: Asked,
    received: Arc<AtomicU64>,
    seen: u64,
}

impl Driver {
    pub(super) fn new(
        session: ClientSession,
        shared: Arc<Shared>,
        endpoint: Endpoint,
        tellings: Tellings,
    ) -> Self {
        Self {
            session,
            shared,
            asker: Some(Asker::new(endpoint.clone())),
            endpoint,
            tellings,
            readings: BTreeMap::new(),
            watches_rooms: false,
            closed: false,
            in_hand: None,
            opening: None,
            socket: None,
            asking: None,
            sleep: Box::pin(tokio::time::sleep(Duration::ZERO)),
        }
    }

    /// Drives until the session has ended.
    pub(super) async fn run(mut self) {
        self.session.start(now());
        poll_fn(|cx| self.poll(cx)).await;
        self.tellings.state.send_replace(self.session.state().clone());
        if let Some(mut socket) = self.socket.take() {
            let code = WireCloseCode::from(CloseCode::Normal.code());
            let close = CloseFrame { code, reason: CloseCode::Normal.reason().into() };
            // Who does not take it in time is left.
            let _ = tokio::time::timeout(FAREWELL, socket.close(Some(close))).await;
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.shared.register(cx.waker());
        loop {
            self.obey();
            self.act();
            if self.closed {
                return Poll::Ready(());
            }
            if self.poll_tell(cx).is_pending() {
                self.flush(cx);
                return Poll::Pending;
            }
            if self.session.state().is_end() {
                return Poll::Ready(());
            }
            if self.poll_input(cx) {
                continue;
            }
            if !self.flush(cx) {
                self.socket = None;
                self.session.handle_close(None, "", now());
                continue;
            }
            let Some(deadline) = self.session.poll_timeout() else { return Poll::Pending };
            if self.sleep.deadline().into_std() != deadline {
                self.sleep.as_mut().reset(deadline.into());
            }
            if self.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.session.handle_timeout(now().max(deadline));
        }
    }

    /// Does what handles ask for.
    fn obey(&mut self) {
        let asked = self.shared.take();
        let mut changed = BTreeSet::new();
        for (id, reading) in asked.added {
            changed.insert(reading.room.clone());
            self.readings.insert(id, reading);
        }
        for id in asked.left {
            changed.extend(self.readings.remove(&id).map(|reading| reading.room));
        }
        for room in changed {
            self.read(&room);
        }
        if let Some(token) = asked.renewed {
            self.session.authenticate(&token.text);
        }
        if asked.wake {
            self.session.handle_wake(now());
        }
        if asked.close {
            self.closed = true;
            self.session.close();
        }
    }

    fn read(&mut self, room: &RoomName) {
        let of_room = self.readings.values().filter(|reading| reading.room == *room);
        let filters: Vec<Filter> = of_room.map(|reading| reading.filter.clone()).collect();
        self.session.read(room, &filters, now());
    }

    /// Does what the session asks for.
    fn act(&mut self) {
        while let Some(action) = self.session.poll_action() {
            match action {
                Action::Connect => {
                    self.socket = None;
                    let (endpoint, token) = (self.endpoint.clone(), self.token());
                    self.opening = Some(Box::pin(async move { endpoint.open(token).await }));
                }
                Action::Send(text) => self.send(text),
                Action::Disconnect => {
                    self.opening = None;
                    // At the end a farewell is said.
                    if !self.session.state().is_end() {
                        self.socket = None;
                    }
                }
                Action::Poll { id, body } => self.ask(id, body),
                Action::CancelPoll { id } => {
                    self.asking.take_if(|asking| asking.id == id);
                }
            }
        }
    }

    fn token(&self) -> Option<http::HeaderValue> {
        self.shared.token().map(|token| token.header)
    }

    fn send(&mut self, text: String) {
        if let Some(socket) = &mut self.socket
            && let Err(error) = Pin::new(socket).start_send(Message::text(text))
        {
            tracing::debug!(%error, "nothing more can be sent");
            self.socket = None;
        }
    }

    fn ask(&mut self, id: u64, body: String) {
        // It went with a poll that was given up.
        let mut asker = self.asker.take().unwrap_or_else(|| Asker::new(self.endpoint.clone()));
        let (address, token) = (self.endpoint.poll.clone(), self.token());
        let received = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&received);
        let answer = Box::pin(async move {
            let answer = asker.post(&address, token, body.into(), &counted).await;
            (asker, answer)
        });
        self.asking = Some(Asking { id, answer, received, seen: 0 });
    }

    /// Takes one thing in; whether there was one.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> bool {
        self.poll_opening(cx) || self.poll_socket(cx) || self.poll_asking(cx)
    }

    fn poll_opening(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(opening) = &mut self.opening else { return false };
        let Poll::Ready(opened) = opening.as_mut().poll(cx) else { return false };
        self.opening = None;
        match opened {
            Ok(socket) => {
                self.socket = Some(socket);
                self.session.handle_open(now());
            }
            Err(Unopened::Refused(answer)) => self.session.handle_refused(&answer.view(), now()),
            Err(Unopened::Failed(error)) => {
                self.tell_unreachable(error);
                self.session.handle_close(None, "", now());
            }
        }
        true
    }

    fn poll_socket(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(socket) = &mut self.socket else { return false };
        let Poll::Ready(message) = Pin::new(socket).poll_next(cx) else { return false };
        match message {
            Some(Ok(Message::Text(text))) => self.session.handle_message(&text, now()),
            Some(Ok(Message::Close(frame))) => {
                self.socket = None;
                let code = frame.as_ref().map(|frame| u16::from(frame.code));
                let reason = frame.as_ref().map_or("", |frame| frame.reason.as_str());
                self.session.handle_close(code, reason, now());
            }
            Some(Ok(_)) => self.session.handle_alive(now()),
            Some(Err(error)) => {
                self.tell_unreachable(std::io::Error::other(error));
                self.socket = None;
                self.session.handle_close(None, "", now());
            }
            None => {
                self.socket = None;
                self.session.handle_close(None, "", now());
            }
        }
        true
    }

    fn poll_asking(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(asking) = &mut self.asking else { return false };
        let id = asking.id;
        let Poll::Ready((asker, answer)) = asking.answer.as_mut().poll(cx) else {
            let received = asking.received.load(Ordering::Relaxed);
            if received > std::mem::replace(&mut asking.seen, received) {
                self.session.handle_poll_progress(id, now());
            }
            return false;
        };
        self.asking = None;
        self.asker = Some(asker);
        match answer {
            Ok(answer) => self.session.handle_poll_answer(id, &answer.view(), now()),
            Err(error) => {
                self.tell_unreachable(error);
                self.session.handle_poll_failure(id, now());
            }
        }
        true
    }

    /// Writes what waits; whether the socket still takes it.
    fn flush(&mut self, cx: &mut Context<'_>) -> bool {
        match &mut self.socket {
            Some(socket) => !matches!(Pin::new(socket).poll_flush(cx), Poll::Ready(Err(_))),
            None => true,
        }
    }

    /// Tells what there is to tell; pending while a reader is behind.
    fn poll_tell(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.in_hand.is_none() {
                let Some(event) = self.session.poll_event() else { return Poll::Ready(()) };
                self.in_hand = self.note(event);
                self.act();
                continue;
            }
            let Some(InHand { told, done }) = &mut self.in_hand else { continue };
            let (room, item) = match told {
                Told::Delivery(delivery) => (delivery.room(), Item::Delivery(delivery)),
                Told::Refused(room, error) => (&*room, Item::Refused(error)),
            };
            for (id, reading) in &mut self.readings {
                if reading.room == *room && done.is_none_or(|done| *id > done) {
                    std::task::ready!(reading.poll_take(cx, item));
                    *done = Some(*id);
                }
            }
            if let Told::Delivery(Delivery::Events { room, .. }) = told
                && room.as_str().starts_with("query/")
            {
                let room = room.clone();
                self.session.acknowledge(&room);
            }
            self.in_hand = None;
            self.act();
        }
    }

    /// Notes what is not for the readers, and gives back what is.
    fn note(&mut self, event: SessionEvent) -> Option<InHand> {
        match event {
            SessionEvent::State(state) => {
                tracing::debug!(?state, "the connection changed");
                self.tellings.state.send_replace(state);
            }
            SessionEvent::Welcome(_) | SessionEvent::Authenticated { .. } => {
                self.tellings.expiring.send_replace(None);
            }
            SessionEvent::Expiring(expiring) => {
                self.tellings.expiring.send_replace(Some(expiring));
            }
            SessionEvent::Error(error) => {
                tracing::debug!(%error, "the server refused something");
                let room = error.room.clone();
                self.tell_error(ClientError::Refused(error.clone()));
                return room.map(|room| InHand { told: Told::Refused(room, error), done: None });
            }
            SessionEvent::Delivery(delivery) => {
                if let Delivery::Closed { .. } = delivery {
                    self.watch_rooms();
                }
                return Some(InHand { told: Told::Delivery(delivery), done: None });
            }
        }
        None
    }

    /// Reads which rooms there are, from the first time that one is not.
    fn watch_rooms(&mut self) {
        if !std::mem::replace(&mut self.watches_rooms, true) {
            let (room, filter) = (RoomName::system(), Filter::of::<RoomStatus>());
            self.shared.read(Reading::new(room, filter, Nobody));
            self.obey();
        }
    }

    fn tell_unreachable(&self, error: std::io::Error) {
        tracing::debug!(%error, "the server is not reached");
        self.tell_error(ClientError::Unreachable(error));
    }

    fn tell_error(&self, error: ClientError) {
        self.tellings.error.send_replace(Some(Arc::new(error)));
    }
}

impl Answered {
    fn view(&self) -> Answer<'_> {
        let Self { status, retry_after, body } = self;
        Answer { status: *status, retry_after: *retry_after, body }
    }
}

/// The clock of the timers: in tests, the one that they hold.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
