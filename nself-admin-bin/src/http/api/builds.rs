//! Builds of the program's own project: `/api/build`.
//!
//! A project that is not valid makes a build that fails in its first step, so that everybody sees it and it
//! is kept. One that asks for what a rule forbids makes none: 422 `policy`.

use http::StatusCode;
use hyper::body::Incoming;
use nself_docker::{BuildReport, Builds, BuildsError};
use nself_realtime::Name;
use serde::Serialize;
use serde_json::json;

use super::super::App;
use super::super::answer::{Answer, Refusal, json as answer};
use super::super::guard::Granted;
use super::body::read_nothing;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Begun {
    build_id: Name,
}

#[derive(Serialize)]
struct All {
    builds: Vec<BuildReport>,
}

#[derive(Serialize)]
struct Accepted {
    accepted: bool,
}

/// Begins a build. Answers once it has begun; how it goes comes as events.
pub(crate) async fn begin(app: &App, _: &Granted, body: Incoming) -> Result<Answer, Refusal> {
    read_nothing(body).await?;
    let build_id = builds(app)?.start().await.map_err(|error| refused(&error))?;
    Ok(answer(StatusCode::ACCEPTED, &Begun { build_id }))
}

/// The builds that are kept, the newest first, without their output and items.
pub(crate) fn list(app: &App, _: &Granted) -> Result<Answer, Refusal> {
    let mut builds = builds(app)?.reports();
    for build in &mut builds {
        build.logs_dropped += build.logs.len() as u64;
        build.logs.clear();
        build.items.clear();
    }
    Ok(answer(StatusCode::OK, &All { builds }))
}

/// One build, whole.
pub(crate) fn report(app: &App, granted: &Granted) -> Result<Answer, Refusal> {
    let report = builds(app)?.report(granted.parameter("build"));
    Ok(answer(StatusCode::OK, &report.map_err(|error| refused(&error))?))
}

/// Tells a build to stop. Answers at once; its end comes as an event.
pub(crate) async fn cancel(
    app: &App,
    granted: &Granted,
    body: Incoming,
) -> Result<Answer, Refusal> {
    read_nothing(body).await?;
    builds(app)?.cancel(granted.parameter("build")).map_err(|error| refused(&error))?;
    Ok(answer(StatusCode::ACCEPTED, &Accepted { accepted: true }))
}

fn builds(app: &App) -> Result<&Builds, Refusal> {
    let none =
        "this program has no project: start it with --project DIR, or in the project's folder";
    app.builds.as_ref().ok_or_else(|| Refusal::not_found(none))
}

fn refused(error: &BuildsError) -> Refusal {
    let message = error.to_string();
    match error {
        BuildsError::Conflict { running } => {
            Refusal::new(StatusCode::CONFLICT, "conflict", message)
                .with(json!({ "buildId": running }))
        }
        BuildsError::Policy(_) => Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "policy", message),
        BuildsError::NotFound { .. } => Refusal::not_found(message),
        BuildsError::EngineOffline => Refusal::engine_offline(message),
        BuildsError::Closing => {
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
        }
        _ => Refusal::unexpected(error),
    }
}
