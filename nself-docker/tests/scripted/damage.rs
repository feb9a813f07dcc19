//! `logs:stream` of logs that cannot be read as a whole.

use std::time::Duration;

use nself_docker::{EngineError, HistoryQuery, LogPipe};
use nself_realtime::{Name, RoomName};
use tokio::time::sleep;

use crate::stage::{Stage, WEB, log, web};

fn damaged_after(line: &str) -> String {
    format!("<lost: {line} cannot be read: the engine's log is damaged there>")
}

#[tokio::test(start_paused = true)]
async fn what_lies_behind_a_damaged_line_comes_after_a_marker() {
    for complains in [false, true] {
        let stage = Stage::with_web().await;
        stage.engine.complain_of_damage(complains);
        let mut reader = stage.read("shop");
        reader.during(Duration::from_secs(1)).await;
        stage.print("one");
        reader.during(Duration::from_secs(1)).await;
        stage.engine.damage_log(WEB);
        for number in 0..50 {
            stage.print(&format!("behind {number}"));
        }
        reader.during(Duration::from_mins(2)).await;
        let lost = damaged_after("lines after 2026-01-31T12:00:01.000000000Z");
        let mut expected = vec!["one".to_owned(), lost];
        expected.extend((0..50).map(|number| format!("behind {number}")));
        assert_eq!(reader.log(), expected);

        // From here on it is as if there were no such line: at once, whatever breaks, for thousands.
        for number in 0..1_000 {
            for part in 0..20 {
                let line = format!("later {number}.{part}");
                stage.print(&line);
                expected.push(line);
            }
            if number % 97 == 0 {
                stage.engine.cut_logs();
            }
            reader.during(Duration::from_millis(20)).await;
        }
        reader.during(Duration::from_secs(15)).await;
        let log = reader.log();
        let differs = log.iter().zip(&expected).position(|(line, expected)| line != expected);
        let missed = reader.missed;
        assert_eq!((differs, log.len(), missed), (None, expected.len(), 0), "{complains}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_printed_behind_a_damaged_line_while_the_stream_was_cut_is_not_lost() {
    for complains in [false, true] {
        let stage = Stage::with_web().await;
        stage.engine.complain_of_damage(complains);
        let mut reader = stage.read("shop");
        reader.during(Duration::from_secs(1)).await;
        stage.engine.damage_log(WEB);
        stage.print("behind");
        reader.during(Duration::from_mins(2)).await;
        stage.engine.cut_logs();
        for number in 0..100 {
            stage.print(&format!("meanwhile {number}"));
        }
        reader.until("the newest", |seen| log(seen).len() == 102).await;
        reader.during(Duration::from_mins(2)).await;
        let log = reader.log();
        assert_eq!(log.len(), 102);
        assert_eq!(log[0], damaged_after("lines"));
        assert_eq!(
            (log[1].as_str(), log[2].as_str(), log[101].as_str()),
            ("behind", "meanwhile 0", "meanwhile 99")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_log_of_a_process_that_is_over_is_read_to_its_end() {
    for complains in [false, true] {
        let stage = Stage::with_web().await;
        stage.engine.complain_of_damage(complains);
        stage.print("one");
        stage.engine.damage_log(WEB);
        stage.print("last words");
        stage.engine.exit(WEB, 0);
        sleep(Duration::from_secs(5)).await;
        let mut reader = stage.read("shop");
        reader.during(Duration::from_mins(1)).await;
        let log = reader.log();
        assert_eq!((log[0].as_str(), log[2].as_str(), log.len()), ("one", "last words", 3));
        assert!(log[1].starts_with("<lost: lines after "), "{log:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_line_among_the_last_ones_keeps_nobody_from_a_log() {
    let stage = Stage::with_web().await;
    stage.engine.complain_of_damage(true);
    stage.print("one");
    stage.engine.damage_log(WEB);
    stage.print("two");
    let mut reader = stage.read("shop");
    reader.during(Duration::from_secs(5)).await;
    stage.print("three");
    reader.during(Duration::from_secs(5)).await;
    let lost = damaged_after("lines after 2026-01-31T12:00:00.000000002Z");
    assert_eq!(reader.log(), ["one", &lost, "two", "three"]);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_line_that_nothing_follows_is_told_once_and_left_behind_later() {
    let stage = Stage::with_web().await;
    stage.engine.complain_of_damage(true);
    let mut reader = stage.read("shop");
    reader.during(Duration::from_secs(1)).await;
    stage.print("one");
    reader.during(Duration::from_secs(1)).await;
    stage.engine.damage_log(WEB);
    reader.during(Duration::from_mins(5)).await;
    let unreadable = "<unavailable: logs unavailable: the engine cannot read on in the log: invalid \
                      character (its own log may say more)>";
    assert_eq!(reader.log(), ["one", unreadable]);
    stage.print("two");
    reader.during(Duration::from_secs(15)).await;
    let lost = damaged_after("lines after 2026-01-31T12:00:01.000000000Z");
    assert_eq!(reader.log(), ["one", unreadable, &lost, "two"]);
}

#[tokio::test(start_paused = true)]
async fn a_damage_that_was_left_behind_is_no_news_for_who_comes_back() {
    let stage = Stage::with_web().await;
    stage.engine.complain_of_damage(true);
    let mut reader = stage.read("shop");
    reader.during(Duration::from_secs(1)).await;
    stage.engine.damage_log(WEB);
    stage.print("one");
    reader.during(Duration::from_secs(10)).await;
    drop(reader);
    sleep(Duration::from_mins(1)).await;
    let mut reader = stage.read("shop");
    reader.during(Duration::from_mins(1)).await;
    let opened = stage.engine.opened_log_streams();
    stage.print("two");
    reader.during(Duration::from_millis(200)).await;
    assert_eq!(reader.log(), [&damaged_after("lines"), "one", "two"]);
    reader.during(Duration::from_mins(5)).await;
    assert_eq!(stage.engine.opened_log_streams(), opened);
}

#[tokio::test(start_paused = true)]
async fn old_lines_before_a_damaged_one_are_given_with_what_is_wrong() {
    let stage = Stage::with_web().await;
    stage.engine.complain_of_damage(true);
    stage.print("one");
    stage.engine.damage_log(WEB);
    stage.print("two");
    let (shop, web) = (RoomName::new("shop").unwrap(), Name::new("web").unwrap());
    let history = stage.docker.history(&shop, &web, &HistoryQuery::default()).await.unwrap();
    let lines: Vec<&str> = history.lines.iter().map(|line| line.line.as_str()).collect();
    assert_eq!((lines.as_slice(), history.complete), (&["one"][..], false));
    let [(container, why)] = history.unavailable.as_slice() else { panic!("{history:?}") };
    assert_eq!(container.as_str(), WEB);
    assert!(matches!(why, EngineError::ReadingFailed { .. }), "{why}");
}

#[tokio::test(start_paused = true)]
async fn old_lines_behind_a_damage_are_not_given_up_for_those_before_it() {
    let stage = Stage::with_web().await;
    stage.engine.complain_of_damage(true);
    stage.print("wanted, before");
    stage.engine.damage_log(WEB);
    for number in 0..2_500 {
        stage.print(if number == 2_400 { "wanted, behind" } else { "another" });
    }
    let (shop, web) = (RoomName::new("shop").unwrap(), Name::new("web").unwrap());
    let query = HistoryQuery::default().text("wanted");
    let history = stage.docker.history(&shop, &web, &query).await.unwrap();
    let lines: Vec<&str> = history.lines.iter().map(|line| line.line.as_str()).collect();
    assert_eq!((lines.as_slice(), history.complete), (&["wanted, behind"][..], false));
    assert_eq!(history.unavailable.len(), 1, "{history:?}");
}

/// How many events a reader gets, or is told to have missed, of a log whose container printed that many
/// lines before anybody could read it. The first event is that it is another container.
async fn told_of_a_burst(lines: usize) -> u64 {
    let stage = Stage::with_web().await;
    let mut reader = stage.read("shop");
    reader.during(Duration::from_secs(1)).await;
    stage.engine.remove(WEB);
    reader.during(Duration::from_secs(1)).await;
    stage.engine.add(web("web-newer"));
    for number in 0..lines {
        stage.engine.print("web-newer", LogPipe::Stdout, &format!("line {number}"));
    }
    reader.during(Duration::from_mins(1)).await;
    assert_eq!(reader.log().last(), Some(&format!("line {}", lines - 1)));
    reader.log().len() as u64 + reader.missed
}

#[tokio::test(start_paused = true)]
async fn a_log_that_outruns_its_first_reading_begins_with_a_marker() {
    assert_eq!(told_of_a_burst(15_999).await, 1 + 15_999);
    assert_eq!(told_of_a_burst(17_000).await, 1 + 1 + 16_000);
}
