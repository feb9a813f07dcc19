//! `engine:status`, and what happens while the engine is away.

use std::time::Duration;

use nself_docker::EngineError;
use nself_realtime::event::EngineState;

use crate::stage::{Stage, WEB, all, away, engine, web};

const ENGINE: &str = "engine:status";

#[tokio::test(start_paused = true)]
async fn an_engine_that_comes_later_is_found() {
    let engine = engine();
    engine.go_offline(away());
    let stage = Stage::with(engine).await;
    assert_eq!(stage.docker.engine().status, EngineState::Offline);
    assert!(stage.docker.engine().message.unwrap().contains("start the engine"));
    let mut system = stage.read("system");
    system.during(Duration::from_mins(2)).await;
    stage.engine.add(web(WEB));
    stage.engine.come_online();
    system.until("online", |seen| all(seen, ENGINE, "status").contains(&"online".into())).await;
    assert_eq!(system.all(ENGINE, "status"), ["offline", "online"]);
    system.until("room", |seen| !all(seen, "room:status", "room").is_empty()).await;
    assert_eq!(stage.docker.services().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_goes_is_told_once_and_statuses_are_not_repeated() {
    let stage = Stage::with_web().await;
    let (mut system, mut shop) = (stage.read("system"), stage.read("shop"));
    system.during(Duration::from_secs(1)).await;
    stage.engine.go_offline(away());
    system.during(Duration::from_mins(1)).await;
    stage.engine.come_online();
    system.during(Duration::from_mins(1)).await;
    assert_eq!(system.all(ENGINE, "status"), ["online", "offline", "online"]);
    shop.during(Duration::from_secs(1)).await;
    assert_eq!(shop.all("service:status", "status"), ["running"]);
}

#[tokio::test(start_paused = true)]
async fn what_changed_while_the_engine_was_away_is_told() {
    let stage = Stage::with_web().await;
    let mut shop = stage.read("shop");
    shop.during(Duration::from_secs(1)).await;
    stage.engine.go_offline(away());
    shop.during(Duration::from_secs(5)).await;
    stage.engine.exit(WEB, 143);
    stage.engine.come_online();
    shop.until("stopped", |seen| all(seen, "service:status", "status").len() == 2).await;
    assert_eq!(shop.all("service:status", "status"), ["running", "stopped"]);
}

#[tokio::test(start_paused = true)]
async fn events_go_on_after_one_that_nobody_can_read() {
    let stage = Stage::with_web().await;
    let (mut system, mut shop) = (stage.read("system"), stage.read("shop"));
    system.during(Duration::from_secs(1)).await;
    stage.engine.spoil_events();
    system.during(Duration::from_secs(2)).await;
    stage.engine.exit(WEB, 1);
    shop.during(Duration::from_secs(2)).await;
    assert_eq!(shop.all("service:status", "status"), ["running", "failed"]);
    assert_eq!(system.all(ENGINE, "status"), ["online"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_nobody_can_read_is_made_up_for_by_a_list() {
    let stage = Stage::with_web().await;
    let mut shop = stage.read("shop");
    shop.during(Duration::from_secs(1)).await;
    stage.engine.lose_events(true);
    stage.engine.exit(WEB, 1);
    stage.engine.spoil_events();
    shop.during(Duration::from_secs(2)).await;
    assert_eq!(shop.all("service:status", "status"), ["running", "failed"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_while_the_engine_answers_is_no_news() {
    let stage = Stage::with_web().await;
    let (mut system, mut shop) = (stage.read("system"), stage.read("shop"));
    system.during(Duration::from_secs(1)).await;
    stage.engine.cut_events();
    system.during(Duration::from_secs(5)).await;
    assert_eq!(system.all(ENGINE, "status"), ["online"]);
    stage.engine.exit(WEB, 1);
    shop.during(Duration::from_secs(2)).await;
    assert_eq!(shop.all("service:status", "status"), ["running", "failed"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_events_that_was_dropped_without_a_word_is_opened_again() {
    let stage = Stage::with_web().await;
    let mut shop = stage.read("shop");
    shop.during(Duration::from_secs(1)).await;
    stage.engine.mute_events();
    // Between two lists, which come every 30 s.
    shop.during(Duration::from_secs(165)).await;
    stage.engine.exit(WEB, 1);
    shop.during(Duration::from_secs(2)).await;
    assert_eq!(shop.all("service:status", "status"), ["running", "failed"]);
}

#[tokio::test(start_paused = true)]
async fn connections_that_all_end_at_once_are_made_less_and_less_often() {
    let stage = Stage::with_web().await;
    let (mut system, before) = (stage.read("system"), stage.engine.inspections().0);
    for _ in 0..3_000 {
        stage.engine.cut_events();
        system.during(Duration::from_millis(20)).await;
    }
    let inspections = stage.engine.inspections().0 - before;
    assert!((4..15).contains(&inspections), "{inspections} in a minute");
    assert_eq!(system.all(ENGINE, "status"), ["online"]);
    // One that lasted is made again at once.
    system.during(Duration::from_secs(31)).await;
    let before = stage.engine.inspections().0;
    stage.engine.cut_events();
    system.during(Duration::from_millis(40)).await;
    assert_eq!(stage.engine.inspections().0, before + 1);
}

#[tokio::test(start_paused = true)]
async fn the_first_list_counts_as_tried_when_there_is_no_engine() {
    let engine = engine();
    engine.go_offline(EngineError::SocketMissing { address: "unix:///nowhere.sock".into() });
    let stage = Stage::begin(engine);
    assert!(!stage.docker.first_list_tried());
    stage.docker.wait_for_first_list().await;
    assert!(stage.docker.first_list_tried());
}

#[tokio::test(start_paused = true)]
async fn everything_ends_with_the_last_handle() {
    let stage = Stage::with_web().await;
    let mut shop = stage.read("shop");
    shop.until("stats", |seen| !all(seen, "docker:stats", "containerId").is_empty()).await;
    assert_eq!((stage.engine.open_log_streams(), stage.engine.open_stats_streams()), (1, 1));
    drop(stage.docker);
    shop.during(Duration::from_secs(1)).await;
    assert_eq!((stage.engine.open_log_streams(), stage.engine.open_stats_streams()), (0, 0));
}
