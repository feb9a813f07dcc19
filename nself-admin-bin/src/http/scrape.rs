//! Metrics: at the address of the page for those who are signed in, and at one of their own for everybody who
//! can reach it.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::{self, HeaderMap};
use http::uri::Authority;
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::App;
use super::answer::{Answer, Refusal, secured, with_body};
use super::guard::Granted;
use super::serve::{ACCEPT_BACKOFF, protocol};
use crate::metrics::CONTENT_TYPE;

/// A scraper has that long for all of its connection: it makes another one.
const WITHIN: Duration = Duration::from_secs(30);
/// So many scrape at once.
const AT_ONCE: usize = 8;

/// Answers with what is measured.
pub(super) fn answer(app: &App, _: &Granted) -> Result<Answer, Refusal> {
    metrics(app)
}

fn metrics(app: &App) -> Result<Answer, Refusal> {
    let text = app.metrics.text().map_err(|error| {
        tracing::error!(%error, "the metrics cannot be written");
        Refusal::internal()
    })?;
    Ok(with_body(StatusCode::OK, CONTENT_TYPE, "no-store", text.into()))
}

/// Serves `/metrics` and nothing else until it is told to stop.
pub(crate) async fn serve_metrics(listener: TcpListener, app: Arc<App>, stop: CancellationToken) {
    let free = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let taking = async {
            // It is never closed.
            let room = Arc::clone(&free).acquire_owned().await;
            listener.accept().await.map(|(stream, _)| (stream, room))
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = taking => accepted,
        };
        let (stream, room) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "no scrape can be taken");
                tokio::time::sleep(ACCEPT_BACKOFF).await;
                continue;
            }
        };
        let app = Arc::clone(&app);
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = answer_anybody(&app, &request);
            async move { Ok::<Answer, Infallible>(answer) }
        });
        let connection = protocol().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            if let Ok(Err(error)) = tokio::time::timeout(WITHIN, connection).await {
                tracing::debug!(%error, "a scrape ended early");
            }
            drop(room);
        });
    }
}

fn answer_anybody(app: &App, request: &Request<Incoming>) -> Answer {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let answer = if !is_ours(app, request.headers()) {
        let message =
            "metrics are served to addresses, to names without a dot and to those of --public-url";
        Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, "wrong_host", message))
    } else if reads && request.uri().path() == "/metrics" {
        metrics(app)
    } else {
        Err(Refusal::not_found("there is only GET /metrics here"))
    };
    secured(answer.unwrap_or_else(Refusal::into_answer))
}

/// Whether a page of another site cannot have had its name point here: such a name has a dot, and is not
/// one of ours.
fn is_ours(app: &App, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let host = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
    host.is_some_and(|host| {
        let name = host.host();
        let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        is_address || !name.contains('.') || app.guard.sites.has_name(name)
    })
}
