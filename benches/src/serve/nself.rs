//! This library behind hyper, as programs use it.

use std::convert::Infallible;
use std::io;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use nself_realtime::auth::Identity;
use nself_realtime::{Emitter, Hub, Pacing, RoomName, Server, SessionConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

use super::Urgency;
use crate::tick::{Line, State};

/// Serves the room `bench`.
#[expect(clippy::expect_used, reason = "the name is a constant that keeps the rule of names")]
pub(super) fn start(listener: TcpListener, unpaced: bool) -> Emitter {
    let hub = Hub::new();
    let emitter = hub.open_room(&RoomName::new("bench").expect("a name of a room"));
    let mut config = SessionConfig::default();
    if unpaced {
        config = config.pacing(Pacing::none());
    }
    let server = Server::new(hub, config);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server = server.clone();
            tokio::spawn(connection(stream, server));
        }
    });
    emitter
}

pub(super) fn publish(emitter: &Emitter, urgency: Urgency) -> io::Result<()> {
    match urgency {
        Urgency::Batched => emitter.emit(&Line::now()),
        Urgency::Immediate => emitter.emit(&State::now()),
    }
    .map_err(io::Error::other)
}

async fn connection(stream: TcpStream, server: Server) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let server = server.clone();
        async move { Ok::<_, Infallible>(upgrade(server, request)) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = connection.await {
        eprintln!("a connection ended: {error}");
    }
}

fn upgrade(server: Server, mut request: Request<Incoming>) -> Response<Empty<Bytes>> {
    let upgraded = hyper::upgrade::on(&mut request);
    let response = create_response_with_body(&request.map(|_| ()), Empty::new);
    let Ok(response) = response else {
        let mut refused = Response::new(Empty::new());
        *refused.status_mut() = http::StatusCode::BAD_REQUEST;
        return refused;
    };
    tokio::spawn(async move {
        match upgraded.await {
            Ok(upgraded) => server.serve_websocket(TokioIo::new(upgraded), Identity::guest()).await,
            Err(error) => eprintln!("a handshake was not finished: {error}"),
        }
    });
    response
}
