//! A small server in this process, for examples that are started without the address of a real one. It
//! has the room `shop`, and can cut its connections as a broken network does.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use nself_realtime::auth::Identity;
use nself_realtime::event::{LogLine, LogsStream, Source};
use nself_realtime::{Emitter, Hub, Name, NanoTimestamp, RoomName, Server, SessionConfig};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

/// Whatever goes wrong ends an example.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The room of the demo.
pub fn shop() -> RoomName {
    RoomName::new("shop").unwrap_or_else(|_| RoomName::standalone())
}

/// A running server.
#[derive(Debug)]
pub struct Demo {
    /// The address of its WebSocket.
    pub url: String,
    /// Publishes in the room.
    pub shop: Emitter,
    connections: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Demo {
    /// Starts it.
    pub async fn start() -> Result<Self, Error> {
        let hub = Hub::new();
        let shop = hub.open_room(&shop());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("ws://{}/api/ws", listener.local_addr()?);
        let connections = Arc::default();
        let server = Server::new(hub, SessionConfig::default());
        tokio::spawn(serve(listener, server, Arc::clone(&connections)));
        Ok(Self { url, shop, connections })
    }

    /// Breaks all connections off.
    pub fn cut(&self) {
        if let Ok(mut connections) = self.connections.lock() {
            connections.drain(..).for_each(|connection| connection.abort());
        }
    }

    /// Publishes a line of the service `web`.
    pub fn print(&self, number: u32, text: &str) -> Result<(), Error> {
        let time = NanoTimestamp::from_unix_nanos(i128::from(number)).ok_or("a time")?;
        let line = LogLine::new(Name::new("web")?, time, Source::Stdout, text);
        Ok(self.shop.log(&LogsStream::Line(line))?)
    }
}

async fn serve(listener: TcpListener, server: Server, connections: Arc<Mutex<Vec<AbortHandle>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (server, connections) = (server.clone(), Arc::clone(&connections));
        let service = service_fn(move |mut request: Request<Incoming>| {
            let (server, connections) = (server.clone(), Arc::clone(&connections));
            async move {
                let upgraded = hyper::upgrade::on(&mut request);
                let answer = create_response_with_body(&request.map(|_| ()), Full::default);
                let connection = tokio::spawn(async move {
                    if let Ok(upgraded) = upgraded.await {
                        server.serve_websocket(TokioIo::new(upgraded), Identity::guest()).await;
                    }
                });
                if let Ok(mut connections) = connections.lock() {
                    connections.push(connection.abort_handle());
                }
                let answer: Response<Full<Bytes>> = answer.unwrap_or_default();
                Ok::<_, Infallible>(answer)
            }
        });
        let http = hyper::server::conn::http1::Builder::new();
        tokio::spawn(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
    }
}
