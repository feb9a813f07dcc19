//! What the program does beside a real engine: how soon a lone line is with a client, against bollard's own reading of
//! the same lines, and what watching stats costs, the engine's own part beside it.
//!
//! `cargo run -p nself-benches --features soak --bin engine`

#![expect(clippy::expect_used, reason = "a benchmark stops where it fails")]

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::query_parameters::LogsOptionsBuilder;
use clap::Parser;
use futures::StreamExt;
use hdrhistogram::Histogram;
use nself_benches::tick::now;
use nself_realtime::client::{Client, LogEntry};
use nself_realtime::event::DockerStats;
use nself_realtime::{Name, NanoTimestamp, RoomName};
use nself_tests::container::{Container, Recipe};
use nself_tests::engine::Engine;
use nself_tests::missing::{Need, can_run};
use nself_tests::server::Server;
use tokio::time::sleep;

const PROJECT: &str = "bench";
/// So many services of which a page shows the stats, and so many containers.
const WATCHED: [u32; 2] = [10, 50];

#[derive(Debug, Parser)]
#[command(about = "Measures the program beside a real engine")]
struct Cli {
    /// For how many seconds each figure is measured
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    let time = Duration::from_secs(Cli::parse().seconds.into());
    if !can_run(&[Need::Engine]) {
        return ExitCode::FAILURE;
    }
    let engine = Engine::start().await;
    let docker = engine.docker().await;
    let server = Server::start(&["--docker-host", &engine.host()]).await;
    let client = client_of(&server);
    lone_lines(&docker, &client, time).await;
    let mut containers = Vec::new();
    for count in WATCHED {
        for number in containers.len()..count as usize {
            let recipe = Recipe::shell(PROJECT, &format!("s{number}"), "sleep 100000");
            containers.push(recipe.start(&docker).await);
        }
        stats(&engine, &server, &client, &containers, time).await;
    }
    ExitCode::SUCCESS
}

fn client_of(server: &Server) -> Client {
    let address = format!("127.0.0.1:{}", server.port());
    let client = Client::builder(&format!("ws://{address}/api/ws"))
        .header("Origin", &format!("http://{address}"))
        .connect();
    client.expect("the address is one")
}

fn room() -> RoomName {
    RoomName::new(PROJECT).expect("a room name")
}

/// Four lines a second: each comes alone. Both readers count from the time that the engine gave the line.
async fn lone_lines(docker: &Docker, client: &Client, time: Duration) {
    let service = Name::new("printer").expect("a name");
    let script = "while sleep 0.25; do echo a line; done";
    let recipe = Recipe::shell(PROJECT, service.as_str(), script);
    let printer = recipe.start(docker).await;
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
        let mut frames = docker.logs("bench-printer-1", Some(options));
        while let Some(frame) = frames.next().await {
            note(&mut engines, time_of(&frame.expect("the log is read")));
        }
    };
    tokio::select! {
        () = told => {}
        () = read => {}
        () = sleep(time) => {}
    }
    printer.remove().await;
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

/// Everybody's stats, to one client.
async fn stats(
    engine: &Engine,
    server: &Server,
    client: &Client,
    containers: &[Container],
    time: Duration,
) {
    let mut watched = client.latest::<DockerStats>(&room());
    let all = watched.wait_for(|latest| latest.len() >= containers.len()).await;
    all.expect("the client lives");
    let used = || (cpu(server.pid()), cpu_of_engine(engine.folder()));
    let before = used();
    sleep(time).await;
    let after = used();
    let a_minute = |cpu: Duration| 60.0 * cpu.div_duration_f64(time);
    let ours = a_minute(after.0.saturating_sub(before.0));
    let engines = a_minute(after.1.saturating_sub(before.1));
    println!(
        "stats of {} containers: {ours:.2} CPU seconds a minute, {:.2} % of a core; the engine {engines:.2}",
        containers.len(),
        ours / 0.6,
    );
}

/// For how long a process has been running; not at all, once it has ended.
fn cpu(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let ticks = fields.split_ascii_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    // A tick is a hundredth of a second.
    Duration::from_millis(10 * ticks)
}

/// The same of the engine, which is several processes.
fn cpu_of_engine(folder: &Path) -> Duration {
    let folder = folder.display().to_string();
    let processes = fs::read_dir("/proc").expect("the kernel tells its processes");
    let names = processes.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let of_engine = names.filter_map(|name| name.parse().ok()).filter(|process| {
        let command = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(&folder)
    });
    of_engine.map(cpu).sum()
}
