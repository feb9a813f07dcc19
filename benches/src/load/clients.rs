//! Many cheap WebSocket clients on one thread: a socket, a few bytes of state, and a buffer that all share.

use std::cell::RefCell;
use std::io;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use hdrhistogram::Histogram;
use memchr::memmem::Finder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::timeout;

use super::frames::{Found, FrameReader};
use crate::serve::Contender;
use crate::tick::{AT, now};

/// That many handshakes at a time.
const HANDSHAKES: usize = 64;
/// One loopback address has ports for fewer clients than 30,000.
const PER_ADDRESS: usize = 20_000;
const BUFFER: usize = 256 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

/// What all clients together got.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) events: u64,
    pub(super) frames: u64,
    /// Since an event was published, in microseconds.
    pub(super) latency: Histogram<u64>,
    /// When the last one came.
    pub(super) last: u64,
    pub(super) lost_connections: usize,
    // When what is read now came.
    read_at: u64,
}

impl Tally {
    fn new() -> io::Result<Self> {
        let latency = Histogram::new_with_bounds(1, 120_000_000, 3).map_err(io::Error::other)?;
        Ok(Self { events: 0, frames: 0, latency, last: 0, lost_connections: 0, read_at: 0 })
    }
}

impl Found for Tally {
    fn frame(&mut self) {
        self.frames += 1;
    }

    fn event(&mut self, at: u64) {
        self.events += 1;
        self.last = self.read_at;
        self.latency.saturating_record(self.read_at.saturating_sub(at) / 1_000);
    }
}

/// Clients that are connected and ready.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) tally: Rc<RefCell<Tally>>,
    _tasks: JoinSet<()>,
}

impl Clients {
    /// Connects that many; to be called, and awaited upon, within `local`.
    pub(super) async fn connect(
        local: &LocalSet,
        contender: Contender,
        port: u16,
        count: usize,
    ) -> io::Result<Self> {
        let tally = Rc::new(RefCell::new(Tally::new()?));
        let buffer = Rc::new(RefCell::new(vec![0; BUFFER]));
        let finder = Rc::new(Finder::new(AT));
        let mut tasks = JoinSet::new();
        let mut connecting = FuturesUnordered::new();
        for index in 0..count {
            if connecting.len() >= HANDSHAKES
                && let Some(stream) = connecting.next().await
            {
                let follow = follow(stream?, tally.clone(), buffer.clone(), finder.clone());
                tasks.spawn_local_on(follow, local);
            }
            connecting.push(handshake(contender, port, index));
        }
        while let Some(stream) = connecting.next().await {
            let follow = follow(stream?, tally.clone(), buffer.clone(), finder.clone());
            tasks.spawn_local_on(follow, local);
        }
        Ok(Self { tally, _tasks: tasks })
    }
}

async fn handshake(contender: Contender, port: u16, index: usize) -> io::Result<TcpStream> {
    timeout(PATIENCE, try_handshake(contender, port, index)).await.map_err(|_| {
        io::Error::other(format!("{} has not made client {index} ready", contender.name()))
    })?
}

async fn try_handshake(contender: Contender, port: u16, index: usize) -> io::Result<TcpStream> {
    let host = u8::try_from(1 + index / PER_ADDRESS).map_err(io::Error::other)?;
    let mut stream = TcpStream::connect((Ipv4Addr::new(127, 0, 0, host), port)).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        contender.path(),
    );
    stream.write_all(request.as_bytes()).await?;
    read_until(&mut stream, b"\r\n\r\n").await?;
    if let Some(hello) = contender.hello() {
        stream.write_all(&masked(hello)).await?;
    }
    read_until(&mut stream, contender.ready().as_bytes()).await?;
    // To the end of the message, which no event follows yet.
    read_until(&mut stream, end_of(contender)).await?;
    Ok(stream)
}

/// What the message ends with after which a client is ready.
fn end_of(contender: Contender) -> &'static [u8] {
    match contender {
        Contender::Nself | Contender::NselfUnpaced => b"}}",
        _ if contender.ready().starts_with("40") => b"}",
        _ => b"",
    }
}

/// Byte by byte: what follows is for somebody else.
async fn read_until(stream: &mut TcpStream, end: &[u8]) -> io::Result<()> {
    let mut read = Vec::new();
    while !read.ends_with(end) {
        read.push(stream.read_u8().await?);
    }
    Ok(())
}

/// A short text message of a client, masked with zeros.
fn masked(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX) & 0x7f;
    let mut frame = vec![0x81, 0x80 | length, 0, 0, 0, 0];
    frame.extend_from_slice(text.as_bytes());
    frame
}

async fn follow(
    stream: TcpStream,
    tally: Rc<RefCell<Tally>>,
    buffer: Rc<RefCell<Vec<u8>>>,
    finder: Rc<Finder<'static>>,
) {
    let mut reader = FrameReader::default();
    while stream.readable().await.is_ok() {
        let mut buffer = buffer.borrow_mut();
        match stream.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => {
                let mut tally = tally.borrow_mut();
                tally.read_at = now();
                reader.read(buffer.get(..length).unwrap_or_default(), &finder, &mut *tally);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    tally.borrow_mut().lost_connections += 1;
}
