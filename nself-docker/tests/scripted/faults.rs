//! Logs of engines that break, lie and fall silent: each line once and whole, and what is missing is told.

use std::time::Duration;

use nself_docker::{ContainerState, Engine as _, EngineError, LogPipe};
use nself_realtime::NanoTimestamp;

use crate::stage::{Reader, Stage, WEB, all, engine, log, start, web};

const MOMENT: Duration = Duration::from_secs(1);

async fn watched() -> (Stage, Reader) {
    let stage = Stage::with_web().await;
    let mut reader = stage.read_only("shop", r#"{"types":["logs:stream"]}"#);
    reader.during(MOMENT).await;
    (stage, reader)
}

fn refusal(status: u16) -> EngineError {
    EngineError::Api { status, message: "no".to_owned() }
}

#[tokio::test(start_paused = true)]
async fn a_long_line_that_is_cut_after_its_second_part_comes_once_and_whole() {
    for cut_after in 0..4 {
        let (stage, mut reader) = watched().await;
        stage.print("before");
        reader.during(MOMENT).await;
        stage.engine.cut_logs_after(cut_after);
        stage.print(&"x".repeat(40_000));
        stage.print("after");
        reader.during(Duration::from_secs(5)).await;
        let lengths: Vec<usize> = reader.log().iter().map(String::len).collect();
        assert_eq!(lengths, [6, 40_000, 5], "cut after {cut_after} parts");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pipe_whose_times_are_behind_the_other_ones_loses_nothing() {
    let (stage, mut reader) = watched().await;
    let mut expected = Vec::new();
    for number in 0..200_i128 {
        let now = start().unix_nanos() + 2_000_000_000 + number * 1_000_000;
        let at = |nanos| NanoTimestamp::from_unix_nanos(nanos).unwrap();
        stage.engine.print_at(WEB, LogPipe::Stdout, at(now), &format!("out {number}"));
        let behind = at(now - 5_000_000);
        stage.engine.print_at(WEB, LogPipe::Stderr, behind, &format!("err {number}"));
        expected.extend([format!("out {number}"), format!("err {number}")]);
        if number % 20 == 0 {
            stage.engine.cut_logs();
        }
        reader.during(Duration::from_millis(5)).await;
    }
    reader.during(Duration::from_secs(10)).await;
    let mut seen = reader.log();
    seen.sort_unstable();
    expected.sort_unstable();
    assert_eq!(seen, expected);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_steps_back_loses_nothing() {
    let (stage, mut reader) = watched().await;
    let at = |second: i128| {
        NanoTimestamp::from_unix_nanos(start().unix_nanos() + second * 1_000_000_000).unwrap()
    };
    for (second, line) in [(100, "one"), (101, "two"), (40, "three"), (41, "four")] {
        stage.engine.print_at(WEB, LogPipe::Stdout, at(second), line);
    }
    reader.during(MOMENT).await;
    stage.engine.cut_logs();
    reader.during(MOMENT).await;
    stage.engine.print_at(WEB, LogPipe::Stdout, at(42), "five");
    reader.during(Duration::from_secs(5)).await;
    assert_eq!(reader.log(), ["one", "two", "three", "four", "five"]);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_ends_just_before_its_process_is_not_opened_again() {
    let (stage, mut reader) = watched().await;
    stage.print("one");
    reader.during(MOMENT).await;
    let opened = stage.engine.opened_log_streams();
    stage.print("last words");
    stage.engine.end_logs();
    tokio::time::sleep(Duration::from_millis(30)).await;
    stage.engine.exit(WEB, 0);
    reader.during(Duration::from_mins(1)).await;
    assert_eq!(reader.log(), ["one", "last words", "<stopped: stopped>"]);
    assert_eq!(stage.engine.opened_log_streams(), opened);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_exits_at_once_again_and_again_is_looked_at_less_and_less() {
    let (stage, mut reader) = watched().await;
    let opened = stage.engine.opened_log_streams();
    for number in 0..300 {
        stage.print(&format!("run {number}"));
        stage.engine.crash_and_restart(WEB);
        reader.during(Duration::from_millis(200)).await;
    }
    reader.during(Duration::from_secs(20)).await;
    let (markers, lines): (Vec<_>, Vec<_>) =
        reader.log().into_iter().partition(|entry| entry.starts_with('<'));
    assert_eq!(lines, (0..300).map(|number| format!("run {number}")).collect::<Vec<_>>());
    assert!(markers.len() < 20, "{markers:?}");
    assert!(markers.iter().any(|text| text.contains("× in ")), "{markers:?}");
    assert!(markers.iter().all(|text| text.starts_with("<restarted: ")), "{markers:?}");
    assert!(stage.engine.opened_log_streams() - opened < 20);
}

#[tokio::test(start_paused = true)]
async fn a_first_process_is_no_restart_and_a_short_one_is_read_and_marked() {
    let engine = engine();
    let mut created = web(WEB);
    (created.state, created.started_at) = (ContainerState::Created, None);
    engine.add(created);
    let stage = Stage::with(engine).await;
    let mut reader = stage.read_only("shop", r#"{"types":["logs:stream"]}"#);
    reader.during(MOMENT).await;
    for run in ["first", "second"] {
        stage.engine.slow_inspections(MOMENT);
        stage.engine.start(WEB).await.unwrap();
        stage.print(run);
        // Over before anybody could look.
        stage.engine.exit(WEB, 0);
        reader.during(Duration::from_secs(30)).await;
    }
    let expected =
        ["first", "<stopped: stopped>", "second", "<restarted: restarted>", "<stopped: stopped>"];
    let mut seen = reader.log();
    // Lines of a run may be read before the news of it comes.
    seen[2..4].sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(seen, expected);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_told_twice_is_one_stream() {
    let (stage, mut reader) = watched().await;
    for _ in 0..5 {
        stage.engine.announce(WEB, nself_docker::ContainerAction::Start);
        reader.during(MOMENT).await;
    }
    stage.print("one");
    reader.during(MOMENT).await;
    assert_eq!((stage.engine.open_log_streams(), stage.engine.opened_log_streams()), (1, 1));
    assert_eq!(reader.log(), ["one"]);
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_nobody_can_read_costs_nothing_but_itself() {
    let (stage, mut reader) = watched().await;
    for number in 0..10 {
        stage.print(&number.to_string());
        stage.engine.spoil_logs();
        reader.during(Duration::from_secs(3)).await;
    }
    reader.during(Duration::from_secs(20)).await;
    assert_eq!(reader.log(), (0..10).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_mute_stream_of_a_process_that_ended_is_given_up() {
    let (stage, mut reader) = watched().await;
    stage.print("one");
    reader.during(MOMENT).await;
    stage.engine.mute_logs(true);
    stage.print("last words");
    stage.engine.exit(WEB, 0);
    reader.during(Duration::from_secs(5)).await;
    assert_eq!(reader.log(), ["one", "last words", "<stopped: stopped>"]);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_container_is_doubted_and_not_disturbed() {
    let (stage, mut reader) = watched().await;
    stage.print("one");
    reader.during(Duration::from_mins(30)).await;
    assert_eq!(stage.engine.opened_log_streams(), 1);
    assert_eq!(reader.log(), ["one"]);
}

#[tokio::test(start_paused = true)]
async fn a_terminal_is_read_as_lines() {
    let (stage, mut reader) = watched().await;
    stage.engine.print(WEB, LogPipe::Terminal, "10%\r50%\r100%\r");
    stage.engine.print(WEB, LogPipe::Terminal, "\u{1}first byte");
    stage.engine.print(WEB, LogPipe::Terminal, "prompt> typed\r");
    reader.during(MOMENT).await;
    assert_eq!(reader.log(), ["100%", "␁first byte", "prompt> typed"]);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_refused_for_a_while_goes_on_and_says_so_once() {
    for (status, told) in [(409, 0), (500, 1), (502, 1), (503, 1), (504, 1)] {
        let (stage, mut reader) = watched().await;
        stage.print("one");
        reader.during(MOMENT).await;
        stage.engine.refuse_logs(Some(refusal(status)));
        stage.engine.cut_logs();
        stage.print("meanwhile");
        reader.during(Duration::from_mins(2)).await;
        let markers = reader.log().iter().filter(|text| text.starts_with("<unavailable")).count();
        assert_eq!(markers, told, "{status}: {:?}", reader.log());
        stage.engine.refuse_logs(None);
        reader.during(Duration::from_secs(20)).await;
        assert_eq!(reader.log().last().unwrap(), "meanwhile", "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_was_told_is_not_told_again_while_another_one_follows() {
    let (stage, mut reader) = watched().await;
    let is_told = |text: &&String| text.starts_with("<unavailable");
    stage.engine.refuse_logs(Some(refusal(503)));
    stage.engine.cut_logs();
    reader.until("the marker", |seen| log(seen).iter().any(|text| is_told(&text))).await;
    stage.engine.refuse_logs(Some(refusal(409)));
    reader.during(Duration::from_mins(2)).await;
    assert_eq!(reader.log().iter().filter(is_told).count(), 1, "{:?}", reader.log());
}

#[tokio::test(start_paused = true)]
async fn the_log_of_a_container_that_is_gone_ends_without_a_word() {
    let (stage, mut reader) = watched().await;
    stage.print("one");
    reader.during(MOMENT).await;
    stage.engine.refuse_logs(Some(refusal(404)));
    stage.engine.cut_logs();
    reader.during(Duration::from_mins(2)).await;
    assert_eq!(reader.log(), ["one"]);
    assert_eq!(stage.engine.open_log_streams(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_printed_while_a_container_is_paused_or_renamed_comes_once() {
    let (stage, mut reader) = watched().await;
    stage.print("one");
    stage.engine.change(WEB, |container| container.state = ContainerState::Paused);
    reader.during(Duration::from_secs(5)).await;
    stage.engine.change(WEB, |container| {
        container.state = ContainerState::Running;
        container.name = "renamed".to_owned();
    });
    stage.print("two");
    reader.during(Duration::from_secs(5)).await;
    assert_eq!(reader.log(), ["one", "two"]);
    assert_eq!(stage.engine.opened_log_streams(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_container_outside_a_project_goes_on_under_its_new_name() {
    let stage = Stage::with_web().await;
    let mut lonely = web("lonely");
    (lonely.project, lonely.service) = (None, None);
    stage.engine.add(lonely);
    tokio::time::sleep(MOMENT).await;
    let mut reader = stage.read("standalone");
    reader.during(MOMENT).await;
    stage.engine.print("lonely", LogPipe::Stdout, "one");
    reader.during(MOMENT).await;
    stage.engine.change("lonely", |container| container.name = "renamed".to_owned());
    reader.during(MOMENT).await;
    let before = reader.seen.len();
    stage.engine.print("lonely", LogPipe::Stdout, "two");
    reader.during(Duration::from_secs(5)).await;
    assert_eq!(reader.log(), ["one", "two"]);
    assert_eq!(all(&reader.seen, "logs:stream", "service"), ["shop-lonely", "renamed"]);
    let samples = all(&reader.seen[before..], "docker:stats", "service");
    assert!(!samples.is_empty() && samples.iter().all(|name| name == "renamed"), "{samples:?}");
}

#[tokio::test(start_paused = true)]
async fn more_lines_than_a_short_reading_reaches_are_bridged_by_a_longer_one() {
    for (lines, expected) in [(1_999, 2_000), (2_000, 2_001), (15_000, 15_001), (17_000, 16_002)] {
        let (stage, mut reader) = watched().await;
        stage.print("before");
        reader.during(MOMENT).await;
        stage.engine.mute_logs(true);
        for number in 0..lines {
            stage.print(&format!("{number}"));
        }
        stage.engine.mute_logs(false);
        stage.engine.cut_logs();
        reader.until("the last", |seen| log(seen).last() == Some(&format!("{}", lines - 1))).await;
        // Beyond 16,000 there is a marker that says so; all of these came faster than a reader reads.
        assert_eq!(reader.log().len() as u64 + reader.missed, expected, "{lines} lines");
    }
}

#[tokio::test(start_paused = true)]
async fn a_container_that_prints_much_before_it_is_looked_at_is_read_from_its_first_line() {
    let (stage, mut reader) = watched().await;
    stage.print("old");
    reader.during(MOMENT).await;
    stage.engine.add(web("second"));
    for number in 0..5_000 {
        stage.engine.print("second", LogPipe::Stdout, &format!("{number}"));
    }
    reader.until("the last", |seen| log(seen).last().is_some_and(|line| line == "4999")).await;
    assert_eq!(reader.log().len() as u64 + reader.missed, 5_001);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_refused_when_it_is_opened_is_asked_for_again() {
    for (status, told) in [(409, 0), (500, 1)] {
        let (stage, mut reader) = watched().await;
        stage.engine.refuse_logs(Some(refusal(status)));
        stage.engine.add(web("web-2"));
        stage.engine.print("web-2", LogPipe::Stdout, "first words");
        reader.during(Duration::from_secs(30)).await;
        let markers = reader.log().iter().filter(|text| text.starts_with("<unavailable")).count();
        assert_eq!(markers, told, "{status}: {:?}", reader.log());
        stage.engine.refuse_logs(None);
        reader.during(Duration::from_secs(20)).await;
        assert_eq!(reader.log().last().unwrap(), "first words", "{status}");
    }
}
