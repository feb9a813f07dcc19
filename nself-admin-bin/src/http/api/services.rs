//! What there is, for those who ask once instead of listening.

use std::collections::BTreeMap;

use http::StatusCode;
use nself_docker::{DetailsError, ServiceDetails};
use nself_realtime::event::{ServiceState, ServiceStatus};
use nself_realtime::{Name, RoomName};
use serde::Serialize;

use super::super::App;
use super::super::answer::{Answer, Refusal, json};
use super::super::guard::Granted;

#[derive(Serialize)]
struct Rooms {
    rooms: Vec<Room>,
}

#[derive(Serialize)]
struct Room {
    #[serde(rename = "room")]
    name: RoomName,
    services: usize,
    /// How many services have which status; none with none.
    statuses: BTreeMap<String, usize>,
}

#[derive(Serialize)]
struct Services {
    services: Vec<Service>,
}

#[derive(Serialize)]
struct Service {
    project: RoomName,
    #[serde(flatten)]
    status: ServiceStatus,
}

#[derive(Serialize)]
struct Details {
    project: RoomName,
    #[serde(flatten)]
    details: ServiceDetails,
}

/// Every room, and how its services are.
pub(crate) async fn rooms(app: &App, _: &Granted) -> Answer {
    app.wait_for_rooms().await;
    let services = app.docker.services();
    let rooms = app.server.hub().rooms().into_iter().map(|room| {
        let mut statuses = BTreeMap::new();
        let states =
            services.iter().filter(|(own, _)| *own == room).map(|(_, status)| status.status);
        let mut count = 0;
        for state in states {
            count += 1;
            *statuses.entry(word(state)).or_default() += 1;
        }
        Room { name: room, services: count, statuses }
    });
    json(StatusCode::OK, &Rooms { rooms: rooms.collect() })
}

/// How every service is, of all projects or one.
pub(crate) async fn list(app: &App, _: &Granted, query: Option<&str>) -> Result<Answer, Refusal> {
    let wanted = super::project(query)?;
    app.wait_for_rooms().await;
    let services = app.docker.services().into_iter();
    let services = services
        .filter(|(project, _)| wanted.as_ref().is_none_or(|wanted| wanted == project))
        .map(|(project, status)| Service { project, status });
    Ok(json(StatusCode::OK, &Services { services: services.collect() }))
}

/// What one service is made of, without its secrets.
pub(crate) async fn details(app: &App, granted: &Granted) -> Result<Answer, Refusal> {
    let (project, service) = named(granted)?;
    let details = app.docker.details(&project, &service).await;
    let details = details.map_err(|error| refused(&error))?;
    Ok(json(StatusCode::OK, &Details { project, details }))
}

/// The project and the service that a path names.
pub(crate) fn named(granted: &Granted) -> Result<(RoomName, Name), Refusal> {
    let (project, service) = (granted.parameter("project"), granted.parameter("service"));
    let no_such = |_| Refusal::not_found(format!("there is no service {project}/{service}"));
    Ok((RoomName::new(project).map_err(no_such)?, Name::new(service).map_err(no_such)?))
}

fn refused(error: &DetailsError) -> Refusal {
    let message = error.to_string();
    match error {
        DetailsError::NotFound { .. } => Refusal::not_found(message),
        DetailsError::EngineOffline => Refusal::engine_offline(message),
        _ => Refusal::unexpected(error),
    }
}

/// The word that stands for a state in events.
fn word(state: ServiceState) -> String {
    match serde_json::to_value(state) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
