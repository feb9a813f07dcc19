//! The clients: each comes, reads the logs of some services, and goes, in one manner or another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use futures::StreamExt;
use futures::stream::{BoxStream, SelectAll};
use nself_realtime::client::{Client, ClientConfig, LogEntry, ReadError};
use nself_realtime::{Name, RoomName};
use nself_tests::fault_proxy::{Fault, FaultProxy};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use crate::numbers::{Missing, Numbers, Verdict};

/// What all clients are to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Come and go [that much](HASTE) faster.
    Hurry,
    /// Come and go.
    ComeAndGo,
    /// Be there, all of them, each at the log of one service.
    Stay,
    /// Go, and do not come back.
    Leave,
}

/// A room keeps the departures of a thousand clients: the first minutes are to see more than that.
const HASTE: u64 = 5;

/// What the clients have seen so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Visits that were begun.
    pub(super) visits: AtomicU64,
    pub(super) lines: AtomicU64,
    /// Missing lines that a gap has counted or a marker covers.
    pub(super) told: AtomicU64,
    /// Gaps, markers of lost lines, breaks.
    pub(super) announced: AtomicU64,
    /// Lines that came twice, out of order, or are none.
    pub(super) wrong: AtomicU64,
    /// Streams that ended, or told an error.
    pub(super) failed: AtomicU64,
}

/// How a visit goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// To its end, and goodbye.
    Whole,
    /// Cut in its middle; the client comes back by itself.
    CutAndBack,
    /// Cut at its end: the server sees an end without a close.
    CutAtTheEnd,
    /// At its end nothing is heard any more, not even an end: the server has to find that out.
    Vanishes,
    /// Without a WebSocket: it polls.
    Polls,
    /// Reads everything, and in the middle nothing for a while: more comes than can wait for it.
    Slow,
}

impl Manner {
    fn choose(random: &mut Rng) -> Self {
        match random.u32(..20) {
            0..10 => Self::Whole,
            10..13 => Self::CutAndBack,
            13..16 => Self::CutAtTheEnd,
            16..18 => Self::Vanishes,
            18 => Self::Polls,
            _ => Self::Slow,
        }
    }
}

/// Who comes and goes at one place.
#[derive(Debug)]
pub(super) struct Visitor {
    number: usize,
    /// So many times faster than usual.
    haste: u64,
    room: RoomName,
    services: Arc<[Name]>,
    /// The port that the program knows itself by.
    port: u16,
    proxy: FaultProxy,
    random: Rng,
    book: Arc<Seen>,
    missing: mpsc::Sender<Missing>,
}

type Entries = SelectAll<BoxStream<'static, (usize, Result<LogEntry, ReadError>)>>;

/// The logs that a client reads.
struct Reading {
    entries: Entries,
    numbers: Vec<Numbers>,
}

impl Visitor {
    /// Somebody at the place of that number.
    pub(super) async fn new(
        number: usize,
        seed: u64,
        port: u16,
        (room, services): (RoomName, Arc<[Name]>),
        book: Arc<Seen>,
        missing: mpsc::Sender<Missing>,
    ) -> Self {
        let random = Rng::with_seed(seed.wrapping_mul(1_000).wrapping_add(number as u64));
        let proxy = FaultProxy::start(port).await;
        let haste = 1;
        Self { number, haste, room, services, port, proxy, random, book, missing }
    }

    /// Does what is ordered, until that is to leave.
    pub(super) async fn follow(mut self, mut order: watch::Receiver<Order>) {
        loop {
            let now = *order.borrow_and_update();
            if now == Order::Leave {
                return;
            }
            tokio::select! {
                // Who is called away leaves as a program does that ends.
                _ = order.changed() => self.proxy.cut(),
                () = self.visit(now) => {}
            }
            self.proxy.set(Fault::None);
        }
    }

    async fn visit(&mut self, order: Order) {
        if order == Order::Stay {
            let (client, mut reading) = self.come(1, self.number);
            self.read(&mut reading, std::future::pending()).await;
            return drop(client);
        }
        self.haste = if order == Order::Hurry { HASTE } else { 1 };
        let manner = Manner::choose(&mut self.random);
        self.pause(0, 8_000).await;
        if manner == Manner::Polls {
            self.proxy.set(Fault::NoUpgrade);
        }
        let services = match manner {
            Manner::Slow => self.services.len(),
            _ if self.random.u32(..8) == 0 => 3,
            _ => 1,
        };
        let first = self.random.usize(..self.services.len());
        let (client, mut reading) = self.come(services, first);
        self.stay(&mut reading, 40_000).await;
        match manner {
            Manner::Whole | Manner::Polls => {}
            Manner::CutAndBack => {
                self.proxy.cut();
                self.stay(&mut reading, 30_000).await;
            }
            Manner::Slow => {
                self.pause(10_000, 25_000).await;
                self.stay(&mut reading, 20_000).await;
            }
            Manner::CutAtTheEnd => self.proxy.cut(),
            Manner::Vanishes => {
                self.proxy.set(Fault::Vanish);
                drop((client, reading));
                // Longer than the server waits for a sign of life.
                self.haste = 1;
                self.pause(50_000, 70_000).await;
                return self.proxy.cut();
            }
        }
        drop(reading);
        client.close().await;
    }

    /// A client of so many services, from that one on.
    fn come(&self, services: usize, first: usize) -> (Client, Reading) {
        self.book.visits.fetch_add(1, Ordering::Relaxed);
        let address = format!("127.0.0.1:{}", self.port);
        let client = Client::builder(&format!("ws://127.0.0.1:{}/api/ws", self.proxy.port()))
            .header("Host", &address)
            .header("Origin", &format!("http://{address}"))
            .config(ClientConfig::default().poll_after(Duration::from_secs(2)))
            .connect();
        #[expect(clippy::expect_used, reason = "an address of the loopback is one")]
        let client = client.expect("the address is one");
        let mut reading = Reading { entries: SelectAll::new(), numbers: Vec::new() };
        for index in 0..services {
            let service = (first + index) % self.services.len();
            if let Some(name) = self.services.get(service) {
                let entries = client.logs(&self.room, name);
                reading.entries.push(entries.map(move |entry| (index, entry)).boxed());
                reading.numbers.push(Numbers::new(service));
            }
        }
        (client, reading)
    }

    /// Reads for a while, at the most that many milliseconds.
    async fn stay(&mut self, reading: &mut Reading, most: u64) {
        let time = Duration::from_millis(self.random.u64(most / 10..most) / self.haste);
        self.read(reading, sleep(time)).await;
    }

    async fn pause(&mut self, least: u64, most: u64) {
        sleep(Duration::from_millis(self.random.u64(least..most) / self.haste)).await;
    }

    /// Reads until that is ready.
    async fn read(&self, reading: &mut Reading, until: impl Future<Output = ()>) {
        let mut until = std::pin::pin!(until);
        loop {
            tokio::select! {
                () = &mut until => return,
                entry = reading.entries.next() => {
                    let Some((index, entry)) = entry else {
                        self.book.failed.fetch_add(1, Ordering::Relaxed);
                        eprintln!("the streams of a client have ended");
                        return until.await;
                    };
                    self.note(entry, reading.numbers.get_mut(index)).await;
                }
            }
        }
    }

    async fn note(&self, entry: Result<LogEntry, ReadError>, numbers: Option<&mut Numbers>) {
        let book = &self.book;
        let (Ok(entry), Some(numbers)) = (&entry, numbers) else {
            eprintln!("{entry:?}");
            book.failed.fetch_add(1, Ordering::Relaxed);
            return;
        };
        if matches!(entry, LogEntry::Line(_)) {
            book.lines.fetch_add(1, Ordering::Relaxed);
        }
        match numbers.take(entry) {
            Verdict::Fine | Verdict::Other => {}
            Verdict::Told { lines } => {
                book.told.fetch_add(lines, Ordering::Relaxed);
            }
            Verdict::Announced => {
                book.announced.fetch_add(1, Ordering::Relaxed);
            }
            Verdict::Wrong { line } => {
                eprintln!("twice, out of order, or no line of a printer: {line:?}");
                book.wrong.fetch_add(1, Ordering::Relaxed);
            }
            // Its receiver lives as long as visitors do.
            Verdict::Missing(missing) => drop(self.missing.send(missing).await),
        }
    }
}
