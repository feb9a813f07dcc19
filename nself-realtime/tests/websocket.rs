//! The server over WebSocket, from the bytes up.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it fails"
)]

use std::time::Duration;

use futures::future::BoxFuture;
use futures::{SinkExt, StreamExt};
use nself_realtime::auth::{Access, AuthError, Authenticator, Authorizer, Identity};
use nself_realtime::event::{ServiceState, ServiceStatus};
use nself_realtime::{
    CloseCode, Delivery, Hub, Name, Payload, Retention, RoomName, Server, SessionConfig,
};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

struct Client<T = DuplexStream>(WebSocketStream<T>);

impl Client {
    async fn connect(server: &Server) -> Self {
        let (ours, theirs) = tokio::io::duplex(16 * 1024);
        Self::between(server, ours, theirs).await
    }
}

impl Client<TcpStream> {
    /// The same over a socket of the operating system.
    async fn over_tcp(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        Self::between(server, ours, listener.accept().await.unwrap().0).await
    }

    async fn subscribe(&mut self, room: &str) {
        self.say(text(&json!({"type": "subscribe", "room": room}))).await;
        while self.frame().await["type"] != "ready" {}
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Client<T> {
    async fn between(server: &Server, ours: T, theirs: T) -> Self {
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

/// An embedding program whose code has a fault.
struct Faulty;

impl Authorizer for Faulty {
    fn may_read(&self, _identity: &Identity, room: &RoomName) -> bool {
        assert_ne!(room.as_str(), "cursed", "on purpose");
        true
    }
}

impl Authenticator for Faulty {
    fn authenticate(&self, token: String) -> BoxFuture<'static, Result<Identity, AuthError>> {
        Box::pin(async move { panic!("on purpose: {token}") })
    }
}

#[derive(Deserialize)]
struct Unspeakable;

impl Serialize for Unspeakable {
    fn serialize<S: Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
        panic!("on purpose")
    }
}

impl Payload for Unspeakable {
    const TYPE: &'static str = "test:unspeakable";
    const DELIVERY: Delivery = Delivery::Immediate;
    const RETENTION: Retention = Retention::Latest;

    fn key(&self) -> &'static str {
        "one"
    }
}

#[tokio::test]
async fn a_panic_of_an_embedders_code_closes_that_socket_with_1011_and_harms_nothing_else() {
    let access = Access::default().authorizer(Faulty).authenticator(Faulty);
    let server = Server::with_access(Hub::new(), SessionConfig::default(), access);
    let room = |name| server.hub().open_room(&RoomName::new(name).unwrap());
    let (shop, _cursed) = (room("shop"), room("cursed"));
    let mut other = Client::over_tcp(&server).await;
    other.subscribe("shop").await;
    for (number, fault) in [
        json!({"type": "subscribe", "room": "cursed"}),
        json!({"type": "auth", "data": {"token": "t"}}),
    ]
    .iter()
    .enumerate()
    {
        let mut victim = Client::over_tcp(&server).await;
        victim.subscribe("shop").await;
        victim.say(text(fault)).await;
        match victim.0.next().await.unwrap().unwrap() {
            Message::Close(Some(frame)) => assert_eq!(u16::from(frame.code), 1011, "{fault}"),
            other => panic!("not a close: {other:?}"),
        }
        drop(victim);
        shop.service_status(&status(&format!("web-{number}"))).unwrap();
        assert_eq!(other.frame().await["data"]["service"], format!("web-{number}"));
    }
    let publishing = std::thread::spawn(move || {
        let unspeakable = std::panic::AssertUnwindSafe(|| shop.emit(&Unspeakable));
        (std::panic::catch_unwind(unspeakable).is_err(), shop)
    });
    let (panicked, shop) = publishing.join().unwrap();
    assert!(panicked);
    shop.service_status(&status("last")).unwrap();
    let last = other.frame().await;
    assert_eq!((&last["data"]["service"], &last["seq"]), (&json!("last"), &json!(3)));

    while server.connections() > 1 {
        tokio::task::yield_now().await;
    }
    let closes = server.hub().statistics().closes;
    let counted: Vec<_> = closes.into_iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(counted, [(CloseCode::Internal, 2)]);
}
