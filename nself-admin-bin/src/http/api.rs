//! The API but for the socket.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use nself_docker::{Action, ActionError};
use nself_realtime::event::EngineStatus;
use nself_realtime::{Name, RoomName};
use serde::{Deserialize, Serialize};

use super::App;
use super::answer::{Answer, Refusal, json, with_body};
use super::guard::{Granted, MAX_BODY_BYTES};

/// A client has that long to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Serialize)]
struct Session {
    user: &'static str,
    role: &'static str,
    #[serde(rename = "readOnly")]
    read_only: bool,
    demo: bool,
    version: &'static str,
}

#[derive(Serialize)]
struct Readiness {
    engine: EngineStatus,
    draining: bool,
}

#[derive(Serialize)]
struct Accepted {
    accepted: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoParameters {}

/// That the program runs.
pub(super) fn healthz() -> Answer {
    with_body(StatusCode::OK, "text/plain", "no-store", Bytes::from_static(b"ok"))
}

/// Whether it can serve: an engine that is away is told, and no reason to start the program again.
pub(super) fn readyz(app: &App) -> Answer {
    let ready = app.docker.first_list_tried() && !app.server.is_draining();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let (engine, draining) = (app.docker.engine(), app.server.is_draining());
    json(status, &Readiness { engine, draining })
}

/// Who asks, and what this program is.
pub(super) fn session(app: &App) -> Answer {
    let session = Session {
        user: "local",
        role: "admin",
        read_only: false,
        demo: app.demo,
        version: env!("CARGO_PKG_VERSION"),
    };
    json(StatusCode::OK, &session)
}

/// Starts, stops or restarts a service. Answers once that has begun; the outcome comes as events.
pub(super) async fn act(app: &App, granted: &Granted, body: Incoming) -> Result<Answer, Refusal> {
    let action = match granted.parameter("action") {
        "start" => Action::Start,
        "stop" => Action::Stop,
        "restart" => Action::Restart,
        _ => return Err(Refusal::not_found("a service can start, stop and restart")),
    };
    let (project, service) = (granted.parameter("project"), granted.parameter("service"));
    let no_such = |_| Refusal::not_found(format!("there is no service {project}/{service}"));
    let room = RoomName::new(project).map_err(no_such)?;
    let service = Name::new(service).map_err(no_such)?;
    read_nothing(body).await?;
    app.docker.act(&room, &service, action).await.map_err(|error| refused(&error))?;
    Ok(json(StatusCode::ACCEPTED, &Accepted { accepted: true }))
}

/// Reads a body that has to be `{}` or empty.
pub(super) async fn read_nothing(body: Incoming) -> Result<(), Refusal> {
    let body = read(body).await?;
    if body.is_empty() {
        return Ok(());
    }
    serde_json::from_slice(&body)
        .map(|NoParameters {}| ())
        .map_err(|error| Refusal::bad_request(format!("the body must be {{}}: {error}")))
}

/// Reads a body whole.
pub(super) async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    let limit = usize::try_from(MAX_BODY_BYTES).unwrap_or(usize::MAX);
    let collected =
        tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, limit).collect()).await.map_err(
            |_| Refusal::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the body did not come"),
        )?;
    let body = collected.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            let message = format!("the body may have {MAX_BODY_BYTES} bytes");
            return Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message);
        }
        Refusal::bad_request("the body broke off")
    })?;
    Ok(body.to_bytes())
}

fn refused(error: &ActionError) -> Refusal {
    let message = error.to_string();
    match error {
        ActionError::NotFound { .. } => Refusal::not_found(message),
        ActionError::Conflict { .. } => Refusal::new(StatusCode::CONFLICT, "conflict", message),
        ActionError::EngineOffline => {
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "engine_offline", message)
        }
        _ => Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message),
    }
}
