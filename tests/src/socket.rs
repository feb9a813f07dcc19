//! A client of the program's WebSocket, frame by frame, for what no well-made client would send.

use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::server::Server;

/// An open socket of a page of our own origin.
#[derive(Debug)]
pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Opens it.
    pub async fn open(server: &Server) -> Self {
        let url = server.url("/api/ws").replace("http:", "ws:");
        let mut request = url.into_client_request().expect("the address is one");
        let origin = server.url("").parse().expect("an origin is a header value");
        request.headers_mut().insert("Origin", origin);
        let stream = TcpStream::connect(("127.0.0.1", server.port())).await;
        let stream = stream.expect("the server listens");
        let opened = tokio_tungstenite::client_async(request, stream).await;
        Self(opened.expect("the server upgrades").0)
    }

    /// Sends a text as one message.
    pub async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.expect("the server takes the message");
    }

    /// Waits for the next frame of a type; others in between are let go.
    pub async fn next(&mut self, kind: &str) -> Value {
        let frame = timeout(DEADLINE, async {
            loop {
                let message = self.0.next().await.expect("the connection lives");
                let message = message.expect("the connection is whole");
                let Message::Text(text) = message else { continue };
                let frame: Value = serde_json::from_str(&text).expect("a frame is JSON");
                if frame.get("type").is_some_and(|own| own == kind) {
                    return frame;
                }
            }
        });
        frame.await.unwrap_or_else(|_| panic!("no `{kind}` within {DEADLINE:?}"))
    }
}

const DEADLINE: Duration = Duration::from_secs(15);
