//! What watching the logs and the stats of 20 containers costs, however much they had printed before. Their
//! lines are numbered: none is missing.

use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::LogsOptionsBuilder;
use futures::StreamExt;
use futures::future::join_all;
use futures::stream::SelectAll;
use nself_realtime::Name;
use nself_realtime::client::{Delivery, LogEntry};
use nself_realtime::event::DockerStats;
use nself_tests::container::Container;
use nself_tests::engine::Engine;
use tokio::time::{Instant, interval_at, sleep_until};

use super::{Stage, Used, a_minute, room, service, start_services};
use crate::numbers::{Numbers, Verdict, parse};

const WATCHED: usize = 20;
/// So many lines each has printed before anybody looks; then one a second.
const HISTORY: u64 = 100_000;
const BETWEEN_ROWS: Duration = Duration::from_mins(5);

pub(super) async fn watch(engine: Engine, time: Duration) {
    let docker = engine.docker().await;
    let script = format!(
        "text=GET/api/products?page=2.HTTP/1.1.200.12ms.upstream=catalog:8080.agent=curl
         awk -v text=$text 'BEGIN {{ for (n = 0; n < {HISTORY}; n++) print \"o\", n, text }}'
         n={HISTORY}
         while :; do echo o $n $text; n=$((n + 1)); sleep 1; done"
    );
    let containers = start_services(&docker, 0..WATCHED, &script).await;
    join_all(containers.iter().map(|container| has_history(&docker, container))).await;
    println!("{WATCHED} containers have printed {HISTORY} lines each");

    let stage = Stage::set(engine).await;
    // What the beginning costs is part of the first row.
    let (begun, at_first) = (Instant::now(), stage.used());
    let client = stage.client();
    let mut samples = client.events::<DockerStats>(&room());
    let (mut entries, mut readers) = (SelectAll::new(), Vec::new());
    for number in 0..WATCHED {
        let name = Name::new(service(number)).expect("a name");
        entries.push(client.logs(&room(), &name).map(move |entry| (number, entry)));
        readers.push(Reader { numbers: Numbers::new(number), told: 0 });
    }
    let mut rows = interval_at(begun + BETWEEN_ROWS, BETWEEN_ROWS);
    let end = sleep_until(begun + time);
    tokio::pin!(end);
    let (mut whole, mut seen, mut since) = (Seen::default(), Seen::default(), (begun, at_first));
    println!("{HEADER}");
    loop {
        let over = tokio::select! {
            biased;
            // Before the last row, which is due at the same time.
            () = &mut end => true,
            _ = rows.tick() => false,
            Some((number, entry)) = entries.next() => {
                let reader: &mut Reader = readers.get_mut(number).expect("each log has one");
                reader.take(&entry.expect("the log is read"), &mut seen);
                continue;
            }
            Some(sample) = samples.next() => {
                if let Delivery::Events { events, .. } = sample.expect("the stats are read") {
                    seen.samples += events.len();
                }
                continue;
            }
            else => panic!("the client has ended"),
        };
        seen.silent = readers.iter_mut().map(Reader::was_silent).filter(|silent| *silent).count();
        seen.resident = stage.server.process().resident_bytes();
        let now = (Instant::now(), stage.used());
        let minute = format!("{:.1}", begun.elapsed().as_secs_f64() / 60.0);
        print_row(&minute, now.1.since(since.1), now.0 - since.0, &seen);
        whole.add(&std::mem::take(&mut seen));
        since = now;
        if over {
            break print_row("all", now.1.since(at_first), now.0 - begun, &whole);
        }
    }
}

/// Waits until a container has begun to print a line a second.
async fn has_history(docker: &Docker, container: &Container) {
    let options = LogsOptionsBuilder::new().follow(true).stdout(true).tail("1").build();
    let mut lines = docker.logs(&container.id, Some(options));
    loop {
        let line = lines.next().await.expect("it prints for ever").expect("the log is read");
        if parse(&line.to_string()).is_some_and(|(_, number)| number >= HISTORY) {
            return;
        }
    }
}

/// Who reads the log of one container.
struct Reader {
    numbers: Numbers,
    /// Lines since the last row.
    told: u64,
}

impl Reader {
    fn take(&mut self, entry: &LogEntry, seen: &mut Seen) {
        if matches!(entry, LogEntry::Line(_)) {
            self.told += 1;
            seen.lines += 1;
        }
        match self.numbers.take(entry) {
            Verdict::Fine | Verdict::Announced | Verdict::Other => {}
            Verdict::Told { lines } => seen.counted += lines,
            Verdict::Missing(missing) => seen.missing += missing.lines() - missing.counted,
            Verdict::Wrong { line } => {
                eprintln!("twice, out of order, or no line of a printer: {line:?}");
                seen.wrong += 1;
            }
        }
    }

    /// Whether nothing was told since this was asked last.
    fn was_silent(&mut self) -> bool {
        std::mem::take(&mut self.told) == 0
    }
}

/// What the client was told between two rows, and what the program held at their end.
#[derive(Debug, Default)]
struct Seen {
    resident: u64,
    lines: u64,
    samples: usize,
    /// Missing lines of which a gap or a marker said so.
    counted: u64,
    /// Missing lines of which nothing did.
    missing: u64,
    wrong: u64,
    /// Logs that told nothing.
    silent: usize,
}

impl Seen {
    fn add(&mut self, other: &Self) {
        self.resident = self.resident.max(other.resident);
        self.lines += other.lines;
        self.samples += other.samples;
        self.counted += other.counted;
        self.missing += other.missing;
        self.wrong += other.wrong;
        self.silent += other.silent;
    }
}

const HEADER: &str = "\
| minute | CPU seconds a minute | the engine's | resident, MiB | lines | samples | counted by gaps | missing | wrong | silent logs |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

#[expect(clippy::cast_precision_loss, reason = "MiB for people")]
fn print_row(minute: &str, used: Used, time: Duration, seen: &Seen) {
    let Seen { resident, lines, samples, counted, missing, wrong, silent } = seen;
    println!(
        "| {minute} | {:.2} | {:.2} | {:.1} | {lines} | {samples} | {counted} | {missing} | {wrong} | {silent} |",
        a_minute(used.program, time),
        a_minute(used.engine, time),
        *resident as f64 / 1_048_576.0,
    );
}
