//! Whether the program runs, and whether it can serve.

use bytes::Bytes;
use http::StatusCode;
use nself_realtime::event::EngineStatus;
use serde::Serialize;

use super::super::App;
use super::super::answer::{Answer, json, with_body};

#[derive(Serialize)]
struct Readiness {
    engine: EngineStatus,
    broker: &'static str,
    draining: bool,
}

/// That the program runs.
pub(crate) fn healthz() -> Answer {
    with_body(StatusCode::OK, "text/plain", "no-store", Bytes::from_static(b"ok"))
}

/// Whether it can serve: an engine that is away is told, and no reason to start the program again.
pub(crate) fn readyz(app: &App) -> Answer {
    let ready = app.docker.first_list_tried() && !app.server.is_draining();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    // The broker lives in this program: it is there as long as we are.
    let (engine, broker) = (app.docker.engine(), "memory");
    json(status, &Readiness { engine, broker, draining: app.server.is_draining() })
}
