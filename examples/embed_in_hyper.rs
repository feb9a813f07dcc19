//! A realtime endpoint in somebody's own HTTP server: the handshake is hyper's and tungstenite's, what
//! goes over it is ours. A client reads it.

use std::convert::Infallible;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use nself_realtime::auth::Identity;
use nself_realtime::client::{Client, Latest};
use nself_realtime::event::{ServiceState, ServiceStatus};
use nself_realtime::{Hub, Name, RoomName, Server, SessionConfig};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

type Answer = Response<Full<Bytes>>;

/// The routes of the server: who somebody is and what they may do is checked here, before the upgrade.
fn answer(server: Server, mut request: Request<Incoming>) -> Answer {
    let mut response = Response::default();
    match request.uri().path() {
        "/" => *response.body_mut() = Full::from("my own pages\n"),
        "/realtime" => {
            let upgraded = hyper::upgrade::on(&mut request);
            match create_response_with_body(&request.map(|_| ()), Full::default) {
                Ok(switching) => {
                    response = switching;
                    tokio::spawn(async move {
                        if let Ok(upgraded) = upgraded.await {
                            let io = TokioIo::new(upgraded);
                            server.serve_websocket(io, Identity::guest()).await;
                        }
                    });
                }
                Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
            }
        }
        _ => *response.status_mut() = StatusCode::NOT_FOUND,
    }
    response
}

async fn serve(listener: TcpListener, server: Server) {
    while let Ok((stream, _)) = listener.accept().await {
        let server = server.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                std::future::ready(Ok::<_, Infallible>(answer(server.clone(), request)))
            });
            let http = hyper::server::conn::http1::Builder::new();
            if let Err(error) =
                http.serve_connection(TokioIo::new(stream), service).with_upgrades().await
            {
                eprintln!("a connection ended: {error}");
            }
        });
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hub = Hub::new();
    let shop = RoomName::new("shop")?;
    let emitter = hub.open_room(&shop);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(serve(listener, Server::new(hub, SessionConfig::default())));

    let client = Client::builder(&format!("ws://{address}/realtime")).connect()?;
    let mut services = client.service_status(&shop);
    emitter.service_status(&ServiceStatus::new(Name::new("web")?, ServiceState::Running))?;
    let known = services.wait_for(|services| services.get("web").is_some()).await;
    for (service, event) in known.iter().flat_map(Latest::iter) {
        println!("{service} is {:?}", event.data.status);
    }
    client.close().await;
    Ok(())
}
