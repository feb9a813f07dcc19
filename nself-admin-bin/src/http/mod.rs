//! HTTP/1.1: one port for the page, the API and the socket.

mod answer;
mod api;
mod assets;
mod builds;
mod fallback;
mod guard;
mod logs;
mod packed;
mod routes;
mod websocket;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use nself_docker::{Builds, Docker};
use nself_realtime::Server;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use self::answer::Answer;
use self::guard::Guard;
use self::routes::Routes;

/// A client has that long to send its headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_HEADERS: usize = 64;
const MAX_HEADER_BYTES: usize = 16 * 1024;
const MAX_CONNECTIONS: usize = 1_024;
/// How long the first requests wait for the engine's first list.
const FIRST_LIST: Duration = Duration::from_secs(2);
/// After a failed accept (no descriptor left, say) nothing is tried for that long.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// What the handlers work with.
pub(crate) struct App {
    pub(crate) server: Server,
    pub(crate) docker: Docker,
    /// The builds of the program's own project, if it has one.
    pub(crate) builds: Option<Builds>,
    demo: bool,
    guard: Guard,
    routes: Routes,
}

impl App {
    /// The app of a program that listens on `address`.
    pub(crate) fn new(
        server: Server,
        docker: Docker,
        builds: Option<Builds>,
        demo: bool,
        address: SocketAddr,
    ) -> Self {
        Self { server, docker, builds, demo, guard: Guard::new(address), routes: Routes::new() }
    }

    /// Waits until the rooms of what runs are there, but not for long: an engine that does not answer
    /// is told to who asks.
    pub(crate) async fn wait_for_rooms(&self) {
        let _ = tokio::time::timeout(FIRST_LIST, self.docker.wait_for_first_list()).await;
    }
}

/// Serves until it is told to stop.
pub(crate) async fn serve(listener: TcpListener, app: Arc<App>, stop: CancellationToken) {
    let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = accept(&listener, &free) => accepted,
        };
        match accepted {
            Ok((stream, permit)) => {
                let (app, stop) = (Arc::clone(&app), stop.clone());
                tokio::spawn(async move {
                    serve_connection(stream, app, stop).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken");
                tokio::time::sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
}

async fn accept(
    listener: &TcpListener,
    free: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(free).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // An event is small and must not wait for the acknowledgement of the one before.
    stream.set_nodelay(true)?;
    Ok((stream, permit))
}

async fn serve_connection(stream: TcpStream, app: Arc<App>, stop: CancellationToken) {
    let service = service_fn(move |request: Request<Incoming>| {
        let app = Arc::clone(&app);
        async move { Ok::<Answer, Infallible>(routes::answer(app, request).await) }
    });
    let connection = http1::Builder::new()
        // Without a timer the header timeout would be inert.
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
