//! The order in which containers start, and what is waited for.

use std::time::Duration;

use nself_realtime::event::{HealthState, ProgressStatus};

use super::stage::{Stage, after};
use crate::compose::Condition;
use crate::{BuildCause, BuildError, Habit};

fn cause(
    outcome: Result<crate::BuildReport, BuildError>,
) -> (Option<String>, BuildCause, Vec<String>) {
    match outcome.unwrap_err() {
        BuildError::Failed { service, cause, output, .. } => (service, cause, output),
        other => panic!("{other}"),
    }
}

fn starts(calls: &[String]) -> Vec<&str> {
    calls.iter().filter_map(|call| call.strip_prefix("start ")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_service_starts_when_what_it_waits_for_is_there() {
    let mut stage = Stage::new();
    let seconds = Duration::from_secs;
    stage.service("db");
    stage.engine.set_habit("db:1", Habit::new().health(seconds(4), HealthState::Healthy));
    after(stage.service("migrate"), "db", Condition::ServiceHealthy);
    stage.engine.set_habit("migrate:1", Habit::new().exit(seconds(3), 0));
    after(stage.service("api"), "migrate", Condition::ServiceCompletedSuccessfully);
    after(stage.service("aaa"), "api", Condition::ServiceStarted);
    let told = stage.run().await;
    let elapsed = told.last().elapsed_ms.unwrap();
    assert!((7_000..9_500).contains(&elapsed), "{elapsed}");
    let order = ["shop-db-1", "shop-migrate-1", "shop-api-1", "shop-aaa-1"];
    assert_eq!(starts(&stage.calls_of(0)), order);
    let states = stage.containers().await;
    assert!(states.contains(&"shop-migrate-1 Exited".to_owned()), "{states:?}");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_turns_unhealthy_fails_with_its_last_words() {
    let mut stage = Stage::new();
    stage.service("db");
    let ill = Habit::new().health(Duration::from_secs(2), HealthState::Unhealthy);
    let ill = (0..30).fold(ill, |ill, number| ill.prints(&format!("word {number}")));
    stage.engine.set_habit("db:1", ill);
    after(stage.service("api"), "db", Condition::ServiceHealthy);
    let told = stage.run().await;
    let error = told.error();
    assert!(error.starts_with("Starting containers: db: its health check failed\n"), "{error}");
    assert!(error.contains("\nword 10\n") && error.ends_with("\nword 29"), "{error}");
    let (service, cause, output) = cause(told.outcome);
    assert_eq!(service.as_deref(), Some("db"));
    assert!(matches!(cause, BuildCause::Unhealthy { .. }));
    assert_eq!(output.len(), 20);
    assert_eq!(stage.containers().await, ["shop-db-1 Running"], "the other one was not made");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_exits_at_once_has_failed() {
    let mut stage = Stage::new();
    stage.service("web");
    stage
        .engine
        .set_habit("web:1", Habit::new().exit(Duration::from_millis(50), 3).prints("no port"));
    let told = stage.run().await;
    let (_, cause, output) = cause(told.outcome);
    assert_eq!(cause.to_string(), "it exited with code 3");
    assert_eq!(output, ["no port"]);
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_is_given_up() {
    let mut stage = Stage::new();
    stage.service("db");
    stage
        .engine
        .set_habit("db:1", Habit::new().health(Duration::from_hours(1), HealthState::Healthy));
    let outcome = stage.build().patience(Duration::from_secs(30)).run(std::future::pending()).await;
    let (_, cause, _) = cause(outcome);
    assert_eq!(cause.to_string(), "it was not healthy after 30 s");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_health_that_nobody_checks_is_an_error() {
    let mut stage = Stage::new();
    stage.service("db");
    after(stage.service("api"), "db", Condition::ServiceHealthy);
    let (service, cause, _) = cause(stage.run().await.outcome);
    assert_eq!(service.as_deref(), Some("db"));
    assert!(matches!(cause, BuildCause::NoHealthCheck), "{cause}");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_required_may_fail() {
    let mut stage = Stage::new();
    stage.service("cache");
    stage.engine.set_habit("cache:1", Habit::new().exit(Duration::from_millis(10), 1));
    let api = stage.service("api");
    after(api, "cache", Condition::ServiceStarted);
    api.depends_on.get_mut("cache").unwrap().required = false;
    let told = stage.run().await;
    assert!(told.outcome.is_ok(), "{:?}", told.outcome);
    assert!(
        told.logs().iter().any(|line| line.starts_with("cache is not up, and nothing needs it"))
    );
    assert!(stage.containers().await.contains(&"shop-api-1 Running".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_failure_stops_what_is_still_waited_for() {
    let mut stage = Stage::new();
    stage.service("slow");
    let slow = Habit::new().health(Duration::from_mins(4), HealthState::Healthy);
    stage.engine.set_habit("slow:1", slow);
    stage.service("web");
    stage.engine.set_habit("web:1", Habit::new().exit(Duration::from_millis(100), 1));
    let told = stage.run().await;
    assert!(told.error().contains("web: it exited with code 1"), "{}", told.error());
    assert!(told.last().elapsed_ms.unwrap() < 5_000);
    let items: Vec<_> = told.last().items.iter().map(|item| item.status).collect();
    assert_eq!(items, [ProgressStatus::Cancelled, ProgressStatus::Failed]);
}
