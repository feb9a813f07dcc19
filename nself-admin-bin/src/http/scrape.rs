//! Metrics: at the address of the page for those who are signed in, and at one of their own for everybody who
//! can reach it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::App;
use super::answer::{Answer, Refusal, secured, with_body};
use crate::metrics::CONTENT_TYPE;

/// A scraper has that long for all of its connection: it makes another one.
const WITHIN: Duration = Duration::from_secs(30);
/// So many scrape at once.
const AT_ONCE: usize = 8;

/// Answers with what is measured.
pub(super) fn metrics(app: &App) -> Result<Answer, Refusal> {
    let text = app.metrics.text().map_err(|error| {
        tracing::error!(%error, "the metrics cannot be written");
        Refusal::internal()
    })?;
    Ok(with_body(StatusCode::OK, CONTENT_TYPE, "no-store", text.into()))
}

/// Serves `/metrics` and nothing else until it is told to stop.
pub(crate) async fn serve_metrics(listener: TcpListener, app: Arc<App>, stop: CancellationToken) {
    let free = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    loop {
        // It is never closed.
        let room = Arc::clone(&free).acquire_owned().await;
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let app = Arc::clone(&app);
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = answer(&app, &request);
            async move { Ok::<Answer, Infallible>(answer) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            if let Ok(Err(error)) = tokio::time::timeout(WITHIN, connection).await {
                tracing::debug!(%error, "a scrape ended early");
            }
            drop(room);
        });
    }
}

fn answer(app: &App, request: &Request<Incoming>) -> Answer {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let answer = if reads && request.uri().path() == "/metrics" {
        metrics(app)
    } else {
        Err(Refusal::not_found("there is only GET /metrics here"))
    };
    secured(answer.unwrap_or_else(Refusal::into_answer))
}
