//! What a build tells of itself.

use std::time::Duration;

use nself_realtime::event::ProgressStatus;

use super::stage::{Stage, layer};
use crate::{BuildFrame, BuildStep, PullFrame};

const BEAT: Duration = Duration::from_millis(700);

fn output(text: &str) -> (Duration, Result<BuildFrame, crate::EngineError>) {
    (BEAT, Ok(BuildFrame::Output(text.to_owned())))
}

fn pulled(frame: PullFrame) -> (Duration, Result<PullFrame, crate::EngineError>) {
    (BEAT, Ok(frame))
}

#[tokio::test(start_paused = true)]
async fn a_build_goes_through_its_six_steps_to_a_running_project() {
    let mut stage = Stage::new();
    stage.service("db");
    stage.service("web");
    let told = stage.run().await;
    let report = told.outcome.as_ref().unwrap();
    let mut steps: Vec<_> =
        told.events.iter().map(|event| (event.current_step, event.step.as_str())).collect();
    steps.dedup();
    assert_eq!(steps, BuildStep::ALL.map(|step| (step.number(), step.name())));
    let begins: Vec<_> = (1..=6).map(|step| told.percents(step)[0]).collect();
    assert_eq!(begins, [0.0, 10.0, 40.0, 45.0, 70.0, 85.0]);
    assert_eq!(stage.containers().await, ["shop-db-1 Running", "shop-web-1 Running"]);
    assert!(report.steps.iter().all(|step| step.status == ProgressStatus::Complete));
    assert!(report.steps.iter().all(|step| step.elapsed_ms.is_some()));
    assert_eq!(
        report.made,
        ["network shop_default", "container shop-db-1", "container shop-web-1"]
    );
    let written = stage.project.dir.join(".nself/docker-compose.yml");
    let mode = std::os::unix::fs::MetadataExt::mode(&written.metadata().unwrap());
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test(start_paused = true)]
async fn the_steps_of_a_dockerfile_are_shares_of_the_step() {
    let mut stage = Stage::new();
    stage.built("api");
    stage.built("web");
    for image in ["shop-api", "shop-web"] {
        let history = vec![
            output("Step 1/2 : FROM base\n"),
            output(" ---> 00\n\u{1b}[0mStep 2/2"),
            output(" : RUN make\n"),
            output("10 %\r20 %\r\n"),
        ];
        stage.engine.set_build(image, history);
    }
    let told = stage.run().await;
    assert_eq!(told.percents(4), [45.0, 51.2, 57.5, 63.7, 70.0]);
    let of_one = ["Step 1/2 : FROM base", " ---> 00", "\u{1b}[0mStep 2/2 : RUN make", "20 %"];
    let logs = told.logs();
    let first = logs.iter().position(|line| *line == of_one[0]).unwrap();
    assert_eq!(logs[first..first + 8], [of_one, of_one].concat());
    let items = told.events.iter().rfind(|event| event.current_step == 4).unwrap();
    let items: Vec<_> = items.items.iter().map(|item| (item.name.as_str(), item.status)).collect();
    assert_eq!(
        items,
        [("shop-api", ProgressStatus::Complete), ("shop-web", ProgressStatus::Complete)]
    );
}

#[tokio::test(start_paused = true)]
async fn pulls_are_shares_by_bytes_with_their_layers() {
    let mut stage = Stage::new();
    stage.service_of("a", "hub/a:1");
    stage.service_of("b", "hub/b:1");
    stage.service("there");
    let of = |id: &str, bytes: u64| {
        vec![
            pulled(layer(id, "Pulling fs layer", 0, 0)),
            pulled(layer(id, "Downloading", bytes / 2, bytes)),
            pulled(layer(id, "Download complete", 0, 0)),
            pulled(layer(id, "Pull complete", 0, 0)),
            pulled(PullFrame { status: "Status: Downloaded".into(), ..PullFrame::default() }),
        ]
    };
    stage.engine.set_pull("hub/a:1", of("l1", 100));
    stage.engine.set_pull("hub/b:1", of("l2", 300));
    let told = stage.run().await;
    let percents = told.percents(5);
    assert_eq!((percents[0], *percents.last().unwrap()), (70.0, 85.0));
    assert!(percents.contains(&73.7), "a quarter is half of what is downloaded: {percents:?}");
    let layers = told.events.iter().find(|event| event.items.len() == 4).unwrap();
    let names: Vec<_> = layers.items.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, ["hub/a:1", "l1", "hub/b:1", "l2"]);
    let last = told.events.iter().rfind(|event| event.current_step == 5).unwrap();
    assert_eq!(last.items[2].total_bytes, Some(300));
    assert_eq!(stage.containers().await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_there_is_not_pulled() {
    let mut stage = Stage::new();
    stage.service("web");
    let told = stage.run().await;
    assert_eq!(told.percents(5), [70.0]);
    assert!(told.events.iter().any(|e| e.message.as_deref() == Some("all images are there")));
}

#[tokio::test(start_paused = true)]
async fn output_comes_in_handfuls() {
    let mut stage = Stage::new();
    stage.built("web");
    let line = |number: u32| {
        let text = format!("line {number}\n");
        (Duration::from_millis(1), Ok(BuildFrame::Output(text)))
    };
    stage.engine.set_build("shop-web", (0..1_000).map(line).collect());
    let told = stage.run().await;
    let with_output = told.events.iter().filter(|event| !event.logs.is_empty()).count();
    assert!((10..=16).contains(&with_output), "{with_output}");
    let lines: Vec<_> = told.logs().into_iter().filter(|line| line.starts_with("line ")).collect();
    assert_eq!(lines, (0..1_000).map(|number| format!("line {number}")).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn much_output_at_once_is_told_whole_and_the_end_of_it_is_kept() {
    let mut stage = Stage::new();
    stage.built("web");
    // Terminals' escapes are the longest that a byte can become.
    let line = format!("{}\n", "\u{1b}[31mx".repeat(1_000));
    let history =
        (0..400).map(|_| (Duration::from_millis(5), Ok(BuildFrame::Output(line.clone()))));
    stage.engine.set_build("shop-web", history.collect());
    let told = stage.run().await;
    let long = |line: &&&str| line.len() > 1_000;
    assert_eq!(told.logs().iter().filter(long).count(), 400);
    let report = told.outcome.as_ref().unwrap();
    let kept: usize = report.logs.iter().map(String::len).sum();
    assert!(kept <= 1024 * 1024, "{kept}");
    assert_eq!(report.logs.len() as u64 + report.logs_dropped, told.logs().len() as u64);
}
