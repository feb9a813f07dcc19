//! One run: what happens, when, and to whom, from a seed.

use std::collections::BTreeSet;
use std::iter::Sum;
use std::ops::AddAssign;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use nself_realtime::auth::Identity;
use nself_realtime::client::{Action, Answer, ConnectionState};
use nself_realtime::transport::poll::PollRequest;
use nself_realtime::{CloseCode, RoomName};
use serde_json::json;

use crate::book::Book;
use crate::client::Client;
use crate::network::{Network, Weather};
use crate::payload::{Line, State, Wish};
use crate::pipe::{Message, Pipe};
use crate::process::{Bits, Process, ServerSide};

const ROOMS: [&str; 2] = ["shop", "yard"];
/// After the last fault everybody has that long to come back: the longest backoff, and the longest
/// silence before it.
const PEACE: Duration = Duration::from_secs(150);

/// What happened in a run, for a look at whether enough did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    runs: u64,
    published: u64,
    told: u64,
    connections: u64,
    polling: u64,
    unreachable: u64,
    resets: u64,
    missed: u64,
    holes: u64,
}

impl Figures {
    pub(crate) fn note(&mut self, state: &ConnectionState) {
        match state {
            ConnectionState::Live => self.connections += 1,
            ConnectionState::Polling => self.polling += 1,
            ConnectionState::Unreachable { .. } => self.unreachable += 1,
            _ => {}
        }
    }

    /// Whether everything that may happen did.
    pub(crate) fn reached_everything(&self) -> bool {
        let Self { published, told, connections, polling, unreachable, .. } = *self;
        let Self { resets, missed, holes, .. } = *self;
        [published, told, connections, polling, unreachable, resets, missed, holes]
            .iter()
            .all(|n| *n > 0)
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.runs += other.runs;
        self.published += other.published;
        self.told += other.told;
        self.connections += other.connections;
        self.polling += other.polling;
        self.unreachable += other.unreachable;
        self.resets += other.resets;
        self.missed += other.missed;
        self.holes += other.holes;
    }
}

impl Sum for Figures {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        let mut sum = Self::default();
        all.for_each(|figures| sum += figures);
        sum
    }
}

/// A connection, or what is left of it.
struct Link {
    client: usize,
    server: Option<ServerSide>,
    up: Pipe,
    down: Pipe,
}

/// What a poll is answered: status and body.
type Reply = (u16, Bytes);

/// A poll that the server has, and an answer on its way.
type Polled = (usize, u64, Reply);

pub(crate) struct Simulation {
    dice: fastrand::Rng,
    bits: Bits,
    process: Option<Process>,
    restarts_at: Option<Instant>,
    book: Book,
    clients: Vec<Client>,
    links: Vec<Option<Link>>,
    polls: FuturesUnordered<BoxFuture<'static, Polled>>,
    replies: Vec<(Instant, Polled)>,
    figures: Figures,
    loud: bool,
    start: Instant,
}

impl Simulation {
    pub(crate) fn play(seed: u64, loud: bool) -> Figures {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async { Self::new(seed, loud).run().await })
    }

    fn new(seed: u64, loud: bool) -> Self {
        let (mut dice, bits) = (fastrand::Rng::with_seed(seed), Bits::new(seed));
        let start = now();
        let clients = (0..dice.u64(1..=3)).map(|index| {
            let network = Network::new(&mut dice, start);
            Client::new(seed ^ (index + 1) << 40, network, start)
        });
        let clients = clients.collect();
        Self {
            dice,
            process: Some(Process::start(&bits)),
            bits,
            restarts_at: None,
            book: Book::default(),
            clients,
            links: Vec::new(),
            polls: FuturesUnordered::new(),
            replies: Vec::new(),
            figures: Figures::default(),
            loud,
            start,
        }
    }

    async fn run(mut self) -> Figures {
        self.open_rooms();
        for index in 0..self.clients.len() {
            self.change_wishes(index);
            self.clients[index].session.start(now());
        }
        let end = self.start + Duration::from_secs(self.dice.u64(20..90));
        while now() < end {
            self.happen();
            let pause = Duration::from_millis(self.dice.u64(1..1_500));
            self.pass(now() + pause).await;
        }
        self.make_peace();
        self.pass(now() + PEACE).await;
        self.check_at_the_end();
        self.figures.runs = 1;
        for view in self.clients.iter().flat_map(|client| client.views.values()) {
            self.figures.told += view.told;
            self.figures.resets += view.resets;
            self.figures.missed += view.missed;
            self.figures.holes += view.holes;
        }
        self.figures
    }

    /// Something happens.
    fn happen(&mut self) {
        let client = self.dice.usize(..self.clients.len());
        match self.dice.u32(0..100) {
            0..55 => self.publish(),
            55..60 => self.publish_many(),
            60..68 => self.cut(client),
            68..76 => self.break_network(client),
            76..82 => self.stall(client),
            82..86 => self.kill_server(),
            86..88 => self.drain_server(),
            88..91 => self.turn_room(),
            91..98 => self.change_wishes(client),
            _ => self.clients[client].session.handle_wake(now()),
        }
    }

    fn tell(&self, what: impl FnOnce() -> String) {
        if self.loud {
            println!("{:>10.3} {}", (now() - self.start).as_secs_f64(), what());
        }
    }

    fn room(&mut self) -> RoomName {
        RoomName::new(ROOMS[self.dice.usize(..ROOMS.len())]).unwrap()
    }

    fn publish(&mut self) {
        for _ in 0..self.dice.u32(1..20) {
            let most = if self.dice.u32(0..50) == 0 { 60_000 } else { 300 };
            let (room, bulk) = (self.room(), self.dice.usize(0..most));
            self.publish_one(&room, bulk);
        }
    }

    /// More than a room keeps: who is away then is told a gap.
    fn publish_many(&mut self) {
        let room = self.room();
        self.tell(|| format!("many events in {room}"));
        for _ in 0..self.dice.u32(50..250) {
            let bulk = self.dice.usize(2_000..20_000);
            self.publish_one(&room, bulk);
        }
    }

    fn publish_one(&mut self, room: &RoomName, bulk: usize) {
        let Some(process) = self.process.as_mut().filter(|process| process.is_open(room)) else {
            return;
        };
        self.figures.published += 1;
        // Of a quiet key more is kept than the hot tail has: gaps and events interleave.
        let key = match self.dice.u32(0..100) {
            0..80 => "a",
            80..97 => "b",
            _ => "c",
        };
        let (key, n) = (key.to_owned(), self.figures.published);
        if self.dice.u32(0..4) == 0 {
            let removed = self.dice.u32(0..5) == 0;
            process.state(room, &State { key, n, removed }, &mut self.book);
        } else {
            process.line(room, &Line { key, n, bulk: "x".repeat(bulk) }, &mut self.book);
        }
    }

    fn open_rooms(&mut self) {
        let Some(process) = &mut self.process else { return };
        for room in ROOMS {
            process.open(&RoomName::new(room).unwrap());
        }
    }

    /// A room closes, or opens again.
    fn turn_room(&mut self) {
        let room = self.room();
        self.tell(|| format!("{room} closes or opens"));
        let Some(process) = &mut self.process else { return };
        if process.is_open(&room) { process.close(&room) } else { process.open(&room) }
    }

    fn change_wishes(&mut self, client: usize) {
        let room = self.room();
        let wishes: BTreeSet<Wish> = Wish::ALL.into_iter().filter(|_| self.dice.bool()).collect();
        self.tell(|| format!("client {client} wants {wishes:?} of {room}"));
        self.clients[client].want(&room, &wishes, now());
    }

    /// A connection breaks in the middle of whatever is under way.
    fn cut(&mut self, client: usize) {
        let Some(link) = self.clients[client].link.and_then(|id| self.links[id].as_mut()) else {
            return;
        };
        let (up, down) = (link.up.outstanding(), link.down.outstanding());
        link.up.cut(self.dice.usize(..=up));
        link.down.cut(self.dice.usize(..=down));
        self.tell(|| format!("the connection of client {client} is cut"));
    }

    fn break_network(&mut self, client: usize) {
        let weather = if self.dice.bool() { Weather::Cut } else { Weather::Dark };
        let time = Duration::from_millis(self.dice.u64(50..45_000));
        self.tell(|| format!("the network of client {client} is {weather:?} for {time:?}"));
        let network = &mut self.clients[client].network;
        (network.weather, network.fair_again) = (weather, now() + time);
        match weather {
            Weather::Cut => self.cut(client),
            Weather::Dark => {
                if let Some(link) = self.clients[client].link.and_then(|id| self.links[id].as_mut())
                {
                    link.up.go_dark();
                    link.down.go_dark();
                }
            }
            Weather::Fair => {}
        }
    }

    fn stall(&mut self, client: usize) {
        let until = now() + Duration::from_millis(self.dice.u64(1..15_000));
        self.tell(|| format!("the connection of client {client} stalls"));
        if let Some(link) = self.clients[client].link.and_then(|id| self.links[id].as_mut()) {
            let pipe = if self.dice.bool() { &mut link.up } else { &mut link.down };
            pipe.stalled_until = until;
        }
    }

    /// The server dies, and comes back with nothing.
    fn kill_server(&mut self) {
        if self.process.take().is_none() {
            return;
        }
        self.tell(|| "the server dies".to_owned());
        self.restarts_at = Some(now() + Duration::from_millis(self.dice.u64(0..9_000)));
        for link in self.links.iter_mut().flatten() {
            link.server = None;
            link.down.end();
        }
        // Whoever waits for the answer to a poll sees the end of the connection.
        self.polls.clear();
        for client in &mut self.clients {
            client.lose_poll(now());
        }
    }

    /// The server says good-bye.
    fn drain_server(&mut self) {
        self.tell(|| "the server drains".to_owned());
        for link in self.links.iter_mut().flatten() {
            if let Some(server) = &mut link.server {
                let retry_after = Duration::from_millis(self.dice.u64(200..2_200));
                server.close(CloseCode::Restart, retry_after);
            }
        }
    }

    /// Nothing bad happens any more.
    fn make_peace(&mut self) {
        self.tell(|| "peace".to_owned());
        if self.process.is_none() {
            self.restarts_at = Some(now());
        }
        self.open_rooms();
        for client in &mut self.clients {
            (client.network.weather, client.network.fair_again) = (Weather::Fair, now());
        }
        for link in self.links.iter_mut().flatten() {
            (link.up.stalled_until, link.down.stalled_until) = (now(), now());
        }
    }

    fn check_at_the_end(&self) {
        let process = self.process.as_ref().unwrap();
        for client in &self.clients {
            assert!(client.is_live(), "after {PEACE:?} of peace: {:?}", client.session.state());
            for (room, view) in &client.views {
                view.check_at_the_end(process.epoch(room), &self.book);
            }
        }
    }

    /// Lets the time pass until then.
    async fn pass(&mut self, until: Instant) {
        loop {
            while self.turn() {}
            let next = self.deadline().map_or(until, |at| at.min(until));
            let polled = tokio::select! {
                biased;
                Some(polled) = self.polls.next(), if !self.polls.is_empty() => Some(polled),
                () = tokio::time::sleep_until(next.into()) => None,
            };
            match polled {
                Some(polled) => {
                    let delay = self.clients[polled.0].network.delay;
                    self.replies.push((now() + delay, polled));
                }
                None if next == until => return,
                None => {}
            }
        }
    }

    /// Does what is due. Says whether anything was.
    fn turn(&mut self) -> bool {
        let now = now();
        let mut busy = false;
        if self.restarts_at.is_some_and(|at| at <= now) {
            self.restarts_at = None;
            self.process = Some(Process::start(&self.bits));
            self.open_rooms();
            busy = true;
        }
        for id in 0..self.links.len() {
            busy |= self.turn_link(id, now);
        }
        for index in 0..self.clients.len() {
            busy |= self.turn_client(index, now);
        }
        busy
    }

    fn turn_link(&mut self, id: usize, now: Instant) -> bool {
        let Some(link) = &mut self.links[id] else { return false };
        link.up.advance(now);
        link.down.advance(now);
        let mut busy = false;
        if let Some(server) = &mut link.server {
            let turn = server.turn(now, &mut link.up, &mut link.down);
            busy |= turn.unwrap_or(true);
            if turn.is_none() {
                link.server = None;
                link.down.end();
            }
        }
        let client = &mut self.clients[link.client];
        if client.link != Some(id) {
            // The client has let go of it; the server sees that, if anything gets through.
            if link.server.is_none() {
                self.links[id] = None;
            }
            return busy;
        }
        while let Some(message) = link.down.receive() {
            busy = true;
            match message {
                Message::Text(text) => client.session.handle_message(&text, now),
                Message::Close(code) => {
                    client.link = None;
                    link.up.end();
                    client.session.handle_close(Some(code), "", now);
                    return true;
                }
            }
        }
        if link.down.is_at_its_end() {
            client.link = None;
            link.up.end();
            client.session.handle_close(None, "", now);
            busy = true;
        }
        busy
    }

    fn turn_client(&mut self, index: usize, now: Instant) -> bool {
        let mut busy = false;
        let client = &mut self.clients[index];
        if client.network.weather != Weather::Fair && client.network.fair_again <= now {
            client.network.weather = Weather::Fair;
        }
        if client.session.poll_timeout().is_some_and(|at| at <= now) {
            client.session.handle_timeout(now);
            busy = true;
        }
        if client.decided_at.is_some_and(|at| at <= now) {
            client.decided_at = None;
            busy = true;
            self.decide(index, now);
        }
        while let Some(reply) =
            self.replies.iter().position(|(at, (to, ..))| *to == index && *at <= now)
        {
            let (_, (_, id, (status, body))) = self.replies.remove(reply);
            busy = true;
            let client = &mut self.clients[index];
            match client.network.weather {
                Weather::Fair if client.poll == Some(id) => {
                    client.poll = None;
                    let answer = Answer { status, retry_after: None, body: &body };
                    client.session.handle_poll_answer(id, &answer, now);
                }
                Weather::Cut => client.lose_poll(now),
                Weather::Fair | Weather::Dark => {}
            }
        }
        while let Some(action) = self.clients[index].session.poll_action() {
            busy = true;
            self.act(index, action, now);
        }
        let (loud, start) = (self.loud, self.start);
        let tell = move |what: String| {
            if loud {
                println!("{:>10.3} client {index}: {what:.300}", (now - start).as_secs_f64());
            }
        };
        busy | self.clients[index].listen(&self.book, &mut self.figures, &tell)
    }

    /// Whether an attempt to connect succeeds.
    fn decide(&mut self, index: usize, now: Instant) {
        let client = &mut self.clients[index];
        match (client.network.weather, &self.process) {
            (Weather::Dark, _) => {}
            (Weather::Fair, Some(process)) => {
                let Network { delay, bytes_per_ms, .. } = client.network;
                let pipe = || Pipe::new(now, delay, bytes_per_ms);
                let server = Some(process.accept(now));
                self.links.push(Some(Link { client: index, server, up: pipe(), down: pipe() }));
                client.link = Some(self.links.len() - 1);
                client.session.handle_open(now);
            }
            _ => client.session.handle_close(None, "", now),
        }
    }

    fn act(&mut self, index: usize, action: Action, now: Instant) {
        let client = &mut self.clients[index];
        match action {
            Action::Connect => {
                self.let_go(index);
                let client = &mut self.clients[index];
                client.decided_at = Some(now + client.network.delay);
            }
            Action::Disconnect => {
                client.decided_at = None;
                self.let_go(index);
            }
            Action::Send(text) => {
                if let Some(link) = client.link.and_then(|id| self.links[id].as_mut()) {
                    link.up.send(&Message::Text(text));
                }
            }
            Action::Poll { id, body } => {
                client.poll = Some(id);
                match (client.network.weather, &self.process) {
                    (Weather::Dark, _) => {}
                    (Weather::Fair, Some(process)) => {
                        let (server, delay) = (process.server.clone(), client.network.delay);
                        self.polls.push(Box::pin(async move {
                            tokio::time::sleep(delay).await;
                            (index, id, answer(&server, &body).await)
                        }));
                    }
                    _ => client.lose_poll(now),
                }
            }
            Action::CancelPoll { id } => client.poll = client.poll.filter(|own| *own != id),
            other => panic!("not known: {other:?}"),
        }
    }

    /// The client drops its connection.
    fn let_go(&mut self, index: usize) {
        if let Some(id) = self.clients[index].link.take()
            && let Some(link) = &mut self.links[id]
        {
            link.up.end();
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let of_links = self.links.iter().flatten().flat_map(|link| {
            let server = link.server.as_ref().and_then(ServerSide::deadline);
            [link.up.deadline(), link.down.deadline(), server]
        });
        let of_clients = self.clients.iter().flat_map(|client| {
            let fair =
                (client.network.weather != Weather::Fair).then_some(client.network.fair_again);
            [client.session.poll_timeout(), client.decided_at, fair]
        });
        let of_replies = self.replies.iter().map(|(at, _)| Some(*at));
        of_links.chain(of_clients).chain(of_replies).chain([self.restarts_at]).flatten().min()
    }
}

/// What the server's HTTP makes of a poll.
async fn answer(server: &nself_realtime::Server, body: &str) -> Reply {
    let error = |status: u16, code: &str, message: String, field: Option<&str>| {
        let error = json!({"error": {"code": code, "message": message, "field": field}});
        (status, Bytes::from(error.to_string()))
    };
    match PollRequest::from_json(body.as_bytes()) {
        Ok(request) => match server.poll(&Identity::guest(), request).await {
            Ok(body) => (200, body),
            Err(why) => error(404, why.error.code().as_str(), why.to_string(), Some(&why.field)),
        },
        Err(why) => error(400, why.code().as_str(), why.to_string(), why.field()),
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
