//! Whether the program runs, and whether it can serve.

use bytes::Bytes;
use http::StatusCode;
use nself_realtime::event::EngineState;
use serde::Serialize;

use super::super::App;
use super::super::answer::{Answer, json, with_body};
use super::super::guard::Granted;

#[derive(Serialize)]
struct Readiness {
    engine: EngineState,
    broker: &'static str,
    draining: bool,
}

/// That the program runs.
pub(crate) fn healthz(_: &Granted) -> Answer {
    with_body(StatusCode::OK, "text/plain", "no-store", Bytes::from_static(b"ok"))
}

/// Whether it can serve: an engine that is away is told, and no reason to start the program again.
pub(crate) fn readyz(app: &App, _: &Granted) -> Answer {
    let ready = app.docker.first_list_tried() && !app.server.is_draining();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    // The broker lives in this program: it is there as long as we are. Where the engine is and why it does not
    // answer is for those who are signed in.
    let (engine, broker) = (app.docker.engine().status, "memory");
    json(status, &Readiness { engine, broker, draining: app.server.is_draining() })
}
