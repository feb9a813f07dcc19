//! Starting, stopping and restarting. The answer comes once that has begun, the outcome as events.

use http::StatusCode;
use hyper::body::Incoming;
use nself_docker::{Action, ActionError};
use nself_realtime::{Name, RoomName};
use serde::Serialize;

use super::super::App;
use super::super::answer::{Answer, Refusal, json};
use super::super::audited::note_end;
use super::super::guard::Granted;
use super::body::read_nothing;
use super::services::named;

#[derive(Serialize)]
struct Accepted {
    accepted: bool,
}

#[derive(Serialize)]
struct Outcomes {
    services: Vec<Outcome>,
}

#[derive(Serialize)]
struct Outcome {
    service: Name,
    accepted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// Does something to one service.
pub(crate) async fn on_service(
    app: &App,
    granted: &Granted,
    action: Action,
    body: Incoming,
) -> Result<Answer, Refusal> {
    let (room, service) = named(granted)?;
    read_nothing(body).await?;
    let begun = app.docker.act(&room, &service, action).await.map_err(|error| refused(&error))?;
    note_end(app, granted, format!("{action} {room}/{service}"), begun);
    Ok(json(StatusCode::ACCEPTED, &Accepted { accepted: true }))
}

/// Does something to every service of a project: those that are busy do not hold the others up.
pub(crate) async fn on_project(
    app: &App,
    granted: &Granted,
    action: Action,
    body: Incoming,
) -> Result<Answer, Refusal> {
    let project = granted.parameter("project");
    let no_such = || Refusal::not_found(format!("there is no project {project}"));
    let room = RoomName::new(project).map_err(|_| no_such())?;
    read_nothing(body).await?;
    let outcomes = app.docker.act_on_project(&room, action).await;
    if outcomes.is_empty() {
        return Err(no_such());
    }
    let services = outcomes.into_iter().map(|(service, outcome)| match outcome {
        Ok(begun) => {
            note_end(app, granted, format!("{action} {room}/{service}"), begun);
            Outcome { service, accepted: true, code: None, message: None }
        }
        Err(error) => {
            let Refusal { code, message, .. } = refused(&error);
            Outcome { service, accepted: false, code: Some(code), message: Some(message) }
        }
    });
    Ok(json(StatusCode::ACCEPTED, &Outcomes { services: services.collect() }))
}

fn refused(error: &ActionError) -> Refusal {
    let message = error.to_string();
    match error {
        ActionError::NotFound { .. } => Refusal::not_found(message),
        ActionError::Conflict { .. } => Refusal::new(StatusCode::CONFLICT, "conflict", message),
        ActionError::EngineOffline => Refusal::engine_offline(message),
        _ => Refusal::unexpected(error),
    }
}
