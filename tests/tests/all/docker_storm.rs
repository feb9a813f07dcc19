//! A storm on a real engine: many containers print fast while their log streams are cut and the engine is
//! killed. Every line comes once and in order, or is told as lost. What was measured is printed.

use std::collections::BTreeMap;
use std::time::Duration;

use nself_tests::container::{Container, Recipe};
use nself_tests::engine::Engine;
use nself_tests::missing::{Need, can_run};
use nself_tests::proxy::Kind;
use nself_tests::watcher::{Reader, Watcher};
use tokio::time::Instant;

const CONTAINERS: usize = 20;
const TENTHS: usize = 600;
const CUTS: usize = 200;
/// In each container: 100 a second to each pipe.
const LINES_OF_A_PIPE: u64 = 6_000;

/// The numbers of the lines of each pipe, by service and letter.
type Numbers = BTreeMap<(String, char), Vec<u64>>;

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_a_storm_comes_once_and_in_order() {
    if !can_run(&[Need::Engine]) {
        return;
    }
    let engine = Engine::start_with_live_restore().await;
    let docker = engine.docker().await;
    let proxy = engine.proxy("storm.sock");
    let mut containers = Vec::new();
    for number in 0..CONTAINERS {
        let command = ["/printer", "steady", "20", &TENTHS.to_string()];
        containers.push(Recipe::new("storm", &service(number), &command).create(&docker).await);
    }
    let watcher = Watcher::start(&proxy.host()).await;
    let mut reader = watcher.read("storm", r#"{"types":["logs:stream"]}"#);
    for container in &containers {
        container.start().await;
    }

    let begun = Instant::now();
    let mut cuts = 0;
    for step in 0..CUTS {
        let until = begun + Duration::from_millis(300) * u32::try_from(step).unwrap();
        reader.until("the next cut", Duration::from_mins(1), |_| Instant::now() >= until).await;
        if step == CUTS / 3 || step == CUTS * 2 / 3 {
            engine.kill();
            engine.start_daemon().await;
        }
        // Not in turn, but the same in every run.
        cuts += usize::from(proxy.cut(Kind::Log, step * 7_919 + step / 3));
    }

    let mut expected = Numbers::new();
    for (number, container) in containers.iter().enumerate() {
        let service = service(number);
        wait_for_exit(&docker, container, &mut reader).await;
        for line in container.whole_log().await {
            note(&mut expected, &service, &line.to_string());
        }
    }
    let last = |reader: &Reader| {
        let came = numbers(reader);
        expected
            .iter()
            .all(|(key, numbers)| came.get(key).is_some_and(|came| came.last() == numbers.last()))
    };
    reader.until("all last lines", Duration::from_mins(1), last).await;

    let came = numbers(&reader);
    let told_lost = reader.log().iter().filter(|text| text.starts_with("<lost:")).count();
    let (mut printed, mut kept, mut read, mut twice, mut missing) = (0, 0, 0, 0, 0);
    for (key, expected) in &expected {
        let came = &came[key];
        let rises = came.windows(2).all(|pair| pair[0] < pair[1]);
        assert!(rises, "the lines of {key:?} come once and in order");
        printed += LINES_OF_A_PIPE;
        kept += expected.len();
        read += came.len();
        twice += came.windows(2).filter(|pair| pair[0] == pair[1]).count();
        missing += expected.iter().filter(|number| came.binary_search(number).is_err()).count();
    }
    println!(
        "storm: {CONTAINERS} containers, {printed} lines printed, {cuts} streams cut, engine killed twice\n\
         engine kept  {kept}\n\
         came         {read}\n\
         twice        {twice}\n\
         missing      {missing}, lost markers {told_lost}, counted gaps {}\n\
         log streams  {} opened, {} at once",
        reader.missed,
        proxy.opened(Kind::Log),
        proxy.most(Kind::Log),
    );
    let untold = u64::try_from(missing).unwrap().saturating_sub(reader.missed);
    assert!(untold == 0 || told_lost > 0, "{missing} lines are missing and nobody told");
    assert!(cuts >= CUTS * 3 / 4, "only {cuts} streams were there to be cut");
}

fn service(number: usize) -> String {
    format!("s{number:02}")
}

async fn wait_for_exit(docker: &bollard::Docker, container: &Container, reader: &mut Reader) {
    let wait = async {
        let options = None::<bollard::query_parameters::WaitContainerOptions>;
        let mut ended = docker.wait_container(&container.id, options);
        futures::StreamExt::next(&mut ended).await
    };
    tokio::pin!(wait);
    loop {
        tokio::select! {
            _ = &mut wait => return,
            () = tokio::time::sleep(Duration::from_millis(5)) => reader.take(),
        }
    }
}

fn numbers(reader: &Reader) -> Numbers {
    let mut numbers = Numbers::new();
    for event in reader.seen.iter().filter(|event| event.text("kind") == "line") {
        note(&mut numbers, event.text("service"), event.text("line"));
    }
    numbers
}

/// Notes a line of the printer: a letter, a number, and padding. What is no such line fails the test.
fn note(numbers: &mut Numbers, service: &str, line: &str) {
    let mut words = line.split_whitespace();
    let letter = words.next().and_then(|word| word.chars().next());
    let number = words.next().and_then(|word| word.parse().ok());
    let (Some(letter), Some(number)) = (letter, number) else { panic!("{service}: {line:?}") };
    numbers.entry((service.to_owned(), letter)).or_default().push(number);
}
