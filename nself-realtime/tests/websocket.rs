//! The server over WebSocket, from the bytes up.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it fails"
)]

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use nself_realtime::auth::Identity;
use nself_realtime::event::{ServiceState, ServiceStatus};
use nself_realtime::{Hub, Name, RoomName, Server, SessionConfig};
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

struct Client(WebSocketStream<DuplexStream>);

impl Client {
    async fn connect(server: &Server) -> Self {
        let (ours, theirs) = tokio::io::duplex(16 * 1024);
        let server = server.clone();
        tokio::spawn(async move { server.serve_websocket(theirs, Identity::guest()).await });
        let mut client = Self(WebSocketStream::from_raw_socket(ours, Role::Client, None).await);
        assert_eq!(client.frame().await["type"], "welcome");
        client
    }

    async fn say(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    async fn frame(&mut self) -> Value {
        match self.0.next().await.unwrap().unwrap() {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("not a text message: {other:?}"),
        }
    }

    /// The code that the connection is closed with, after a `closing` that says the same.
    async fn close(&mut self) -> u16 {
        let told = self.frame().await;
        assert_eq!(told["type"], "closing");
        match self.0.next().await.unwrap().unwrap() {
            Message::Close(Some(frame)) => {
                assert_eq!(told["data"]["code"], u16::from(frame.code));
                frame.code.into()
            }
            other => panic!("not a close: {other:?}"),
        }
    }
}

fn server() -> Server {
    Server::new(Hub::new(), SessionConfig::default())
}

fn text(frame: &Value) -> Message {
    Message::text(frame.to_string())
}

fn status(service: &str) -> ServiceStatus {
    ServiceStatus::new(Name::new(service).unwrap(), ServiceState::Running)
}

#[tokio::test(start_paused = true)]
async fn an_event_reaches_a_subscriber() {
    let server = server();
    let shop = server.hub().open_room(&RoomName::new("shop").unwrap());
    let mut client = Client::connect(&server).await;
    client.say(text(&json!({"type": "subscribe", "id": 1, "room": "shop"}))).await;
    assert_eq!(client.frame().await["type"], "subscribed");
    assert_eq!(client.frame().await["type"], "ready");
    shop.service_status(&status("web")).unwrap();
    let event = client.frame().await;
    assert_eq!((&event["type"], &event["seq"]), (&json!("service:status"), &json!(1)));
    assert_eq!(event["data"], json!({"service": "web", "status": "running"}));
}

#[tokio::test(start_paused = true)]
async fn a_malformed_frame_is_answered_and_the_connection_lives() {
    let mut client = Client::connect(&server()).await;
    client.say(Message::text("{")).await;
    assert_eq!(client.frame().await["data"]["code"], "invalid_frame");
    client.say(text(&json!({"type": "ping", "id": 1}))).await;
    assert_eq!(client.frame().await["type"], "pong");
}

#[tokio::test(start_paused = true)]
async fn what_breaks_the_rules_of_websocket_is_closed_with_its_code() {
    let server = server();
    let mut client = Client::connect(&server).await;
    client.say(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(client.close().await, 1003);
    let mut client = Client::connect(&server).await;
    client.say(Message::text("x".repeat(64 * 1024 + 1))).await;
    assert_eq!(client.close().await, 1009);
}

#[tokio::test(start_paused = true)]
async fn ten_frames_of_nonsense_end_the_connection() {
    let mut client = Client::connect(&server()).await;
    for _ in 0..10 {
        client.say(Message::text("nonsense")).await;
    }
    for _ in 0..9 {
        assert_eq!(client.frame().await["type"], "error");
    }
    assert_eq!(client.close().await, 4500);
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_dropped_and_holds_nobody_up() {
    let config = SessionConfig::default().heartbeat_timeout(Duration::from_millis(100));
    let server = Server::new(Hub::new(), config);
    let shop = server.hub().open_room(&RoomName::new("shop").unwrap());
    let mut deaf = Client::connect(&server).await;
    deaf.say(text(&json!({"type": "subscribe", "room": "shop"}))).await;
    let mut other = Client::connect(&server).await;
    other.say(text(&json!({"type": "subscribe", "room": "shop"}))).await;
    other.frame().await;
    other.frame().await;
    // More than the deaf one's pipe holds.
    let mut big = status("web");
    big.message = Some("x".repeat(4_000));
    let mut last = 0;
    while server.connections() == 2 {
        last += 1;
        shop.service_status(&big).unwrap();
        let frame = other.frame().await;
        let newest = frame["events"].as_array().and_then(|events| events.last()).unwrap_or(&frame);
        assert_eq!(newest["seq"], last);
    }
    assert!(last > 4);
}

#[tokio::test(start_paused = true)]
async fn a_drain_tells_everyone_when_to_come_back() {
    let server = server();
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(Client::connect(&server).await);
    }
    let drained = tokio::spawn({
        let server = server.clone();
        async move { server.drain(Duration::from_secs(5)).await }
    });
    let mut delays = Vec::new();
    for client in &mut clients {
        let closing = client.frame().await;
        assert_eq!(closing["data"]["code"], 1012);
        delays.push(closing["data"]["retryAfterMs"].as_u64().unwrap());
        while client.0.next().await.is_some_and(|message| message.is_ok()) {}
    }
    assert!(drained.await.unwrap());
    assert_eq!(server.connections(), 0);
    delays.sort_unstable();
    assert!(delays[0] >= 200 && delays[19] < 2_200, "{delays:?}");
    delays.dedup();
    assert!(delays.len() > 10, "spread: {delays:?}");
}
