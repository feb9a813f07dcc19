//! What the program does beside a real engine, a file for each figure: what it adds to the engine's own work,
//! in time and in processor time.

#![expect(clippy::expect_used, reason = "a benchmark stops where it fails")]

mod lone_lines;
mod million;
mod resting;
mod stats;
mod watch;

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use bollard::Docker;
use clap::ValueEnum;
use nself_realtime::RoomName;
use nself_realtime::client::Client;
use nself_tests::container::{Container, Recipe};
use nself_tests::engine::Engine;
use nself_tests::process::CpuTime;
use nself_tests::server::Server;
use tokio::runtime::Runtime;
use tokio::time::sleep;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Figure {
    /// How soon a lone line is with a client, against bollard's own reading of it
    LoneLines,
    /// What watching the stats of 10 and of 50 containers costs
    Stats,
    /// What a page on ten services costs that is looked at, and one that is hidden
    Resting,
    /// What a line costs that comes with a million others, against bollard's bare loop
    Million,
    /// What watching the logs and stats of 20 containers costs, for as long as one likes
    Watch,
}

impl Figure {
    /// Those that take minutes.
    pub const QUICK: [Self; 4] = [Self::LoneLines, Self::Stats, Self::Resting, Self::Million];
}

/// Measures it and prints what it gave. `time` is that of one figure, `watched` that of [`Figure::Watch`].
///
/// # Panics
///
/// Where something of the stage does not start, or ends: the engine, the program, the browser.
pub fn measure(figure: Figure, runtime: &Runtime, time: Duration, watched: Duration) {
    let engine = runtime.block_on(Engine::start());
    match figure {
        // In a runtime of its own: it measures the processor time of this process.
        Figure::Million => million::million(&engine),
        Figure::LoneLines => {
            runtime
                .block_on(async { lone_lines::lone_lines(&Stage::set(engine).await, time).await });
        }
        Figure::Stats => {
            runtime.block_on(async { stats::stats(&Stage::set(engine).await, time).await });
        }
        Figure::Resting => {
            runtime.block_on(async { resting::resting(&Stage::set(engine).await, time).await });
        }
        Figure::Watch => runtime.block_on(watch::watch(engine, watched)),
    }
}

/// The project of all containers, and its room.
const PROJECT: &str = "bench";

/// An engine and the program that looks at it.
struct Stage {
    // In this order they are dropped.
    server: Server,
    docker: Docker,
    engine: Engine,
}

impl Stage {
    async fn set(engine: Engine) -> Self {
        let server = Server::start(&["--docker-host", &engine.host()]).await;
        Self { server, docker: engine.docker().await, engine }
    }

    fn client(&self) -> Client {
        let address = format!("127.0.0.1:{}", self.server.port());
        let client = Client::builder(&format!("ws://{address}/api/ws"))
            .header("Origin", &format!("http://{address}"))
            .connect();
        client.expect("the address is one")
    }

    /// The processor time that both have used so far.
    fn used(&self) -> Used {
        let program = self.server.process().cpu_time().total();
        Used { program, engine: cpu_time_of_engine(self.engine.folder()) }
    }

    /// What both use in that time.
    async fn use_within(&self, time: Duration) -> Used {
        let before = self.used();
        sleep(time).await;
        self.used().since(before)
    }
}

/// Processor time.
#[derive(Debug, Clone, Copy)]
struct Used {
    program: Duration,
    engine: Duration,
}

impl Used {
    fn since(self, before: Self) -> Self {
        Self {
            program: self.program.saturating_sub(before.program),
            // A process of its that has ended takes its time along.
            engine: self.engine.saturating_sub(before.engine),
        }
    }
}

/// Of a core, in percent.
fn of_a_core(used: Duration, time: Duration) -> f64 {
    100.0 * used.div_duration_f64(time)
}

/// In CPU seconds.
fn a_minute(used: Duration, time: Duration) -> f64 {
    60.0 * used.div_duration_f64(time)
}

/// The engine is several processes: itself, containerd, and one beside each container.
fn cpu_time_of_engine(folder: &Path) -> Duration {
    let folder = folder.display().to_string();
    let processes = fs::read_dir("/proc").expect("the kernel tells its processes");
    let names = processes.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let of_engine = names.filter_map(|name| name.parse().ok()).filter(|process: &u32| {
        let command = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command);
        let (program, arguments) = command.split_once('\0').unwrap_or_default();
        let program = Path::new(program).file_name().and_then(|name| name.to_str());
        // The program under test names the folder, too.
        program.is_some_and(|name| name.starts_with("dockerd") || name.starts_with("containerd"))
            && arguments.contains(&folder)
    });
    of_engine.filter_map(CpuTime::of).map(CpuTime::total).sum()
}

fn room() -> RoomName {
    RoomName::new(PROJECT).expect("a room name")
}

/// Starts a container for each of these services, and lets it run the same script.
async fn start_services(docker: &Docker, numbers: Range<usize>, script: &str) -> Vec<Container> {
    let mut containers = Vec::with_capacity(numbers.len());
    for number in numbers {
        containers.push(Recipe::shell(PROJECT, &service(number), script).start(docker).await);
    }
    containers
}

/// What the service of that number is called.
fn service(number: usize) -> String {
    format!("s{number}")
}
