//! Rule 7: a dead connection is told from a slow one.

use std::task::Waker;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use nself_realtime::auth::Identity;
use nself_realtime::{CloseCode, Hub, Pacing, Server, SessionConfig, Transmit};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::world::{World, log_line, runtime_clock, shop, subscribe, types};

#[test]
fn a_quiet_connection_gets_a_heartbeat_and_is_closed_without_an_answer() {
    let world = World::new();
    let mut connection = world.connect();
    world.clock.advance(Duration::from_secs(30));
    connection.peer.handle_timeout(world.clock.now());
    assert_eq!(types(&connection.frames()), ["heartbeat"]);
    world.clock.advance(Duration::from_secs(10));
    connection.peer.handle_timeout(world.clock.now());
    let mut out = Vec::new();
    let now = world.clock.now();
    assert_eq!(connection.peer.poll_transmit(now, Waker::noop(), &mut out), Transmit::Frames);
    let closing: Value = serde_json::from_slice(&out[0]).unwrap();
    assert_eq!(closing["data"]["code"], 4408);
    assert_eq!(
        connection.peer.poll_transmit(now, Waker::noop(), &mut out),
        Transmit::Close(CloseCode::Timeout)
    );
}

#[test]
fn a_heartbeat_that_is_never_wanted_comes_once_a_day() {
    const DAY: Duration = Duration::from_hours(24);
    let world = World::new();
    let mut pacing = Pacing::default();
    (pacing.max_wait, pacing.min_gap) = (Duration::MAX, Duration::MAX);
    let never = SessionConfig::default()
        .heartbeat(Duration::MAX)
        .heartbeat_timeout(Duration::MAX)
        .pacing(pacing);
    let mut connection = world.connect_with(never);
    connection.ask(&subscribe(&json!({})));
    for _ in 0..2 {
        world.line("web", "line");
        world.clock.advance(DAY);
        connection.peer.handle_timeout(world.clock.now());
        assert_eq!(types(&connection.frames())[0], "heartbeat");
        connection.say(&json!({"type": "pong"}));
    }
}

#[test]
fn any_frame_answers_a_heartbeat() {
    let world = World::new();
    let mut connection = world.connect();
    for _ in 0..5 {
        world.clock.advance(Duration::from_secs(30));
        connection.peer.handle_timeout(world.clock.now());
        assert_eq!(types(&connection.frames()), ["heartbeat"]);
        world.clock.advance(Duration::from_secs(9));
        connection.say(&json!({"type": "presence", "data": {"idle": true}}));
        assert!(connection.frames().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_a_little_now_and_then_is_never_cut_and_one_that_takes_nothing_is() {
    let hub = Hub::builder().clock(runtime_clock()).build();
    let shop = hub.open_room(&shop());
    let server = Server::new(hub, SessionConfig::default());
    let (ours, theirs) = tokio::io::duplex(4 * 1024);
    let serving = tokio::spawn({
        let server = server.clone();
        async move { server.serve_websocket(theirs, Identity::guest()).await }
    });
    let mut client = WebSocketStream::from_raw_socket(ours, Role::Client, None).await;
    client.send(Message::text(r#"{"type":"subscribe","room":"shop"}"#)).await.unwrap();
    for _ in ["welcome", "subscribed", "ready"] {
        client.next().await.unwrap().unwrap();
    }
    shop.log(&log_line("web", &"x".repeat(200_000), None)).unwrap();
    let mut bytes = client.into_inner();
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_secs(9)).await;
        bytes.read_exact(&mut [0; 64]).await.unwrap();
    }
    assert_eq!(server.connections(), 1, "after nine minutes");
    let before = tokio::time::Instant::now();
    serving.await.unwrap();
    assert_eq!(before.elapsed().as_secs(), 10);
}
