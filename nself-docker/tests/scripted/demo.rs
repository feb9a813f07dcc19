//! The demo: six services that mostly work.

use std::collections::BTreeSet;
use std::time::Duration;

use nself_docker::{Action, ContainerSpec, Engine as _, ScriptedEngine};
use nself_realtime::{Name, RoomName};

use crate::stage::{Stage, WEB, all, engine, start, web};

const STATUS: &str = "service:status";

#[tokio::test(start_paused = true)]
async fn six_services_play_through_illness_and_death() {
    let stage = Stage::with(ScriptedEngine::demo(start(), 7)).await;
    assert_eq!(stage.docker.services().len(), 6);
    let mut reader = stage.read("demo");
    reader.during(Duration::from_mins(2)).await;
    let told: Vec<_> = reader
        .all(STATUS, "service")
        .into_iter()
        .zip(reader.all(STATUS, "status"))
        .skip(6)
        .map(|(service, status)| format!("{service} {status}"))
        .collect();
    for expected in
        ["storage unhealthy", "storage running", "functions restarting", "functions running"]
    {
        assert!(told.iter().any(|status| status == expected), "{expected} in {told:?}");
    }
    let levels: BTreeSet<_> = reader.all("logs:stream", "level").into_iter().collect();
    for level in ["", "debug", "info", "warn", "error", "fatal"] {
        assert!(levels.contains(level), "{level:?} in {levels:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_plays_the_same() {
    let mut plays = Vec::new();
    for _ in 0..2 {
        let stage = Stage::with(ScriptedEngine::demo(start(), 42)).await;
        let mut reader = stage.read_only("demo", r#"{"types":["logs:stream"],"keys":["nginx"]}"#);
        reader.during(Duration::from_secs(30)).await;
        plays.push(reader.all("logs:stream", "line"));
    }
    assert!(plays[0].len() > 50);
    assert_eq!(plays[0], plays[1]);
}

#[tokio::test(start_paused = true)]
async fn the_stack_can_be_stopped_and_started() {
    let stage = Stage::with(ScriptedEngine::demo(start(), 1)).await;
    let mut reader = stage.read("demo");
    reader.during(Duration::from_millis(500)).await;
    let (room, redis) = (RoomName::new("demo").unwrap(), Name::new("redis").unwrap());
    for (action, outcome) in [(Action::Stop, "stopped"), (Action::Start, "running")] {
        stage.docker.act(&room, &redis, action).await.unwrap();
        let outcome = outcome.to_owned();
        reader.until(&outcome, |seen| all(seen, STATUS, "status").last() == Some(&outcome)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_scripted_engine_remembers_is_bounded() {
    let engine = engine();
    engine.add(web(WEB));
    engine.add_image("db:1", &["/data"]);
    let spec = ContainerSpec { image: "db:1".to_owned(), ..ContainerSpec::default() };
    let id = engine.create("db", &spec).await.unwrap();
    assert_eq!(engine.volumes_of(&id).await.unwrap().len(), 1);
    ScriptedEngine::remove(&engine, &id);
    assert!(engine.volumes_of(&id).await.unwrap().is_empty());
    for _ in 0..5_000 {
        engine.start(WEB).await.unwrap();
    }
    let calls = engine.project_calls();
    assert_eq!((calls.len(), calls[0].as_str()), (4_096, "start shop-web-container"));
}
