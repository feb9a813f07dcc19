//! Runs the processes of a Procfile, and publishes how they are, what they print and what they use: the
//! events of a Compose stack, from something else. Whatever reads those reads these, too; here it is a
//! reader in the same program, which prints them.
//!
//! `procfile FILE`; without an argument, a Procfile of its own. On Linux, which says what a process uses.

use std::collections::BTreeMap;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures::StreamExt;
use nself_examples::Error;
use nself_realtime::clock::{Clock, SystemClock};
use nself_realtime::event::{
    DockerStats, LogLine, LogsStream, RawEvent, ServiceState, ServiceStatus, Source, Stats,
};
use nself_realtime::transport::MemoryConnection;
use nself_realtime::{Emitter, Hub, Name, RoomName, Server, SessionConfig};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::time::{Instant, interval};

const DEMO: &str = include_str!("demo/Procfile");
/// How often it is measured what a process uses.
const MEASURED_EVERY: Duration = Duration::from_millis(200);
/// The kernel counts processor time in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// A line of a Procfile.
struct Process {
    name: Name,
    command: String,
}

/// Reads `name: command` lines.
fn parse(procfile: &str) -> Result<Vec<Process>, Error> {
    let lines = procfile.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, command) = line
                .split_once(':')
                .ok_or_else(|| format!("{line:?} is no process: write `name: command`"))?;
            Ok(Process { name: Name::new(name.trim())?, command: command.trim().to_owned() })
        })
        .collect()
}

/// Runs a process to its end, and publishes all of it.
async fn run(room: &Emitter, Process { name, command }: Process) -> Result<(), Error> {
    let tell = |state| room.service_status(&ServiceStatus::new(name.clone(), state));
    tell(ServiceState::Starting)?;
    let mut child = Command::new("sh")
        .args(["-c", &command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    tell(ServiceState::Running)?;
    let (pid, out, err) = (child.id(), child.stdout.take(), child.stderr.take());
    let ended = tokio::select! {
        // Its last words come before its end.
        ended = async {
            futures::try_join!(
                print(room, &name, Source::Stdout, out),
                print(room, &name, Source::Stderr, err),
            )?;
            Ok::<_, Error>(child.wait().await?)
        } => ended?,
        failed = measure(room, &name, pid) => return failed,
    };
    room.service_status(&end_of(&name, ended))?;
    Ok(())
}

fn end_of(name: &Name, ended: ExitStatus) -> ServiceStatus {
    let state = if ended.success() { ServiceState::Stopped } else { ServiceState::Failed };
    let mut status = ServiceStatus::new(name.clone(), state);
    status.exit_code = ended.code().map(i64::from);
    status
}

/// Publishes each line that comes out of a process.
async fn print(
    room: &Emitter,
    name: &Name,
    source: Source,
    pipe: Option<impl AsyncRead + Unpin>,
) -> Result<(), Error> {
    let Some(pipe) = pipe else { return Ok(()) };
    let mut lines = BufReader::new(pipe).lines();
    while let Some(line) = lines.next_line().await? {
        let line = LogLine::new(name.clone(), SystemClock.timestamp().into(), source, line);
        room.log(&LogsStream::Line(line))?;
    }
    Ok(())
}

/// Publishes what a process uses, again and again.
async fn measure(room: &Emitter, name: &Name, pid: Option<u32>) -> Result<(), Error> {
    let pid = pid.ok_or("it has ended already")?.to_string();
    let mut ticks = interval(MEASURED_EVERY);
    let mut before: Option<(Instant, Duration)> = None;
    loop {
        let now = ticks.tick().await;
        // A process that is just ending has nothing to read any more.
        let Some((used, memory)) = usage(&pid).await else { continue };
        let stats = Stats {
            cpu: before.map(|(at, then)| {
                let share = used.saturating_sub(then).as_secs_f64();
                100.0 * share / (now - at).as_secs_f64()
            }),
            memory: Some(memory),
            ..Stats::default()
        };
        before = Some((now, used));
        let (container_id, container_name) = (Name::new(&pid)?, name.clone());
        let service = Some(name.clone());
        room.docker_stats(&DockerStats { container_id, container_name, service, stats })?;
    }
}

/// The processor time that a process has used, and the bytes that it holds in memory.
async fn usage(pid: &str) -> Option<(Duration, u64)> {
    let stat = tokio::fs::read_to_string(format!("/proc/{pid}/stat")).await.ok()?;
    // Behind the name, which may have spaces in it: the times in user and in system mode.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let time = |index: usize| fields.get(index)?.parse::<u32>().ok();
    let status = tokio::fs::read_to_string(format!("/proc/{pid}/status")).await.ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = resident.trim().strip_suffix(" kB")?.parse().ok()?;
    Some((TICK * (time(11)? + time(12)?), kib * 1024))
}

/// What several events come in; other frames have none.
#[derive(Deserialize)]
struct Batch {
    #[serde(default)]
    events: Vec<RawEvent>,
}

fn events_of(frame: &[u8]) -> Result<Vec<RawEvent>, Error> {
    match serde_json::from_slice(frame) {
        Ok(alone) => Ok(vec![alone]),
        Err(_) => Ok(serde_json::from_slice::<Batch>(frame)?.events),
    }
}

/// Prints what the room says until as many processes have ended.
async fn show(mut reader: MemoryConnection, mut running: usize) -> Result<(), Error> {
    let mut most = BTreeMap::new();
    while running > 0 {
        let frame = reader.next().await.ok_or("the server ended")?;
        for event in events_of(&frame)? {
            if let Some(status) = event.data::<ServiceStatus>().transpose()? {
                println!("{} is {}", status.service, describe(&status));
                running -= usize::from(is_end(status.status));
            }
            if let Some(LogsStream::Line(line)) = event.data::<LogsStream>().transpose()? {
                println!("{} | {}", line.service, line.line);
            }
            if let Some(used) = event.data::<DockerStats>().transpose()? {
                let most: &mut u64 = most.entry(used.container_name).or_default();
                *most = (*most).max(used.stats.memory.unwrap_or(0));
            }
        }
    }
    for (process, bytes) in most {
        println!("{process} held {} KiB at most", bytes / 1024);
    }
    Ok(())
}

fn is_end(state: ServiceState) -> bool {
    matches!(state, ServiceState::Stopped | ServiceState::Failed)
}

fn describe(status: &ServiceStatus) -> String {
    let state = format!("{:?}", status.status).to_lowercase();
    match status.exit_code {
        Some(code) if code != 0 => format!("{state}: code {code}"),
        _ => state,
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let procfile = match std::env::args().nth(1) {
        Some(file) => tokio::fs::read_to_string(file).await?,
        None => DEMO.to_owned(),
    };
    let processes = parse(&procfile)?;
    let hub = Hub::new();
    let room = hub.open_room(&RoomName::new("procfile")?);
    let mut reader = Server::new(hub, SessionConfig::default()).connect();
    reader.send(r#"{"type":"subscribe","room":"procfile"}"#).await;
    // From here on it misses nothing.
    while !reader.next().await.ok_or("the server ended")?.starts_with(br#"{"type":"ready""#) {}
    let shown = show(reader, processes.len());
    let ran =
        futures::future::try_join_all(processes.into_iter().map(|process| run(&room, process)));
    futures::try_join!(shown, ran)?;
    Ok(())
}
