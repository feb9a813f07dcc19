//! Pulls of images: progress that never falls and exactly one end, whatever an engine says.

use std::cell::RefCell;
use std::time::Duration;

use nself_docker::{EngineError, PullFrame, PullProgress, PullTally, ScriptedEngine, pull};
use nself_realtime::event::ProgressStatus;
use tokio::time::timeout;

use crate::stage::engine;

const IMAGE: &str = "shop/web:1";
const RECORDED: &str = include_str!("../fixtures/docker-20.10-pull.jsonl");
const AGAIN: &str = include_str!("../fixtures/docker-20.10-pull-again.jsonl");

type Said = Result<PullFrame, EngineError>;

fn lines(text: &str) -> Vec<Said> {
    text.lines().map(|line| PullFrame::parse(line.as_bytes())).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "it stands beside errors in a history")]
fn layer(id: &str, status: &str) -> Said {
    Ok(PullFrame { id: Some(id.to_owned()), status: status.to_owned(), ..PullFrame::default() })
}

fn bytes(id: &str, status: &str, current: u64, total: u64) -> Said {
    let total = (total > 0).then_some(total);
    layer(id, status).map(|frame| PullFrame { current: Some(current), total, ..frame })
}

#[expect(clippy::unnecessary_wraps, reason = "it stands beside errors in a history")]
fn done(status: &str) -> Said {
    Ok(PullFrame { status: format!("Status: {status}"), ..PullFrame::default() })
}

fn playing(history: Vec<Said>) -> ScriptedEngine {
    let engine = engine();
    let beat = Duration::from_millis(100);
    engine.set_pull(IMAGE, history.into_iter().map(|said| (beat, said)).collect());
    engine
}

/// Plays a history and checks what holds for each.
async fn play(history: Vec<Said>) -> (Vec<PullProgress>, Result<(), EngineError>) {
    let mut told = Vec::new();
    let outcome = pull(&playing(history), IMAGE, |progress| told.push(progress)).await;
    check(&told);
    (told, outcome)
}

fn check(told: &[PullProgress]) {
    let ends = told.iter().filter(|progress| progress.status.is_end()).count();
    assert_eq!(ends, 1, "{told:#?}");
    let (last, before) = told.split_last().unwrap();
    assert!(last.status.is_end());
    assert!(told.windows(2).all(|pair| pair[0].percent <= pair[1].percent), "{told:#?}");
    assert!(before.iter().all(|progress| progress.percent < 100.0));
    assert_eq!(last.percent >= 100.0, last.status == ProgressStatus::Complete);
    assert_eq!(last.error.is_some(), last.status == ProgressStatus::Failed);
}

fn percents(told: &[PullProgress]) -> Vec<f64> {
    let mut percents: Vec<f64> = told.iter().map(|progress| progress.percent).collect();
    percents.dedup();
    percents
}

#[tokio::test(start_paused = true)]
async fn a_recorded_pull_rises_by_bytes_to_its_end() {
    let (told, outcome) = play(lines(RECORDED)).await;
    assert_eq!(outcome, Ok(()));
    assert_eq!(percents(&told), [0.0, 0.3, 0.6, 25.3, 50.0, 50.3, 71.4, 74.9, 75.3, 99.9, 100.0]);
    let layers = &told.last().unwrap().layers;
    let sizes: Vec<_> = layers.iter().map(|layer| layer.total_bytes).collect();
    assert_eq!(sizes, [Some(8_002_635), Some(8_002_636)]);
    assert!(layers.iter().all(|layer| layer.status == ProgressStatus::Complete));
    assert!(layers.iter().all(|layer| layer.current_bytes == layer.total_bytes));
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_there_is_complete_without_layers() {
    let (told, outcome) = play(lines(AGAIN)).await;
    assert_eq!((percents(&told), outcome), (vec![0.0, 100.0], Ok(())));
    assert_eq!(told.last().unwrap().layers, []);
}

#[tokio::test(start_paused = true)]
async fn layers_that_exist_are_no_bytes_to_wait_for() {
    let history = vec![
        layer("old", "Already exists"),
        layer("new", "Pulling fs layer"),
        bytes("new", "Downloading", 50, 100),
        layer("new", "Verifying Checksum"),
        layer("new", "Download complete"),
        done("Downloaded newer image"),
    ];
    let (told, _) = play(history).await;
    assert_eq!(percents(&told), [0.0, 25.0, 50.0, 100.0]);
    let old = &told[1].layers[0];
    assert_eq!((old.name.as_str(), old.status), ("old", ProgressStatus::Complete));
}

#[tokio::test(start_paused = true)]
async fn a_layer_of_unknown_size_counts_as_the_mean_of_the_known() {
    let history = vec![
        layer("a", "Pulling fs layer"),
        layer("b", "Pulling fs layer"),
        bytes("b", "Downloading", 7, 0),
        bytes("a", "Downloading", 50, 100),
        layer("b", "Download complete"),
        layer("b", "Pull complete"),
        layer("a", "Pull complete"),
    ];
    let (told, _) = play(history).await;
    assert_eq!(percents(&told), [0.0, 12.5, 37.5, 62.5, 99.9, 100.0]);
    assert!(told.iter().flat_map(|progress| &progress.layers).all(|l| l.total_bytes != Some(0)));
}

#[tokio::test(start_paused = true)]
async fn totals_that_shrink_or_grow_and_retries_take_nothing_back() {
    let history = vec![
        bytes("a", "Downloading", 80, 100),
        bytes("a", "Downloading", 80, 40),
        bytes("a", "Downloading", 90, 1_000),
        layer("a", "Retrying in 5 seconds"),
        bytes("b", "Downloading", 1, 5_000),
        bytes("a", "Extracting", 40, 40),
        layer("a", "Pull complete"),
        layer("b", "Pull complete"),
    ];
    let (told, outcome) = play(history).await;
    assert_eq!(percents(&told), [0.0, 40.0, 50.0, 99.9, 100.0]);
    assert_eq!(outcome, Ok(()));
    let within = |l: &nself_realtime::event::ProgressItem| l.current_bytes <= l.total_bytes;
    assert!(told.iter().flat_map(|progress| &progress.layers).all(within));
}

#[tokio::test(start_paused = true)]
async fn an_error_after_ninety_percent_is_the_end_with_its_cause() {
    for line in [
        r#"{"errorDetail":{"message":"no space left on device"},"error":"no space left on device"}"#,
        r#"{"error":"no space left on device"}"#,
    ] {
        let mut history = lines(RECORDED);
        history.truncate(15);
        history.push(bytes("72d3671a8b3d", "Extracting", 7_900_000, 8_002_636));
        history.push(PullFrame::parse(line.as_bytes()));
        history.push(done("Downloaded newer image"));
        let (told, outcome) = play(history).await;
        let last = told.last().unwrap();
        assert!(last.percent >= 90.0, "{last:?}");
        assert_eq!(last.status, ProgressStatus::Failed);
        assert_eq!(last.error.as_deref(), Some("no space left on device"));
        let states: Vec<_> = last.layers.iter().map(|layer| layer.status).collect();
        assert_eq!(states, [ProgressStatus::Complete, ProgressStatus::Failed]);
        assert!(outcome.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn a_pull_that_is_cut_has_failed_however_it_was_cut() {
    let begun = || lines(RECORDED).into_iter().take(5);
    let broken = EngineError::Broken { message: "reset".into() };
    for end in [Some(Err(broken)), None] {
        let (told, outcome) = play(begun().chain(end).collect()).await;
        assert_eq!(told.last().unwrap().status, ProgressStatus::Failed);
        assert!(matches!(outcome, Err(EngineError::Broken { .. })), "{outcome:?}");
    }
    let full_bar = bytes("72d3671a8b3d", "Downloading", 8_002_636, 8_002_636);
    let broken_off = begun().chain([full_bar, layer("72d3671a8b3d", "Verifying Checksum")]);
    let (told, _) = play(broken_off.collect()).await;
    assert!(told.last().unwrap().percent < 1.0, "what is verified need not have come");
    let (told, outcome) = play(Vec::new()).await;
    assert_eq!(told.last().unwrap().status, ProgressStatus::Failed);
    assert!(outcome.is_err(), "an answer without a word is none");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_goes_or_does_not_find_the_image_ends_it() {
    let engine = playing(lines(RECORDED));
    let told = RefCell::new(Vec::new());
    let outcome = pull(&engine, IMAGE, |progress| {
        if progress.percent > 50.0 {
            engine.go_offline(EngineError::Broken { message: "gone".into() });
        }
        told.borrow_mut().push(progress);
    });
    assert!(outcome.await.is_err());
    check(&told.borrow());
    engine.come_online();
    let mut told = Vec::new();
    let outcome = pull(&engine, "nobody/knows", |progress| told.push(progress)).await;
    assert!(outcome.unwrap_err().is_not_found());
    check(&told);
    assert_eq!(told[1].error.as_deref(), Some("manifest for nobody/knows not found"));
}

#[tokio::test(start_paused = true)]
async fn a_pull_that_is_dropped_is_cancelled_and_the_engine_stops() {
    let engine = playing(lines(RECORDED));
    let mut told = Vec::new();
    let pulling = pull(&engine, IMAGE, |progress| told.push(progress));
    assert!(timeout(Duration::from_millis(550), pulling).await.is_err());
    check(&told);
    assert_eq!(told.last().unwrap().status, ProgressStatus::Cancelled);
    assert_eq!(engine.open_pulls(), 0);
}

#[test]
fn nothing_changes_an_end_and_layers_are_bounded() {
    let mut tally = PullTally::new(IMAGE);
    for number in 0..5_000 {
        tally.handle(&layer(&number.to_string(), "Waiting").unwrap());
    }
    assert_eq!(tally.progress().layers.len(), 1_024);
    tally.fail("first");
    let end = tally.progress();
    tally.handle(&layer("0", "Pull complete").unwrap());
    tally.fail("second");
    tally.cancel();
    tally.complete();
    assert_eq!(tally.progress(), end);
}
