//! `logs:stream`: each line once, whatever breaks.

use std::time::Duration;

use nself_docker::{Engine as _, LogPipe};
use nself_realtime::NanoTimestamp;
use tokio::time::sleep;

use crate::stage::{Stage, WEB, all, away, engine, log, start, web};

const LOG: &str = "logs:stream";

#[tokio::test(start_paused = true)]
async fn nobody_follows_what_nobody_reads() {
    let stage = Stage::with_web().await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(stage.engine.open_log_streams(), 0);
    let reader = stage.read_only("shop", r#"{"types":["logs:stream"],"keys":["web"]}"#);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(stage.engine.open_log_streams(), 1);
    drop(reader);
    sleep(Duration::from_secs(11)).await;
    assert_eq!(stage.engine.open_log_streams(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_cold_follower_begins_with_the_last_hundred_lines() {
    let stage = Stage::with_web().await;
    for number in 0..300 {
        stage.print(&format!("old {number}"));
    }
    let mut reader = stage.read("shop");
    reader.until("history", |seen| all(seen, LOG, "line").len() == 100).await;
    stage.print("new");
    reader.until("new line", |seen| all(seen, LOG, "line").len() == 101).await;
    let lines = reader.all(LOG, "line");
    assert_eq!((lines[0].as_str(), lines[99].as_str()), ("old 200", "old 299"));
    let history: Vec<_> = reader
        .seen
        .iter()
        .filter(|event| event.kind == LOG)
        .map(|event| event.data["history"].as_u64())
        .collect();
    assert_eq!((history[0], history[99], history[100]), (Some(99), Some(0), None));
}

#[tokio::test(start_paused = true)]
async fn a_log_of_one_second_of_an_engine_that_knows_no_fractions_begins_with_its_last_lines() {
    // Podman's times.
    let at = |second: i128| {
        NanoTimestamp::from_unix_nanos(start().unix_nanos() + second * 1_000_000_000).unwrap()
    };
    for count in [150, 16_500] {
        let stage = Stage::with_web().await;
        for number in 0..count {
            stage.engine.print_at(WEB, LogPipe::Stdout, at(0), &format!("old {number}"));
        }
        let mut reader = stage.read("shop");
        reader.during(Duration::from_secs(5)).await;
        stage.engine.print_at(WEB, LogPipe::Stdout, at(0), "in the same second");
        stage.engine.cut_logs();
        reader.during(Duration::from_secs(5)).await;
        stage.engine.print_at(WEB, LogPipe::Stdout, at(1), "new");
        reader.during(Duration::from_secs(5)).await;
        let mut expected: Vec<_> =
            (count - 100..count).map(|number| format!("old {number}")).collect();
        expected.extend(["in the same second".to_owned(), "new".to_owned()]);
        assert_eq!(reader.log(), expected, "{count} lines");
    }
}

#[tokio::test(start_paused = true)]
async fn no_line_is_lost_or_doubled_when_streams_are_cut() {
    let stage = Stage::with_web().await;
    let mut reader = stage.read("shop");
    reader.during(Duration::from_secs(1)).await;
    let mut expected = Vec::new();
    for number in 0..2_000 {
        let line = format!("line {number}");
        let pipe = if number % 3 == 0 { LogPipe::Stderr } else { LogPipe::Stdout };
        stage.engine.print(WEB, pipe, &line);
        expected.push(line);
        if number % 37 == 0 {
            stage.engine.cut_logs();
        }
        reader.during(Duration::from_millis(5)).await;
    }
    reader.during(Duration::from_secs(20)).await;
    assert_eq!(reader.log(), expected);
}

#[tokio::test(start_paused = true)]
async fn no_line_is_lost_or_doubled_while_the_engine_is_away() {
    let stage = Stage::with_web().await;
    let mut reader = stage.read("shop");
    reader.during(Duration::from_secs(1)).await;
    stage.print("before");
    reader.during(Duration::from_secs(1)).await;
    stage.engine.go_offline(away());
    for number in 0..500 {
        stage.print(&format!("meanwhile {number}"));
        reader.during(Duration::from_millis(40)).await;
    }
    stage.engine.come_online();
    reader.until("all lines", |seen| log(seen).len() == 501).await;
    stage.print("after");
    reader.during(Duration::from_secs(5)).await;
    let lines = reader.log();
    assert_eq!(lines.len(), 502);
    assert_eq!((lines[1].as_str(), lines[501].as_str()), ("meanwhile 0", "after"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_bridged_is_marked_as_lost() {
    let stage = Stage::with_web().await;
    let mut reader = stage.read("shop");
    reader.during(Duration::from_secs(1)).await;
    stage.print("before");
    reader.during(Duration::from_secs(1)).await;
    stage.engine.go_offline(away());
    reader.during(Duration::from_secs(2)).await;
    stage.print("rotated away");
    stage.engine.rotate_log(WEB);
    stage.print("after");
    stage.engine.come_online();
    reader.until("the newest", |seen| log(seen).last().is_some_and(|l| l == "after")).await;
    reader.during(Duration::from_mins(1)).await;
    let lost = "<lost: lines after 2026-01-31T12:00:01.000000000Z were lost: the engine has them \
                no more>";
    assert_eq!(reader.log(), ["before", lost, "after"]);
}

#[tokio::test(start_paused = true)]
async fn stops_and_restarts_are_marked_once_and_last_words_arrive() {
    let stage = Stage::with_web().await;
    let mut reader = stage.read("shop");
    reader.during(Duration::from_secs(1)).await;
    stage.print("one");
    reader.during(Duration::from_secs(1)).await;
    stage.print("last words");
    stage.engine.exit(WEB, 0);
    reader.during(Duration::from_mins(1)).await;
    stage.engine.start(WEB).await.unwrap();
    stage.print("two");
    reader.during(Duration::from_mins(1)).await;
    let expected = ["one", "last words", "<stopped: stopped>", "<restarted: restarted>", "two"];
    assert_eq!(reader.log(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_ended_before_it_was_read_has_no_marker() {
    let stage = Stage::with_web().await;
    stage.print("long ago");
    stage.engine.exit(WEB, 0);
    sleep(Duration::from_secs(5)).await;
    let mut reader = stage.read("shop");
    reader.during(Duration::from_mins(1)).await;
    assert_eq!(reader.log(), ["long ago"]);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_made_anew_goes_on_in_the_same_log() {
    let stage = Stage::with_web().await;
    let mut reader = stage.read("shop");
    reader.during(Duration::from_secs(1)).await;
    stage.print("one");
    reader.during(Duration::from_secs(1)).await;
    stage.engine.exit(WEB, 0);
    reader.during(Duration::from_secs(1)).await;
    stage.engine.remove(WEB);
    reader.during(Duration::from_millis(500)).await;
    let mut newer = web("web-newer");
    newer.image = "web:2".to_owned();
    stage.engine.add(newer);
    stage.engine.print("web-newer", LogPipe::Stdout, "first words");
    reader.during(Duration::from_secs(5)).await;
    let expected =
        ["one", "<stopped: stopped>", "<recreated: recreated (web:1 → web:2)>", "first words"];
    assert_eq!(reader.log(), expected);
    let words = reader.seen.iter().find(|event| event.text("line") == "first words").unwrap();
    assert!(words.data.get("history").is_none(), "whoever watches has a right to them");
}

#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_be_read_says_so_once() {
    let engine = engine();
    let mut silent = web(WEB);
    silent.log_driver = Some("none".to_owned());
    engine.add(silent);
    let stage = Stage::with(engine).await;
    let mut reader = stage.read("shop");
    reader.during(Duration::from_mins(5)).await;
    assert_eq!(reader.log(), ["<unavailable: logs unavailable: driver none>"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_fell_silent_is_opened_again_and_a_quiet_one_is_left_alone() {
    let stage = Stage::with_web().await;
    let mut reader = stage.read("shop");
    reader.during(Duration::from_secs(1)).await;
    stage.print("one");
    // Between two doubts, which come every minute of silence.
    reader.during(Duration::from_secs(330)).await;
    stage.engine.mute_logs(true);
    stage.print("two");
    stage.engine.mute_logs(false);
    reader.during(Duration::from_secs(10)).await;
    assert_eq!(reader.log(), ["one"]);
    reader.during(Duration::from_mins(1)).await;
    assert_eq!(reader.log(), ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_comes_back_within_the_hour_misses_nothing() {
    let stage = Stage::with_web().await;
    let mut reader = stage.read("shop");
    reader.during(Duration::from_secs(1)).await;
    stage.print("one");
    reader.during(Duration::from_secs(1)).await;
    drop(reader);
    sleep(Duration::from_mins(1)).await;
    for number in 0..300 {
        stage.print(&format!("unwatched {number}"));
    }
    let mut reader = stage.read_only("shop", r#"{"types":["logs:stream"],"tail":1000}"#);
    reader.until("all lines", |seen| log(seen).len() == 301).await;
    reader.during(Duration::from_secs(5)).await;
    assert_eq!(reader.log().len(), 301);
}

#[tokio::test(start_paused = true)]
async fn a_long_line_comes_whole_between_those_of_the_other_pipe() {
    let stage = Stage::with_web().await;
    let mut reader = stage.read("shop");
    reader.during(Duration::from_secs(1)).await;
    stage.print(&"x".repeat(40_000));
    stage.engine.print(WEB, LogPipe::Stderr, "short");
    reader.until("both", |seen| log(seen).len() == 2).await;
    assert_eq!(reader.log()[0].len(), 40_000);
}
