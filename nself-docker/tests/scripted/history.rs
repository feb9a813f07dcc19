//! Old lines, read back from the engine.

use std::time::Duration;

use nself_docker::{EngineError, HistoryError, HistoryQuery, LogPipe};
use nself_realtime::event::{Level, Source};
use nself_realtime::{Name, NanoTimestamp, RoomName};
use serde_json::Value;

use crate::stage::{Stage, WEB, away, engine, start, web};

async fn ask(stage: &Stage, query: HistoryQuery) -> nself_docker::History {
    let (room, service) = (RoomName::new("shop").unwrap(), Name::new("web").unwrap());
    stage.docker.history(&room, &service, &query).await.unwrap()
}

fn texts(history: &nself_docker::History) -> Vec<&str> {
    history.lines.iter().map(|line| line.line.as_str()).collect()
}

fn second(second: i128) -> NanoTimestamp {
    NanoTimestamp::from_unix_nanos(start().unix_nanos() + second * 1_000_000_000).unwrap()
}

#[tokio::test(start_paused = true)]
async fn old_lines_have_the_identity_that_they_have_as_events() {
    let stage = Stage::with_web().await;
    let mut reader = stage.read_only("shop", r#"{"types":["logs:stream"],"tail":2000}"#);
    reader.during(Duration::from_secs(1)).await;
    let at = NanoTimestamp::from_unix_nanos(second(5).unix_nanos() + 1).unwrap();
    for line in ["a", "b", "a", "c"] {
        stage.engine.print_at(WEB, LogPipe::Stdout, at, line);
        stage.engine.print_at(WEB, LogPipe::Stderr, at, line);
    }
    stage.print("later");
    reader.during(Duration::from_secs(1)).await;
    let mut live: Vec<Value> = reader.seen.iter().map(|event| event.data.clone()).collect();
    for line in &mut live {
        line.as_object_mut().unwrap().remove("kind");
    }
    let history = ask(&stage, HistoryQuery::default()).await;
    assert!(history.complete);
    let mut old: Vec<Value> =
        history.lines.iter().map(|line| serde_json::to_value(line).unwrap()).collect();
    let key = |line: &Value| line.to_string();
    live.sort_by_key(key);
    old.sort_by_key(key);
    assert_eq!(old, live);
    assert_eq!(old.len(), 7, "equal bytes at an equal time are one line");
}

#[tokio::test(start_paused = true)]
async fn replicas_and_pipes_are_merged_by_time_and_filtered() {
    let engine = engine();
    engine.add(web("one"));
    engine.add(web("two"));
    let stage = Stage::with(engine).await;
    for number in 0..10 {
        let (id, pipe) = match number % 3 {
            0 => ("one", LogPipe::Stdout),
            1 => ("two", LogPipe::Stderr),
            _ => ("two", LogPipe::Stdout),
        };
        let level = if number % 2 == 0 { "ERROR" } else { "info:" };
        stage.engine.print_at(id, pipe, second(number), &format!("{level} {number}"));
    }
    let number = |text: &&str| text.rsplit(' ').next().unwrap().to_owned();
    let numbers =
        |history: &nself_docker::History| texts(history).iter().map(number).collect::<String>();
    let all = ask(&stage, HistoryQuery::default()).await;
    assert_eq!((numbers(&all).as_str(), all.complete), ("0123456789", true));
    let newest = ask(&stage, HistoryQuery::default().tail(3)).await;
    assert_eq!((numbers(&newest).as_str(), newest.complete), ("789", false));
    let between = HistoryQuery::default().since(second(2)).until(second(4));
    assert_eq!(numbers(&ask(&stage, between).await), "234");
    let errors = HistoryQuery::default().levels([Level::Error]);
    assert_eq!(numbers(&ask(&stage, errors).await), "02468");
    let with_text = HistoryQuery::default().text("INFO: 7");
    assert_eq!(numbers(&ask(&stage, with_text).await), "7");
    let stderr = HistoryQuery::default().source(Source::Stderr);
    assert_eq!(numbers(&ask(&stage, stderr).await), "147");
}

#[tokio::test(start_paused = true)]
async fn lines_of_long_ago_are_reached_and_what_is_further_back_is_told() {
    let stage = Stage::with_web().await;
    for number in 0..15_000 {
        stage.print(&format!("line {number}"));
    }
    let early = HistoryQuery::default().text("line 17").tail(5);
    let history = ask(&stage, early).await;
    assert_eq!(texts(&history).last(), Some(&"line 1799"), "the newest of those that match");
    assert!(!history.complete);
    let one = ask(&stage, HistoryQuery::default().text("line 12 ")).await;
    assert!(texts(&one).is_empty());
    assert!(one.complete, "everything was looked at");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_told() {
    let stage = Stage::with_web().await;
    let (room, web) = (RoomName::new("shop").unwrap(), Name::new("web").unwrap());
    let other = Name::new("other").unwrap();
    let query = HistoryQuery::default();
    let error = stage.docker.history(&room, &other, &query).await.unwrap_err();
    assert_eq!(error, HistoryError::NotFound { room: room.clone(), service: other });
    let none = EngineError::Api { status: 501, message: "driver".to_owned() };
    stage.engine.refuse_logs(Some(none.clone()));
    let history = stage.docker.history(&room, &web, &query).await.unwrap();
    assert_eq!(history.unavailable, [(Name::new(WEB).unwrap(), none)]);
    stage.engine.go_offline(away());
    let error = stage.docker.history(&room, &web, &query).await.unwrap_err();
    assert_eq!(error, HistoryError::EngineOffline);
}
