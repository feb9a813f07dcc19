//! `service:status`: told once, told right.

use std::time::Duration;

use nself_docker::{Action, Container, ContainerState, Engine as _, LogPipe};
use nself_realtime::event::{EngineState, HealthState};
use nself_realtime::{Name, RoomName};

use crate::stage::{Stage, WEB, all, engine, web};

const STATUS: &str = "service:status";

#[tokio::test(start_paused = true)]
async fn a_service_is_told_once_however_often_it_is_listed() {
    let stage = Stage::with_web().await;
    let mut reader = stage.read("shop");
    reader.during(Duration::from_mins(3)).await;
    assert_eq!(reader.all(STATUS, "status"), ["running"]);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_fails_is_told_with_its_last_words() {
    let stage = Stage::with_web().await;
    let (mut reader, mut system) = (stage.read("shop"), stage.read("system"));
    reader.during(Duration::from_millis(100)).await;
    for number in 0..25 {
        stage.print(&format!("line {number}"));
    }
    stage.engine.exit(WEB, 3);
    reader.until("failed", |seen| all(seen, STATUS, "status").ends_with(&["failed".into()])).await;
    assert_eq!(reader.all(STATUS, "message").last().unwrap(), "exited with code 3");
    system.until("notification", |seen| !all(seen, "notification", "id").is_empty()).await;
    let body = system.all("notification", "body").remove(0);
    assert!(body.starts_with("exited with code 3\n\nline 5\n"), "{body}");
    assert!(body.ends_with("\nline 24"), "{body}");
    assert_eq!(system.seen.last().unwrap().data["action"]["href"], "/logs/shop/web");
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_news_when_it_happens_and_not_when_it_is_stopped() {
    let stage = Stage::with_web().await;
    let (mut reader, mut system) = (stage.read("shop"), stage.read("system"));
    reader.during(Duration::from_millis(100)).await;
    stage.engine.exit(WEB, 3);
    reader.during(Duration::from_secs(2)).await;
    let (shop, web) = (RoomName::new("shop").unwrap(), Name::new("web").unwrap());
    stage.docker.act(&shop, &web, Action::Stop).await.unwrap();
    reader.during(Duration::from_secs(2)).await;
    assert_eq!(reader.all(STATUS, "status"), ["running", "failed", "stopping", "failed"]);
    system.during(Duration::from_secs(1)).await;
    assert_eq!(system.all("notification", "title"), ["web failed"]);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_asked_to_stop_has_not_failed() {
    let stage = Stage::with_web().await;
    let (mut reader, mut system) = (stage.read("shop"), stage.read("system"));
    reader.during(Duration::from_millis(100)).await;
    stage.engine.stop(WEB).await.unwrap();
    reader.during(Duration::from_secs(5)).await;
    stage.engine.start(WEB).await.unwrap();
    reader.during(Duration::from_secs(5)).await;
    stage.engine.kill(WEB);
    reader.during(Duration::from_millis(900)).await;
    assert_eq!(
        reader.all(STATUS, "status"),
        ["running", "stopped", "running"],
        "held for a second"
    );
    reader.during(Duration::from_secs(5)).await;
    assert_eq!(reader.all(STATUS, "status"), ["running", "stopped", "running", "stopped"]);
    system.during(Duration::from_secs(1)).await;
    assert!(system.all("notification", "id").is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_end_without_news_is_judged_by_its_code() {
    let engine = engine();
    for (id, code) in [("asked", 143), ("ended", 0), ("broken", 2)] {
        let mut container = Container::new(id, id, ContainerState::Exited).in_service("shop", id);
        container.exit_code = Some(code);
        engine.add(container);
    }
    let mut killed = Container::new("eater", "eater", ContainerState::Exited);
    killed = killed.in_service("shop", "eater");
    (killed.exit_code, killed.oom_killed) = (Some(137), Some(true));
    engine.add(killed);
    let stage = Stage::with(engine).await;
    let services = stage.docker.services();
    let states: Vec<String> = services
        .iter()
        .map(|(_, status)| format!("{} {:?}", status.service, status.status))
        .collect();
    assert_eq!(states, ["asked Stopped", "broken Failed", "eater Failed", "ended Stopped"]);
}

#[tokio::test(start_paused = true)]
async fn a_start_whose_event_was_lost_is_found_by_the_list() {
    let stage = Stage::with_web().await;
    let mut reader = stage.read("shop");
    stage.engine.stop(WEB).await.unwrap();
    reader.during(Duration::from_secs(1)).await;
    stage.engine.lose_events(true);
    stage.engine.start(WEB).await.unwrap();
    reader.during(Duration::from_secs(31)).await;
    assert_eq!(reader.all(STATUS, "status"), ["running", "stopped", "running"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_health_is_told_once() {
    let stage = Stage::with_web().await;
    let mut reader = stage.read("shop");
    reader.during(Duration::from_millis(100)).await;
    for health in [HealthState::Unhealthy, HealthState::Unhealthy, HealthState::Healthy] {
        stage.engine.set_health(WEB, health);
        reader.during(Duration::from_secs(40)).await;
    }
    // The verdict of a check that was not there before is news, the same one again is not.
    assert_eq!(reader.all(STATUS, "status"), ["running", "unhealthy", "running"]);
}

#[tokio::test(start_paused = true)]
async fn replicas_are_one_service() {
    let engine = engine();
    engine.add(web(WEB));
    engine.add(web("web-container-2"));
    let mut probe = web("probe");
    probe.one_off = true;
    engine.add(probe);
    let stage = Stage::with(engine).await;
    let mut reader = stage.read("shop");
    reader.during(Duration::from_millis(100)).await;
    stage.engine.exit("web-container-2", 1);
    reader.during(Duration::from_secs(2)).await;
    let replicas: Vec<String> = reader
        .seen
        .iter()
        .filter(|event| event.kind == STATUS)
        .map(|event| event.data["replicas"].to_string())
        .collect();
    assert_eq!(replicas, [r#"{"running":2,"total":2}"#, r#"{"running":1,"total":2}"#]);
    assert_eq!(reader.all(STATUS, "status"), ["running", "running"]);
}

#[tokio::test(start_paused = true)]
async fn a_service_without_containers_is_removed_and_its_room_closes_later() {
    let stage = Stage::with_web().await;
    let (mut reader, mut system) = (stage.read("shop"), stage.read("system"));
    reader.during(Duration::from_millis(100)).await;
    stage.engine.print(WEB, LogPipe::Stdout, "bye");
    stage.engine.remove(WEB);
    reader.until("removed", |seen| all(seen, STATUS, "status").contains(&"removed".into())).await;
    assert!(stage.docker.services().is_empty());
    system.during(Duration::from_mins(9)).await;
    assert_eq!(system.all("room:status", "state"), ["open"]);
    system.during(Duration::from_secs(70)).await;
    assert_eq!(system.all("room:status", "state"), ["open", "closed"]);
}

#[tokio::test(start_paused = true)]
async fn a_project_whose_name_no_room_can_have_is_the_title_of_its_room() {
    let stage = Stage::with_web().await;
    let mut system = stage.read("system");
    stage
        .engine
        .add(Container::new("c2", "c2", ContainerState::Running).in_service("My Shop", "web"));
    system.until("the other room", |seen| all(seen, "room:status", "room").len() == 2).await;
    let told: Vec<_> = system.seen.iter().filter(|event| event.kind == "room:status").collect();
    assert_eq!((told[0].text("room").as_str(), told[0].data.get("title")), ("shop", None));
    assert!(told[1].text("room").starts_with("project."));
    assert_eq!(told[1].text("title"), "My Shop");
}

#[tokio::test(start_paused = true)]
async fn a_container_that_comes_between_subscription_and_list_is_told_once() {
    let stage = Stage::begin(engine());
    while stage.docker.engine().status != EngineState::Online {
        tokio::task::yield_now().await;
    }
    stage.engine.add(web(WEB));
    while stage.docker.services().is_empty() {
        tokio::task::yield_now().await;
    }
    let mut reader = stage.read("shop");
    reader.during(Duration::from_secs(5)).await;
    assert_eq!(reader.all(STATUS, "status"), ["running"]);
}
