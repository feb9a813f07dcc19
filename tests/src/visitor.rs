//! Somebody at a browser or with a token, by HTTP: signs in, asks, holds a socket open.

use std::time::Duration;

use futures::StreamExt as _;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::server::Server;
use crate::wire::{self, Answer};

/// Somebody, with what proves who it is.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    port: u16,
    proof: Option<String>,
}

impl Visitor {
    /// Somebody who is not signed in.
    pub fn nobody(server: &Server) -> Self {
        Self { port: server.port(), proof: None }
    }

    /// Somebody who followed a fresh link with that role.
    pub async fn with_role(server: &Server, role: &str) -> Self {
        let link = server.command(&["login-link", "--role", role], "");
        let (_, token) = link.trim().split_once("#token=").expect("a link has a token");
        let body = format!("{{\"token\":\"{token}\"}}");
        Self::nobody(server).signs_in("/api/bootstrap", &body).await
    }

    /// Somebody who knows the password.
    pub async fn with_password(server: &Server, password: &str) -> Self {
        let body = format!("{{\"password\":\"{password}\"}}");
        Self::nobody(server).signs_in("/api/login", &body).await
    }

    /// A program with an API token.
    pub fn with_token(server: &Server, token: &str) -> Self {
        Self { port: server.port(), proof: Some(format!("Authorization: Bearer {token}")) }
    }

    /// The header that proves who it is.
    pub fn proof(&self) -> Option<&str> {
        self.proof.as_deref()
    }

    async fn signs_in(&self, path: &str, body: &str) -> Self {
        let answer = self.post(path, body).await;
        assert_eq!(answer.status, 204, "{}", answer.body);
        let cookie = answer.header("Set-Cookie").expect("a sign-in gives a cookie");
        let pair = cookie.split(';').next().expect("a cookie has a name");
        Self { port: self.port, proof: Some(format!("Cookie: {pair}")) }
    }

    /// Reads an address.
    pub async fn get(&self, path: &str) -> Answer {
        let host = self.host();
        let headers: Vec<&str> = std::iter::once(&*host).chain(self.proof.as_deref()).collect();
        wire::request(self.port, &format!("GET {path}"), &headers, "").await
    }

    /// Reads JSON from an address that has some.
    pub async fn get_json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).expect("the answer is JSON")
    }

    /// Sends JSON to an address, from a page of ours.
    pub async fn post(&self, path: &str, body: &str) -> Answer {
        let (host, origin) = (self.host(), format!("Origin: http://127.0.0.1:{}", self.port));
        let length = format!("Content-Length: {}", body.len());
        let fixed = [&*host, &origin, &length, "Content-Type: application/json"];
        let headers: Vec<&str> = fixed.into_iter().chain(self.proof.as_deref()).collect();
        wire::request(self.port, &format!("POST {path}"), &headers, body).await
    }

    /// Opens a socket.
    pub async fn socket(&self) -> VisitorSocket {
        let url = format!("ws://127.0.0.1:{}/api/ws", self.port);
        let mut request = url.into_client_request().expect("the address is one");
        let headers = request.headers_mut();
        let origin = format!("http://127.0.0.1:{}", self.port);
        headers.insert("Origin", origin.parse().expect("an origin is a header value"));
        if let Some((name, value)) = self.proof.as_deref().and_then(|proof| proof.split_once(": "))
        {
            let name: http::HeaderName = name.parse().expect("the name of a header");
            headers.insert(name, value.parse().expect("the value of a header"));
        }
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await;
        let opened = tokio_tungstenite::client_async(request, stream.expect("it listens")).await;
        VisitorSocket(opened.expect("the server upgrades").0)
    }

    fn host(&self) -> String {
        format!("Host: 127.0.0.1:{}", self.port)
    }
}

/// A socket of somebody.
#[derive(Debug)]
pub struct VisitorSocket(WebSocketStream<TcpStream>);

impl VisitorSocket {
    /// Waits for a frame of that type.
    pub async fn next(&mut self, kind: &str) -> Value {
        within(&format!("a `{kind}`"), async {
            loop {
                let message = self.0.next().await.expect("the socket is open");
                let Ok(Message::Text(text)) = message else { panic!("{message:?}") };
                let frame: Value = serde_json::from_str(&text).expect("a frame is JSON");
                if frame.get("type").is_some_and(|own| own == kind) {
                    return frame;
                }
            }
        })
        .await
    }

    /// Waits until the server closes it, and gives the code.
    pub async fn closed(&mut self) -> u16 {
        within("the close of the socket", async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Close(frame))) => {
                        return frame.expect("a close has a code").code.into();
                    }
                    Some(Ok(_)) => {}
                    end => panic!("it ended without a close: {end:?}"),
                }
            }
        })
        .await
    }
}

async fn within<T>(what: &str, waiting: impl Future<Output = T>) -> T {
    timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("no {what} within {DEADLINE:?}"))
}

const DEADLINE: Duration = Duration::from_secs(15);
