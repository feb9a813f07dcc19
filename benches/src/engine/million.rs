//! What a line costs that comes with a million others, from the engine into a room with one reader, and what
//! bollard's bare loop takes for the same. Both begin to read before the printing does, in turn, on one thread.

use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::LogsOptionsBuilder;
use futures::StreamExt;
use memchr::memmem;
use nself_docker::{DockerConfig, DockerEngine, room_of_project};
use nself_realtime::{Hub, Server, SessionConfig};
use nself_tests::container::{Container, Recipe};
use nself_tests::engine::Engine;
use nself_tests::process::CpuTime;
use serde_json::Value;
use tokio::runtime::Builder;
use tokio::time::Instant;

use super::PROJECT;

const LINES: u32 = 1_000_000;
/// How often each reads them.
const PASSES: usize = 3;

const SERVICE: &str = "printer";
/// With a number of seven digits and a space before it, 120 bytes.
const TEXT: &str = "GET /api/products?page=2 HTTP/1.1 200 12ms upstream=catalog:8080 request=5f3a9c1e \
    agent=curl/8.5 bytes=182340 ok";
/// Is in each of them once, and nowhere else.
const MARK: &[u8] = b"request=5f3a9c1e";
/// What is printed again and again before them.
const BEFORE: &[u8] = b"not yet";
/// And once after them.
const AFTER: &[u8] = b"that was all";

pub(super) fn million(engine: &Engine) {
    // The readers' own, so that all that they use is this thread's.
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let docker = engine.docker().await;
        let (mut bare, mut whole) = (Cost::default(), Cost::default());
        for _ in 0..PASSES {
            let printer = start_printer(&docker).await;
            bare.add("bollard's bare loop", &read_bare(&docker, &printer).await);
            printer.remove().await;
            let printer = start_printer(&docker).await;
            whole.add("into a room with one reader", &read_whole(engine, &printer).await);
            printer.remove().await;
        }
        println!(
            "a line of a million: {:.2} µs of user CPU a line above the bare loop, {:.1} % of its lines/s",
            whole.user_micros() - bare.user_micros(),
            100.0 * whole.lines_per_second() / bare.lines_per_second(),
        );
    });
}

async fn start_printer(docker: &Docker) -> Container {
    let before = String::from_utf8_lossy(BEFORE);
    let after = String::from_utf8_lossy(AFTER);
    let script = format!(
        "trap go=1 USR1
         while [ -z \"$go\" ]; do echo {before}; sleep 0.1; done
         awk -v 'text={TEXT}' 'BEGIN {{ for (n = 0; n < {LINES}; n++) printf \"%07d %s\\n\", n, text }}'
         echo {after}
         sleep 100000"
    );
    Recipe::shell(PROJECT, SERVICE, &script).start(docker).await
}

/// Counts lines and nothing else.
async fn read_bare(docker: &Docker, printer: &Container) -> Cost {
    let options = LogsOptionsBuilder::new().follow(true).stdout(true).stderr(true);
    let options = options.timestamps(true).tail("all").build();
    let mut frames = docker.logs(&printer.id, Some(options));
    let mut begun = None;
    let mut lines = 0;
    while let Some(frame) = frames.next().await {
        let frame = frame.expect("the log is read");
        lines += u32::from(frame.as_ref().len() > TEXT.len());
        if begun.is_none() {
            begun = Some(Begun::now());
            printer.signal("USR1").await;
        }
        if lines == LINES {
            break;
        }
    }
    begun.expect("the log has lines").cost(lines)
}

/// The adapter, a room, and a reader within this program.
async fn read_whole(engine: &Engine, printer: &Container) -> Cost {
    let hub = Hub::new();
    let docker_engine = DockerEngine::new(Some(&engine.host())).expect("an address");
    let config = DockerConfig::default();
    let docker = nself_docker::Docker::spawn(Arc::new(docker_engine), hub.clone(), config);
    docker.wait_for_first_list().await;
    let mut reader = Server::new(hub.clone(), SessionConfig::default()).connect();
    let room = room_of_project(PROJECT);
    let filter = format!(r#"{{"types":["logs:stream"],"keys":["{SERVICE}"]}}"#);
    reader.send(format!(r#"{{"type":"subscribe","room":"{room}","data":{filter}}}"#)).await;
    // History tells nothing of whether the log is followed yet.
    while let Some(frame) = reader.next().await {
        if has(&frame, BEFORE) && !has(&frame, br#""history":"#) {
            break;
        }
    }
    let published = hub.statistics().events_in;
    let begun = Begun::now();
    printer.signal("USR1").await;
    let (mut lines, mut counted) = (0, 0);
    while let Some(frame) = reader.next().await {
        lines += memmem::find_iter(&frame, MARK).count();
        counted += missed(&frame);
        if has(frame.get(frame.len().saturating_sub(ONE_EVENT)..).unwrap_or_default(), AFTER) {
            break;
        }
    }
    let cost = begun.cost(LINES);
    let published = hub.statistics().events_in - published;
    println!(
        "{published} events were published, {lines} of the lines told, {counted} counted by gaps"
    );
    docker.shutdown().await;
    cost
}

fn has(frame: &[u8], text: &[u8]) -> bool {
    memmem::find(frame, text).is_some()
}

/// How many events a frame says that this reader will not get.
fn missed(frame: &[u8]) -> u64 {
    if !frame.starts_with(br#"{"type":"gap""#) {
        return 0;
    }
    let frame: Value = serde_json::from_slice(frame).expect("a frame is JSON");
    frame.pointer("/data/missed").and_then(Value::as_u64).expect("a gap has a number")
}

/// When a reading began, and what this process had used until then.
struct Begun {
    at: Instant,
    used: CpuTime,
}

impl Begun {
    fn now() -> Self {
        let used = CpuTime::of(std::process::id()).expect("this process lives");
        Self { at: Instant::now(), used }
    }

    fn cost(&self, lines: u32) -> Cost {
        let now = Self::now();
        Cost { lines, time: now.at - self.at, used: now.used.since(self.used) }
    }
}

/// What lines took.
#[derive(Default)]
struct Cost {
    lines: u32,
    time: Duration,
    used: CpuTime,
}

impl Cost {
    /// Prints a pass and adds it.
    fn add(&mut self, what: &str, pass: &Self) {
        println!(
            "{what}: {:.2} µs of user CPU a line, {:.2} of the kernel's, {:.0} lines/s",
            pass.user_micros(),
            pass.micros(pass.used.system),
            pass.lines_per_second(),
        );
        self.lines += pass.lines;
        self.time += pass.time;
        self.used.user += pass.used.user;
        self.used.system += pass.used.system;
    }

    fn user_micros(&self) -> f64 {
        self.micros(self.used.user)
    }

    fn micros(&self, of: Duration) -> f64 {
        of.as_secs_f64() * 1e6 / f64::from(self.lines)
    }

    fn lines_per_second(&self) -> f64 {
        f64::from(self.lines) / self.time.as_secs_f64()
    }
}

/// More than the last event of a frame takes.
const ONE_EVENT: usize = 1_024;
