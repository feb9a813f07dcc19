//! From a socket to requests: what is slow, too much or not HTTP ends here.

use std::convert::Infallible;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures::FutureExt as _;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::admitted::Admitted;
use super::answer::{Answer, Refusal, SECURITY_HEADERS, secured};
use super::arrival::Peer;
use super::doorman::{Doorman, Limits};
use super::tls::Certificate;
use super::{App, routes};

/// A client has that long to send its headers, and to greet with TLS.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// A client has that long to take something of what is written to it, be it an answer, an event or a
/// frame: more than a WebSocket's own 10 s, so that these come first.
#[cfg(target_os = "linux")]
const TAKES_WITHIN: Duration = Duration::from_secs(20);
const MAX_HEADERS: usize = 64;
const MAX_HEADER_BYTES: usize = 16 * 1024;
/// After a failed accept (no descriptor left, say) nothing is tried for that long.
pub(super) const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// Where connections come in.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) certificate: Option<Certificate>,
    pub(crate) limits: Limits,
}

/// Serves until it is told to stop, and returns once every request is answered.
pub(crate) async fn serve(door: Door, app: Arc<App>, stop: CancellationToken) {
    let connections = TaskTracker::new();
    admit(door, app, stop, &connections).await;
    connections.close();
    connections.wait().await;
}

async fn admit(door: Door, app: Arc<App>, stop: CancellationToken, connections: &TaskTracker) {
    let Door { listener, certificate, limits } = door;
    let doorman = Doorman::new(limits, app.guard.trusted_proxies.clone());
    loop {
        let taking = async {
            let room = doorman.room().await;
            accept(&listener).await.map(|(stream, peer)| (stream, peer, room))
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = taking => accepted,
        };
        match accepted {
            Ok((stream, peer, room)) => {
                let Some(place) = doorman.admit(peer.remote.ip(), room) else {
                    turn_away(&stream, certificate.is_some());
                    continue;
                };
                let stream = Admitted::new(stream, place);
                let (app, stop, certificate) =
                    (Arc::clone(&app), stop.clone(), certificate.clone());
                let span = tracing::info_span!("connection", peer = %peer.remote);
                connections.spawn(open(stream, certificate, peer, app, stop).instrument(span));
            }
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken");
                sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
}

async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, Peer)> {
    let (stream, remote) = listener.accept().await?;
    // An event is small and must not wait for the acknowledgement of the one before.
    stream.set_nodelay(true)?;
    // The kernel counts from the last byte that the other side took, and knows of each; we see only that
    // its buffer has room again. Elsewhere its own limit holds, which is minutes.
    #[cfg(target_os = "linux")]
    if let Err(error) = SockRef::from(&stream).set_tcp_user_timeout(Some(TAKES_WITHIN)) {
        tracing::debug!(%error, "a connection that takes nothing is kept for longer");
    }
    let peer = Peer { remote, local: stream.local_addr()? };
    Ok((stream, peer))
}

/// Says why, if that can be said at once: nothing is waited for.
fn turn_away(stream: &TcpStream, encrypted: bool) {
    tracing::debug!("an address has too many connections");
    if !encrypted && stream.try_write(TOO_MANY.as_bytes()).is_err() {
        tracing::debug!("it was not told");
    }
}

/// What an address is told that has all connections that it may have.
static TOO_MANY: LazyLock<String> = LazyLock::new(|| {
    let headers = SECURITY_HEADERS.map(|(name, value)| format!("{name}: {value}\r\n")).concat();
    let body = r#"{"error":{"code":"rate_limited","message":"too many connections at once","retryAfterMs":5000}}"#;
    format!(
        "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\ncache-control: no-store\r\n\
         retry-after: 5\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}",
        body.len()
    )
});

async fn open(
    stream: Admitted<TcpStream>,
    certificate: Option<Certificate>,
    peer: Peer,
    app: Arc<App>,
    stop: CancellationToken,
) {
    let Some(certificate) = certificate else {
        return serve_connection(stream, peer, app, stop).await;
    };
    match timeout(HEADER_TIMEOUT, certificate.greet(stream)).await {
        Ok(Ok(stream)) => serve_connection(stream, peer, app, stop).await,
        Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
        Err(_) => tracing::debug!("no TLS in time"),
    }
}

async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    app: Arc<App>,
    stop: CancellationToken,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = contained(routes::answer(Arc::clone(&app), peer, request));
        answer.map(|answer| {
            let answer = answer.unwrap_or_else(|refusal| secured(refusal.into_answer()));
            Ok::<Answer, Infallible>(answer)
        })
    });
    let connection = protocol().serve_connection(TokioIo::new(stream), service).with_upgrades();
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

/// HTTP/1.1 with limits to what comes before a body.
pub(super) fn protocol() -> http1::Builder {
    let mut protocol = http1::Builder::new();
    // Without a timer the header timeout would be inert.
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES);
    protocol
}

/// A panic of a handler is a refusal, and ends nothing but this request.
pub(super) async fn contained<T>(handling: impl Future<Output = T>) -> Result<T, Refusal> {
    // What a handler holds is dropped; what it shares is behind locks that forgive a panic.
    AssertUnwindSafe(handling).catch_unwind().await.map_err(|_| Refusal::internal())
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[tokio::test]
    async fn a_panic_of_a_handler_is_a_refusal() {
        let refusal = contained(async { panic!("on purpose") }).await.map(|()| "fine");
        assert_eq!(refusal.unwrap_err().status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(contained(async { "fine" }).await, Ok("fine"));
    }
}
