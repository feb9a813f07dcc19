//! How soon a lone line is with a client: four a second come each alone. Both readers count from the time that
//! the engine gave the line.

use std::time::Duration;

use bollard::container::LogOutput;
use bollard::query_parameters::LogsOptionsBuilder;
use futures::StreamExt;
use hdrhistogram::Histogram;
use nself_realtime::client::LogEntry;
use nself_realtime::{Name, NanoTimestamp};
use nself_tests::container::Recipe;
use tokio::time::sleep;

use super::{PROJECT, Stage, room};
use crate::tick::now;

pub(super) async fn lone_lines(stage: &Stage, time: Duration) {
    let service = Name::new("printer").expect("a name");
    let script = "while sleep 0.25; do echo a line; done";
    let printer = Recipe::shell(PROJECT, service.as_str(), script).start(&stage.docker).await;
    let client = stage.client();
    let (mut ours, mut engines) = (histogram(), histogram());
    let told = async {
        let mut lines = client.logs_with_tail(&room(), &service, 0);
        while let Some(entry) = lines.next().await {
            if let LogEntry::Line(line) = entry.expect("the log is read") {
                note(&mut ours, line.time);
            }
        }
    };
    let read = async {
        let options = LogsOptionsBuilder::new().follow(true).stdout(true).stderr(true);
        let options = options.timestamps(true).tail("0").build();
        let mut frames = stage.docker.logs(&printer.id, Some(options));
        while let Some(frame) = frames.next().await {
            note(&mut engines, time_of(&frame.expect("the log is read")));
        }
    };
    tokio::select! {
        () = told => {}
        () = read => {}
        () = sleep(time) => {}
    }
    print_times("a lone line, engine → bollard", &engines);
    print_times("a lone line, engine → client", &ours);
}

fn time_of(frame: &LogOutput) -> NanoTimestamp {
    let text = String::from_utf8_lossy(frame.as_ref());
    let time = text.split(' ').next().and_then(|time| time.parse().ok());
    time.expect("a line begins with its time")
}

fn histogram() -> Histogram<u64> {
    Histogram::new(3).expect("three digits")
}

fn note(times: &mut Histogram<u64>, since: NanoTimestamp) {
    let since = u64::try_from(since.unix_nanos()).unwrap_or(u64::MAX);
    let micros = now().saturating_sub(since) / 1_000;
    times.record(micros).expect("a histogram that grows");
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds for people")]
fn print_times(what: &str, micros: &Histogram<u64>) {
    let at = |part| micros.value_at_quantile(part) as f64 / 1_000.0;
    let (median, late, count) = (at(0.5), at(0.99), micros.len());
    println!("{what}: median {median:.2} ms, p99 {late:.2} ms, of {count} lines");
}
