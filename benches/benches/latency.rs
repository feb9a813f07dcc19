//! From publishing a lone event to a client's having it, over a real socket, beside what is promised of it.
//!
//! `cargo bench -p nself-benches --bench latency`

#![expect(clippy::expect_used, reason = "a benchmark stops where it fails")]

use std::net::Ipv4Addr;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use futures::{SinkExt, StreamExt};
use nself_benches::tick::State;
use nself_realtime::auth::Identity;
use nself_realtime::clock::{Clock, SystemClock};
use nself_realtime::{Emitter, Hub, RoomName, Server, SessionConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async, client_async};

/// Far enough apart for each event to be a lone one.
const BETWEEN: Duration = Duration::from_millis(10);

/// A client that is live in the room that the emitter publishes into.
async fn connected() -> (Emitter, WebSocketStream<TcpStream>) {
    let hub = Hub::new();
    let emitter = hub.open_room(&RoomName::new("shop").expect("a room name"));
    let server = Server::new(hub, SessionConfig::default());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        stream.set_nodelay(true).expect("a socket");
        let socket = accept_async(stream).await.expect("a handshake");
        server.serve_websocket(socket.into_inner(), Identity::guest()).await;
    });
    let stream = TcpStream::connect(address).await.expect("a server");
    let (mut socket, _) = client_async(format!("ws://{address}/"), stream).await.expect("a socket");
    let subscribe = Message::text(r#"{"type":"subscribe","room":"shop"}"#);
    socket.send(subscribe).await.expect("sent");
    while !next(&mut socket).await.contains(r#""type":"ready""#) {}
    (emitter, socket)
}

async fn next(socket: &mut WebSocketStream<TcpStream>) -> String {
    let message = socket.next().await.expect("a message").expect("a whole one");
    message.into_text().expect("a text").to_string()
}

fn latency(c: &mut Criterion) {
    eprintln!(
        "promised: publishing takes 10 ms at most, a client has the event after 50 ms, a page shows it 30 ms \
         later, 100 ms in all.\nThe part of the page is measured with a browser: `page_speed` in tests/."
    );
    let runtime = Runtime::new().expect("a runtime");
    let (emitter, mut socket) = runtime.block_on(connected());
    let mut group = c.benchmark_group("latency");
    group.sample_size(20);
    group.bench_function("publish to receive", |b| {
        b.iter_custom(|rounds| {
            runtime.block_on(async {
                let mut sum = Duration::ZERO;
                for _ in 0..rounds {
                    tokio::time::sleep(BETWEEN).await;
                    let begun = SystemClock.now();
                    emitter.emit(&State::now()).expect("published");
                    next(&mut socket).await;
                    sum += SystemClock.now().saturating_duration_since(begun);
                }
                sum
            })
        });
    });
    group.finish();
}

criterion_group!(benches, latency);
criterion_main!(benches);
