//! Many containers, many readers, many lines: what it costs the engine, and that nobody waits for anybody.

use std::time::Duration;

use nself_docker::{Container, ContainerAction, ContainerState, EngineError, LogPipe};

use crate::stage::{Stage, WEB, all, engine, log, web};

const STATS: &str = "docker:stats";
const STATUS: &str = "service:status";
const MOMENT: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_hundred_containers_have_one_stats_stream_each_whoever_looks() {
    let engine = engine();
    for number in 0..100 {
        engine.add(web(&format!("c{number:03}")));
    }
    engine.slow_inspections(Duration::from_millis(20));
    let stage = Stage::with(engine).await;
    assert_eq!(stage.engine.inspections().1, 8, "at once");
    let mut readers: Vec<_> =
        (0..5).map(|_| stage.read_only("shop", r#"{"types":["docker:stats"]}"#)).collect();
    for reader in &mut readers {
        reader.until("all", |seen| all(seen, STATS, "containerId").len() >= 200).await;
    }
    assert_eq!(stage.engine.open_stats_streams(), 100);
}

#[tokio::test(start_paused = true)]
async fn thirty_thousand_dead_containers_are_not_inspected() {
    let engine = engine();
    engine.lose_events(true);
    for number in 0..30_000 {
        let mut container = Container::new(
            format!("dead{number}"),
            format!("dead{number}"),
            ContainerState::Exited,
        );
        container.exit_code = Some(0);
        engine.add(container);
    }
    engine.add(web(WEB));
    engine.lose_events(false);
    let stage = Stage::with(engine).await;
    let mut reader = stage.read("shop");
    stage.print("one");
    reader.until("a line", |seen| log(seen).len() == 1).await;
    assert_eq!(stage.docker.services().len(), 30_001);
    assert_eq!(stage.engine.inspections().0, 1);
}

#[tokio::test(start_paused = true)]
async fn what_three_hundred_lost_events_told_is_in_the_next_list() {
    let engine = engine();
    for number in 0..300 {
        let id = format!("c{number:03}");
        engine.add(Container::new(&id, &id, ContainerState::Running).in_service("shop", &id));
    }
    let stage = Stage::with(engine).await;
    let mut reader = stage.read_only("shop", r#"{"types":["service:status"]}"#);
    reader.until("all", |seen| all(seen, STATUS, "service").len() == 300).await;
    stage.engine.lose_events(true);
    for number in 0..300 {
        stage.engine.exit(&format!("c{number:03}"), i64::from(number % 2));
    }
    reader.during(Duration::from_secs(31)).await;
    let states = reader.all(STATUS, "status");
    let count = |state: &str| states[300..].iter().filter(|own| *own == state).count();
    assert_eq!((states.len(), count("failed"), count("stopped")), (600, 150, 150));
}

#[tokio::test(start_paused = true)]
async fn fifty_containers_that_are_probed_every_second_are_no_news() {
    let engine = engine();
    for number in 0..50 {
        engine.add(web(&format!("c{number:02}")));
    }
    let stage = Stage::with(engine).await;
    let mut reader = stage.read_only("shop", r#"{"types":["service:status"]}"#);
    for _ in 0..60 {
        for number in 0..50 {
            // Podman tells of each probe; Docker's probes are filtered before they get here.
            stage.engine.announce(&format!("c{number:02}"), ContainerAction::Change);
        }
        reader.during(MOMENT).await;
    }
    assert_eq!(reader.all(STATUS, "status"), ["running"]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_stops_reading_is_noticed_by_nobody() {
    let stage = Stage::with_web().await;
    let stalled = stage.read("shop");
    let mut reader = stage.read_only("shop", r#"{"types":["logs:stream"]}"#);
    reader.during(MOMENT).await;
    for number in 0..10_000 {
        stage.print(&format!("{number}"));
        if number % 100 == 0 {
            reader.during(Duration::from_millis(20)).await;
        }
    }
    reader.during(MOMENT).await;
    assert_eq!(reader.log(), (0..10_000).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(reader.missed, 0);
    drop(stalled);
}

#[tokio::test(start_paused = true)]
async fn fifty_thousand_lines_a_second_come_or_are_counted() {
    let stage = Stage::with_web().await;
    let mut reader = stage.read_only("shop", r#"{"types":["logs:stream"]}"#);
    reader.during(MOMENT).await;
    for number in 0..50_000_u64 {
        stage.engine.print(WEB, LogPipe::Stdout, &format!("{number}"));
        if number % 1_000 == 999 {
            // The engine's reader keeps up; this one looks twice a second.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if number % 25_000 == 24_999 {
            reader.during(Duration::from_millis(20)).await;
        }
    }
    reader.until("the last", |seen| log(seen).last().is_some_and(|line| line == "49999")).await;
    let lines: Vec<u64> = reader.log().iter().map(|line| line.parse().unwrap()).collect();
    assert!(lines.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(lines.len() as u64 + reader.missed, 50_000);
    assert!(reader.missed > 0, "the ring was overrun");
}

#[tokio::test(start_paused = true)]
async fn followers_beyond_the_limit_are_told_and_get_their_turn() {
    let engine = engine();
    for number in 0..300 {
        let id = format!("c{number:03}");
        engine.add(Container::new(&id, &id, ContainerState::Running).in_service("shop", &id));
    }
    let stage = Stage::with(engine).await;
    let mut reader = stage.read_only("shop", r#"{"types":["logs:stream"]}"#);
    reader.during(Duration::from_secs(5)).await;
    assert_eq!(stage.engine.open_log_streams(), 256);
    let refused = |reader: &crate::stage::Reader| {
        reader.log().iter().filter(|text| *text == "<unavailable: not followed: limit 256>").count()
    };
    assert_eq!(refused(&reader), 44);
    assert_eq!(stage.docker.followers(), 256, "those that are read");
    for number in 0..100 {
        stage.engine.remove(&format!("c{number:03}"));
    }
    reader.during(Duration::from_secs(5)).await;
    assert_eq!(stage.engine.open_log_streams(), 200);
    assert_eq!(refused(&reader), 44, "told once");
}

#[tokio::test(start_paused = true)]
async fn samples_that_do_not_come_any_more_are_asked_for_again() {
    let stage = Stage::with_web().await;
    let mut reader = stage.read_only("shop", r#"{"types":["docker:stats"]}"#);
    reader.during(Duration::from_secs(3)).await;
    let before = reader.seen.len();
    stage.engine.mute_stats();
    reader.during(Duration::from_secs(4)).await;
    assert_eq!(reader.seen.len(), before);
    reader.during(Duration::from_secs(4)).await;
    assert!(reader.seen.len() > before);
    assert_eq!(stage.engine.open_stats_streams(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_container_that_cannot_be_inspected_keeps_nobody_waiting() {
    let engine = engine();
    engine.add(web(WEB));
    engine.slow_inspections(Duration::from_hours(1));
    let stage = Stage::with(engine).await;
    let mut reader = stage.read_only("shop", r#"{"types":["service:status"]}"#);
    reader.during(Duration::from_secs(25)).await;
    assert_eq!(reader.all(STATUS, "status"), ["running"], "what the list says");
    let error = EngineError::Timeout { after: Duration::from_secs(20) };
    assert!(error.is_offline());
}
