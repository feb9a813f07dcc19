//! Start, stop and restart.

use std::time::Duration;

use nself_docker::{
    Accepted, Action, ActionError, Container, ContainerState, EngineError, OutcomeError,
};
use nself_realtime::{Name, RoomName};

use crate::stage::{Stage, WEB, all, away, engine};

const STATUS: &str = "service:status";

async fn act(stage: &Stage, service: &str, action: Action) -> Result<Accepted, ActionError> {
    let (room, service) = (RoomName::new("shop").unwrap(), Name::new(service).unwrap());
    stage.docker.act(&room, &service, action).await
}

#[tokio::test(start_paused = true)]
async fn an_action_is_told_by_its_beginning_and_its_outcome_alone() {
    let stage = Stage::with_web().await;
    let mut reader = stage.read("shop");
    for action in [Action::Restart, Action::Stop, Action::Start] {
        reader.during(Duration::from_secs(3)).await;
        act(&stage, "web", action).await.unwrap();
    }
    reader.during(Duration::from_secs(3)).await;
    assert_eq!(
        reader.all(STATUS, "status"),
        ["running", "restarting", "running", "stopping", "stopped", "starting", "running"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_so_already_is_a_success() {
    let stage = Stage::with_web().await;
    let mut reader = stage.read("shop");
    reader.during(Duration::from_secs(1)).await;
    act(&stage, "web", Action::Start).await.unwrap();
    reader.during(Duration::from_secs(1)).await;
    assert_eq!(reader.all(STATUS, "status"), ["running", "starting", "running"]);
    assert!(reader.all(STATUS, "message").iter().all(String::is_empty));
}

#[tokio::test(start_paused = true)]
async fn one_action_at_a_time() {
    let stage = Stage::with_web().await;
    act(&stage, "web", Action::Restart).await.unwrap();
    let error = act(&stage, "web", Action::Stop).await.unwrap_err();
    let service = Name::new("web").unwrap();
    assert_eq!(error, ActionError::Conflict { service, running: Action::Restart });
    tokio::time::sleep(Duration::from_secs(3)).await;
    act(&stage, "web", Action::Stop).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_there_is_named() {
    let stage = Stage::with_web().await;
    let error = act(&stage, "nobody", Action::Stop).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no service nobody in shop");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_begun_without_an_engine() {
    let stage = Stage::with_web().await;
    stage.engine.go_offline(away());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let error = act(&stage, "web", Action::Stop).await.unwrap_err();
    assert_eq!(error, ActionError::EngineOffline);
    stage.docker.shutdown().await;
    let error = act(&stage, "web", Action::Stop).await.unwrap_err();
    assert_eq!(error, ActionError::EngineOffline);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_the_old_status_with_a_message_until_something_changes() {
    let stage = Stage::with_web().await;
    let mut reader = stage.read("shop");
    reader.during(Duration::from_secs(1)).await;
    let refusal = EngineError::Api { status: 500, message: "no space left".to_owned() };
    stage.engine.refuse_actions(Some(refusal));
    act(&stage, "web", Action::Stop).await.unwrap();
    reader.during(Duration::from_mins(2)).await;
    assert_eq!(reader.all(STATUS, "status"), ["running", "stopping", "running"]);
    let message = "the engine answered 500: no space left (the engine's own log may say more)";
    assert_eq!(reader.all(STATUS, "message"), ["", "", message]);

    stage.engine.refuse_actions(None);
    act(&stage, "web", Action::Stop).await.unwrap();
    reader.until("stopped", |seen| all(seen, STATUS, "status").len() == 5).await;
    assert_eq!(reader.all(STATUS, "message").last().unwrap(), "");
}

#[tokio::test(start_paused = true)]
async fn whoever_asked_for_an_action_hears_how_it_ended() {
    let stage = Stage::with_web().await;
    assert_eq!(act(&stage, "web", Action::Restart).await.unwrap().ended().await, Ok(()));
    let refusal = EngineError::Api { status: 500, message: "no space left".to_owned() };
    stage.engine.refuse_actions(Some(refusal.clone()));
    let shop = RoomName::new("shop").unwrap();
    let (_, begun) = stage.docker.act_on_project(&shop, Action::Stop).await.remove(0);
    assert_eq!(begun.unwrap().ended().await, Err(OutcomeError::Engine(refusal)));
    stage.engine.refuse_actions(None);
    let begun = act(&stage, "web", Action::Stop).await.unwrap();
    stage.docker.shutdown().await;
    assert_eq!(begun.ended().await, Err(OutcomeError::Abandoned));
}

#[tokio::test(start_paused = true)]
async fn an_action_goes_on_though_nobody_waits_for_its_end() {
    let stage = Stage::with_web().await;
    drop(act(&stage, "web", Action::Stop).await.unwrap());
    let mut reader = stage.read("shop");
    reader.until("stopped", |seen| all(seen, STATUS, "status").contains(&"stopped".into())).await;
}

#[tokio::test(start_paused = true)]
async fn a_container_that_is_removed_in_mid_action_is_told_as_removed() {
    let stage = Stage::with_web().await;
    let mut reader = stage.read("shop");
    reader.during(Duration::from_secs(1)).await;
    act(&stage, "web", Action::Restart).await.unwrap();
    stage.engine.remove(WEB);
    reader.during(Duration::from_secs(5)).await;
    assert_eq!(reader.all(STATUS, "status"), ["running", "restarting", "removed"]);
    assert!(stage.docker.services().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_action_on_a_project_is_one_on_each_service_that_is_not_busy() {
    let engine = engine();
    for service in ["api", "db", "web"] {
        let container = Container::new(service, service, ContainerState::Running);
        engine.add(container.in_service("shop", service));
    }
    let stage = Stage::with(engine).await;
    let shop = RoomName::new("shop").unwrap();
    act(&stage, "db", Action::Restart).await.unwrap();
    let begun = stage.docker.act_on_project(&shop, Action::Stop).await;
    let begun: Vec<(&str, bool)> =
        begun.iter().map(|(service, outcome)| (service.as_str(), outcome.is_ok())).collect();
    assert_eq!(begun, [("api", true), ("db", false), ("web", true)]);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let states: Vec<String> = stage
        .docker
        .services()
        .iter()
        .map(|(_, status)| format!("{} {:?}", status.service, status.status))
        .collect();
    assert_eq!(states, ["api Stopped", "db Running", "web Stopped"]);
    let nowhere = RoomName::new("nowhere").unwrap();
    assert!(stage.docker.act_on_project(&nowhere, Action::Stop).await.is_empty());
}
