//! A client of the transports that carry frames: WebSocket, and memory.

use futures::{SinkExt, StreamExt};
use nself_realtime::Server;
use nself_realtime::auth::Identity;
use nself_realtime::transport::MemoryConnection;
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::client::{Place, QUIET, Seen, Wire};

/// Holds less than most flushes: a cut falls into the middle of things.
const PIPE_BYTES: usize = 4 * 1024;

pub(crate) struct Framed {
    link: Link,
    pub(crate) place: Place,
    pub(crate) wire: Wire,
}

enum Link {
    WebSocket(Box<WebSocketStream<DuplexStream>>),
    Memory(MemoryConnection),
}

impl Framed {
    pub(crate) async fn over_websocket(
        server: &Server,
        room: &str,
        filters: &[Value],
        since: Option<String>,
    ) -> Self {
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        let server = server.clone();
        tokio::spawn(async move { server.serve_websocket(theirs, Identity::guest()).await });
        let stream = WebSocketStream::from_raw_socket(ours, Role::Client, None).await;
        Self::subscribe(Link::WebSocket(Box::new(stream)), room, filters, since).await
    }

    pub(crate) async fn over_memory(
        server: &Server,
        room: &str,
        filters: &[Value],
        since: Option<String>,
    ) -> Self {
        Self::subscribe(Link::Memory(server.connect()), room, filters, since).await
    }

    async fn subscribe(link: Link, room: &str, filters: &[Value], since: Option<String>) -> Self {
        let mut data = json!({"filters": filters});
        if let Some(since) = &since {
            data["since"] = json!(since);
        }
        let mut client = Self { link, place: Place::new(since), wire: Wire::default() };
        client.say(&json!({"type": "subscribe", "id": 1, "room": room, "data": data})).await;
        client
    }

    pub(crate) async fn say(&mut self, frame: &Value) {
        self.wire.sent.push(frame.clone());
        match &mut self.link {
            Link::WebSocket(stream) => stream.send(Message::text(frame.to_string())).await.unwrap(),
            Link::Memory(connection) => assert!(connection.send(frame.to_string()).await),
        }
    }

    pub(crate) async fn observe(&mut self) -> Vec<Seen> {
        let mut seen = Vec::new();
        while let Ok(Some(frame)) = timeout(QUIET, self.frame()).await {
            if frame["type"] == "heartbeat" {
                self.say(&json!({"type": "pong"})).await;
            }
            seen.extend(self.place.hear(&frame));
        }
        seen
    }

    pub(crate) async fn take_a_part(&mut self) {
        while let Some(frame) = self.frame().await {
            if let Some(Seen::Snapshot(_) | Seen::Events(_)) = self.place.hear(&frame) {
                return;
            }
        }
    }

    async fn frame(&mut self) -> Option<Value> {
        let frame = self.receive().await?;
        self.wire.received.push(frame.clone());
        Some(frame)
    }

    async fn receive(&mut self) -> Option<Value> {
        match &mut self.link {
            Link::WebSocket(stream) => match stream.next().await? {
                Ok(Message::Text(text)) => Some(serde_json::from_str(&text).unwrap()),
                other => panic!("not a text message: {other:?}"),
            },
            Link::Memory(connection) => {
                Some(serde_json::from_slice(&connection.next().await?).unwrap())
            }
        }
    }
}
