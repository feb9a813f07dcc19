//! What a connection costs that has nothing to do, and what an event costs that is delivered: counted in
//! allocated bytes and allocations, so that the machine does not matter.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::alloc::System;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use nself_realtime::auth::Identity;
use nself_realtime::event::{LogLine, LogsStream, Source};
use nself_realtime::{Hub, Name, NanoTimestamp, RoomName, Server, SessionConfig};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const CONNECTIONS: usize = 1_000;
/// Session, presence, subscription and timer included; what the operating system keeps is its own.
const BYTES_PER_CONNECTION: usize = 5_000;

/// A socket of a client that subscribes and then says nothing; it takes everything, and costs nothing.
struct Quiet(Bytes);

impl Quiet {
    fn new() -> Self {
        let subscribe = br#"{"type":"subscribe","id":1,"room":"shop"}"#;
        let length = u8::try_from(subscribe.len()).unwrap();
        let mut frame = vec![0x81, 0x80 | length, 0, 0, 0, 0];
        frame.extend_from_slice(subscribe);
        Self(frame.into())
    }
}

impl AsyncRead for Quiet {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.0.is_empty() {
            return Poll::Pending;
        }
        buffer.put_slice(&self.0);
        let taken = self.0.len();
        self.0.advance(taken);
        // What the frame was held in is given back.
        self.0 = Bytes::new();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Quiet {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn runtime() -> Runtime {
    // Its clock stands still: nothing happens but what is done.
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

fn line(n: u64) -> LogsStream {
    let time = NanoTimestamp::from_unix_nanos(n.into()).unwrap();
    let service = Name::new("web").unwrap();
    LogsStream::Line(LogLine::new(service, time, Source::Stdout, format!("line {n}")))
}

/// Connects clients, and returns when all have been told that they are live.
async fn connect(server: &Server) {
    let before = server.hub().statistics().frames_out;
    for _ in 0..CONNECTIONS {
        let server = server.clone();
        tokio::spawn(async move { server.serve_websocket(Quiet::new(), Identity::guest()).await });
    }
    // Each is told `welcome`, `subscribed` and `ready`.
    let told = before + 3 * u64::try_from(CONNECTIONS).unwrap();
    while server.hub().statistics().frames_out < told {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
}

// One test, because what is counted is counted for the whole process.
#[test]
fn a_quiet_connection_costs_few_bytes_and_a_delivered_event_no_allocation() {
    let runtime = runtime();
    runtime.block_on(async {
        let hub = Hub::new();
        let shop = hub.open_room(&RoomName::new("shop").unwrap());
        let server = Server::new(hub, SessionConfig::default());

        let region = Region::new(ALLOCATOR);
        connect(&server).await;
        let change = region.change();
        let bytes = (change.bytes_allocated - change.bytes_deallocated) / CONNECTIONS;
        println!("{bytes} bytes per connection");
        assert!(bytes <= BYTES_PER_CONNECTION, "{bytes} bytes per connection");

        // Twice, because the first round grows what the second one uses again.
        let mut counted = None;
        for round in 0..2 {
            let delivered = server.hub().statistics().events_out;
            let region = Region::new(ALLOCATOR);
            for n in 0..1_000 {
                shop.log(&line(round * 1_000 + n)).unwrap();
            }
            tokio::time::advance(Duration::from_millis(200)).await;
            let expected = delivered + 1_000 * u64::try_from(CONNECTIONS).unwrap();
            while server.hub().statistics().events_out < expected {
                tokio::task::yield_now().await;
                tokio::time::advance(Duration::from_millis(1)).await;
            }
            counted = Some(region.change());
        }
        let change = counted.unwrap();
        let events = 1_000 * CONNECTIONS;
        println!("{} allocations for {events} delivered events", change.allocations);
        assert!(change.allocations < events / 100, "{} allocations", change.allocations);
    });
}
