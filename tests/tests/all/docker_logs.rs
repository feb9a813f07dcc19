//! Logs of real containers, with all that an engine does to them.

use std::fs::File;
use std::io::Write as _;
use std::time::Duration;

use futures::StreamExt;
use nself_docker::HistoryQuery;
use nself_realtime::{Name, RoomName};
use nself_tests::container::{Container, Recipe};
use nself_tests::engine::Engine;
use nself_tests::missing::{Need, can_run};
use nself_tests::watcher::{Event, Reader, Watcher};
use tokio::time::Instant;

const SOON: Duration = Duration::from_secs(30);

/// How often the race between a reader and an exit is run.
const ROUNDS: usize = 10;

/// The shared engine with a client of it, and the library looking after it.
async fn stand() -> Option<(bollard::Docker, Watcher)> {
    if !can_run(&[Need::Engine]) {
        return None;
    }
    let engine = Engine::shared().await;
    Some((engine.docker().await, Watcher::start(&engine.host()).await))
}

/// A reader of a service's log that is there before the first line: the container is made, watched,
/// and then started.
async fn watch_from_birth(
    docker: &bollard::Docker,
    watcher: &Watcher,
    recipe: Recipe,
    project: &str,
) -> (Container, Reader) {
    let container = recipe.create(docker).await;
    let reader = watcher.read_log(project, "web").await;
    container.start().await;
    (container, reader)
}

fn has(reader: &Reader, text: &str) -> bool {
    reader.log().iter().any(|line| line == text)
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_long_line_do_not_mix_with_the_other_pipe() {
    let Some((docker, watcher)) = stand().await else { return };
    let script = "head -c 20000 /dev/zero | tr '\\0' o; sleep 0.3; echo between >&2; sleep 0.3; \
                  head -c 20000 /dev/zero | tr '\\0' o; echo end; sleep 0.3; echo after";
    let recipe = Recipe::shell("parted", "web", script);
    let (container, mut reader) = watch_from_birth(&docker, &watcher, recipe, "parted").await;
    reader.until("all lines", SOON, |reader| has(reader, "<stopped: stopped>")).await;
    let long = format!("{}end", "o".repeat(40_000));
    assert_eq!(reader.log(), ["between", &long, "after", "<stopped: stopped>"]);
    container.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_has_its_last_words_and_one_divider() {
    let Some((docker, watcher)) = stand().await else { return };
    let script = "echo first; echo second >&2; printf 'without a newline'";
    let recipe = Recipe::shell("ended", "web", script);
    let (container, mut reader) = watch_from_birth(&docker, &watcher, recipe, "ended").await;
    reader.until("the end", SOON, |reader| has(reader, "<stopped: stopped>")).await;
    container.start().await;
    let stops =
        |reader: &Reader| reader.log().iter().filter(|line| *line == "<stopped: stopped>").count();
    reader.until("the second end", SOON, |reader| stops(reader) == 2).await;
    let run = ["first", "second", "without a newline"];
    let mut log = reader.log();
    log.retain(|line| !line.starts_with('<'));
    // The two pipes are two writers: their order is the engine's.
    for lines in log.chunks_mut(3) {
        lines.sort_unstable();
        assert_eq!(lines, run);
    }
    assert_eq!(log.len(), 6);
    let markers: Vec<String> =
        reader.log().into_iter().filter(|line| line.starts_with('<')).collect();
    assert_eq!(markers, ["<stopped: stopped>", "<restarted: restarted>", "<stopped: stopped>"]);
    container.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_is_read_as_lines() {
    let Some((docker, watcher)) = stand().await else { return };
    let script = "printf '\\001first\\n'; printf '10%%\\r50%%\\r100%%\\r\\n'; \
                  printf 'prompt> '; sleep 0.5; echo typed; printf '\\033[31mred\\033[0m\\033[2J\\n'; \
                  head -c 40000 /dev/zero | tr '\\0' t; echo";
    let recipe = Recipe::shell("terminal", "web", script).tty();
    let (container, mut reader) = watch_from_birth(&docker, &watcher, recipe, "terminal").await;
    reader.until("the end", SOON, |reader| has(reader, "<stopped: stopped>")).await;
    let long = "t".repeat(40_000);
    let expected =
        ["␁first", "100%", "prompt> typed", "\u{1b}[31mred\u{1b}[0m", &long, "<stopped: stopped>"];
    assert_eq!(reader.log(), expected);
    container.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_keeps_nothing_is_told_once() {
    let Some((docker, watcher)) = stand().await else { return };
    let recipe = Recipe::shell("silent", "web", "while :; do echo x; sleep 0.1; done");
    let recipe = recipe.logging("none", &[]);
    let (container, mut reader) = watch_from_birth(&docker, &watcher, recipe, "silent").await;
    let told = "<unavailable: logs unavailable: driver none>";
    reader.until("that there is no log", SOON, |reader| has(reader, told)).await;
    container.stop().await;
    let mut status = watcher.read("silent", r#"{"types":["service:status"]}"#);
    status
        .until("stopped", SOON, |reader| {
            reader.seen.last().is_some_and(|event| event.text("status") == "stopped")
        })
        .await;
    reader.take();
    assert_eq!(reader.log(), [told]);
    container.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_exits_at_once_again_and_again_is_told_with_patience() {
    let Some((docker, watcher)) = stand().await else { return };
    let recipe = Recipe::shell("looping", "web", "echo hello; exit 3").restarting();
    let (container, mut reader) = watch_from_birth(&docker, &watcher, recipe, "looping").await;
    let hellos = |reader: &Reader| reader.log().iter().filter(|line| *line == "hello").count();
    reader.until("six runs", SOON, |reader| hellos(reader) >= 6).await;
    let log = reader.log();
    let markers = log.iter().filter(|line| line.starts_with("<restarted: ")).count();
    assert!((1..=hellos(&reader)).contains(&markers), "{log:?}");
    assert!(!log.iter().any(|line| line.starts_with("<stopped")), "{log:?}");
    let kept = container.whole_log().await.len();
    reader.until("what the engine has", SOON, |reader| hellos(reader) >= kept).await;
    container.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_goes_on_in_the_same_log_with_another_image() {
    let Some((docker, watcher)) = stand().await else { return };
    let recipe = Recipe::shell("renewed", "web", "echo old; exec sleep 1000");
    let (container, mut reader) = watch_from_birth(&docker, &watcher, recipe, "renewed").await;
    reader.until("the old one", SOON, |reader| has(reader, "old")).await;
    container.remove().await;
    let recipe = Recipe::shell("renewed", "web", "echo new; exec sleep 1000");
    let container = recipe.of("chatty").named("renewed-web-2").start(&docker).await;
    reader.until("the new one", SOON, |reader| has(reader, "new")).await;
    let mut log = reader.log();
    log.retain(|line| line != "<stopped: stopped>");
    let marker = "<recreated: recreated (nself-test/printer:latest → nself-test/chatty:latest)>";
    assert_eq!(log, ["old", marker, "new"]);
    container.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_doubles_nothing() {
    let Some((docker, watcher)) = stand().await else { return };
    let command = ["/printer", "steady", "400", "60"];
    let recipe = Recipe::new("rotated", "web", &command)
        .logging("json-file", &[("max-size", "1m"), ("max-file", "3")]);
    let (container, mut reader) = watch_from_birth(&docker, &watcher, recipe, "rotated").await;
    reader.until("the end", SOON, |reader| has(reader, "<stopped: stopped>")).await;
    let lost = reader.log().iter().filter(|line| line.starts_with("<lost")).count();
    let (out, err) = (numbers(&reader, "o "), numbers(&reader, "e "));
    println!(
        "rotation at 4,000 lines/s: {} of 12000 + {} of 12000 came, {lost} lost markers, {} in gaps",
        out.len(),
        err.len(),
        reader.missed
    );
    for numbers in [&out, &err] {
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "once and in order");
        assert_eq!(numbers.last(), Some(&11_999));
    }
    container.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_thousand_lines_a_second_come_or_are_told_as_missing() {
    let Some((docker, watcher)) = stand().await else { return };
    let recipe = Recipe::new("flooded", "web", &["/printer", "steady", "5000", "20"]);
    let (container, mut reader) = watch_from_birth(&docker, &watcher, recipe, "flooded").await;
    let begun = Instant::now();
    reader.until("the end", SOON, |reader| has(reader, "<stopped: stopped>")).await;
    let lines = reader.seen.iter().filter(|event| event.text("kind") == "line").count() as u64;
    let lost = reader.log().iter().filter(|line| line.starts_with("<lost")).count();
    println!(
        "100,000 lines in 2 s: {lines} came, {} in counted gaps, {lost} lost markers, after {:?}",
        reader.missed,
        begun.elapsed()
    );
    for letter in ["o ", "e "] {
        let numbers = numbers(&reader, letter);
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "once and in order");
        assert_eq!(numbers.last(), Some(&49_999));
        assert_holes_are_told(&reader, letter);
    }
    container.remove().await;
}

/// That between two lines of one letter whose numbers do not follow each other stands a word about it:
/// a gap, or a marker of lost lines. What was printed before the library began to look is no hole: the
/// lines that a log begins with then say that they are history, and may be of the other letter only.
fn assert_holes_are_told(reader: &Reader, letter: &str) {
    let (mut next, mut told, mut begins_late) = (0, false, false);
    for event in &reader.seen {
        begins_late |= event.data.get("history").is_some();
        told |= event.kind == "gap" || event.text("marker") == "lost";
        let Some(number) = number_of(event, letter) else { continue };
        let excused = told || (next == 0 && begins_late);
        assert!(number == next || excused, "{letter}{next} to {number} are missing without a word");
        (next, told) = (number + 1, false);
    }
}

/// The numbers of the printer's lines of one letter, in the order in which they came.
fn numbers(reader: &Reader, letter: &str) -> Vec<u64> {
    reader.seen.iter().filter_map(|event| number_of(event, letter)).collect()
}

fn number_of(event: &Event, letter: &str) -> Option<u64> {
    event.text("line").strip_prefix(letter)?.split(' ').next()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn last_words_arrive_where_a_plain_follow_loses_them() {
    let Some((docker, watcher)) = stand().await else { return };
    let mut came = 0;
    let mut lost_by_plain = 0;
    for round in 0..ROUNDS {
        let project = format!("race{round}");
        let recipe = Recipe::new(&project, "web", &["/printer", "burst", "400000"]);
        let container = recipe.start(&docker).await;
        let mut reader = watcher.read_log(&project, "web").await;
        reader
            .until("the old lines", Duration::from_mins(1), |reader| {
                reader.log().last().is_some_and(|line| line.starts_with("o 399999 "))
            })
            .await;
        // Both begin anew, beside a long history.
        let late = Watcher::start(&Engine::shared().await.host()).await;
        let mut late_reader = late.read_log(&project, "web").await;
        let plain = tokio::spawn(plain_follow(docker.clone(), container.id.clone()));
        let attached = Instant::now();
        late_reader
            .until("a moment", SOON, |_| attached.elapsed() >= Duration::from_millis(300))
            .await;
        container.signal("SIGUSR1").await;
        for reader in [&mut reader, &mut late_reader] {
            reader.until("the end", SOON, |reader| has(reader, "<stopped: stopped>")).await;
            let words = numbers(reader, "l ");
            assert_eq!(words, (0..20).collect::<Vec<_>>(), "round {round}");
        }
        came += 1;
        let plain = plain.await.unwrap();
        lost_by_plain += usize::from(plain < 20);
        container.remove().await;
    }
    println!(
        "exit race: all last words in {came} of {ROUNDS} rounds; a plain follow of the whole log lost \
         them in {lost_by_plain}"
    );
}

/// How many of the last words `docker logs -f` brings.
async fn plain_follow(docker: bollard::Docker, id: String) -> usize {
    let options = bollard::query_parameters::LogsOptionsBuilder::new()
        .stdout(true)
        .stderr(true)
        .follow(true)
        .tail("all")
        .build();
    let lines = docker.logs(&id, Some(options));
    lines
        .filter(|line| {
            let is_last = line.as_ref().is_ok_and(|line| line.to_string().starts_with("l "));
            std::future::ready(is_last)
        })
        .count()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn old_lines_have_the_identity_that_they_had_as_events() {
    let Some((docker, watcher)) = stand().await else { return };
    let command = ["/printer", "steady", "50", "10"];
    let recipe = Recipe::new("remembered", "web", &command);
    let (container, mut reader) = watch_from_birth(&docker, &watcher, recipe, "remembered").await;
    reader.until("the end", SOON, |reader| has(reader, "<stopped: stopped>")).await;
    let (room, web) = (RoomName::new("remembered").unwrap(), Name::new("web").unwrap());
    let history = watcher.docker.history(&room, &web, &HistoryQuery::default()).await.unwrap();
    assert!(history.complete && history.unavailable.is_empty());
    let identity = |line: &serde_json::Value| {
        ["containerId", "source", "time", "n", "line"].map(|field| line[field].clone())
    };
    let mut live: Vec<_> = reader
        .seen
        .iter()
        .filter(|event| event.text("kind") == "line")
        .map(|event| identity(&event.data))
        .collect();
    let mut old: Vec<_> =
        history.lines.iter().map(|line| identity(&serde_json::to_value(line).unwrap())).collect();
    assert_eq!(old.len(), 500);
    let key = |identity: &[serde_json::Value; 5]| format!("{identity:?}");
    live.sort_by_key(key);
    old.sort_by_key(key);
    assert_eq!(old, live);
    container.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_behind_a_damaged_line_comes() {
    let Some((docker, watcher)) = stand().await else { return };
    let script =
        "trap 'echo behind; echo last words; exit' USR1; echo one; while :; do sleep 0.1; done";
    let recipe = Recipe::shell("damaged", "web", script);
    let (container, mut reader) = watch_from_birth(&docker, &watcher, recipe, "damaged").await;
    reader.until("the first line", SOON, |reader| has(reader, "one")).await;
    let inspected = docker.inspect_container(&container.id, None).await.unwrap();
    let mut file = File::options().append(true).open(inspected.log_path.unwrap()).unwrap();
    file.write_all(b"{\"log\":\"half a li\n").unwrap();
    container.signal("USR1").await;
    reader.until("the end", SOON, |reader| has(reader, "<stopped: stopped>")).await;
    let (markers, log): (Vec<_>, Vec<_>) =
        reader.log().into_iter().partition(|line| line.starts_with("<lost"));
    assert_eq!(log, ["one", "behind", "last words", "<stopped: stopped>"]);
    // A follow that is at the end of the file steps over such a line by itself, as often as not.
    let end = "cannot be read: the engine's log is damaged there>";
    assert!(markers.len() < 2 && markers.iter().all(|line| line.ends_with(end)), "{markers:?}");
    container.remove().await;
}
