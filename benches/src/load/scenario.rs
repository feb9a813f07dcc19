//! The runs, each with a server of its own.

use std::io;
use std::time::Duration;

use nself_realtime::clock::{Clock, SystemClock};
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use tokio::time::sleep;

use super::clients::Clients;
use super::process::{ServerCommand, ServerProcess, raise_file_limit};
use super::report::Outcome;
use crate::serve::{Command, Contender, Turn, Urgency};
use crate::tick::now;

/// With nothing new for that long, what is missing is lost.
const QUIET: Duration = Duration::from_secs(3);
/// No run is waited for longer.
const LONGEST: Duration = Duration::from_mins(1);

/// What a server is put through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scenario {
    /// 2,000 connections and no event: the memory of a connection.
    Idle2000,
    /// 10,000 of them.
    Idle10000,
    /// 2,000 events at once to 1,000 clients.
    Burst,
    /// 500 events to 1,000 clients, a turn of the scheduler after each.
    Turns,
    /// 5,000 events a second to 100 clients for 3 seconds.
    Fast,
    /// 100 urgent events a second to 100 clients for 3 seconds.
    Slow,
    /// One client, 200,000 events, a turn of the scheduler after each 64.
    One,
}

impl Scenario {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle2000 => "idle2000",
            Self::Idle10000 => "idle10000",
            Self::Burst => "burst",
            Self::Turns => "turns",
            Self::Fast => "fast",
            Self::Slow => "slow",
            Self::One => "one",
        }
    }

    fn clients(self) -> usize {
        match self {
            Self::Idle2000 => 2_000,
            Self::Idle10000 => 10_000,
            Self::Burst | Self::Turns => 1_000,
            Self::Fast | Self::Slow => 100,
            Self::One => 1,
        }
    }

    fn command(self) -> Option<Command> {
        let batched =
            |count, group, turn| Some(Command { count, group, turn, urgency: Urgency::Batched });
        match self {
            Self::Idle2000 | Self::Idle10000 => None,
            Self::Burst => batched(2_000, 2_000, Turn::Yield),
            Self::Turns => batched(500, 1, Turn::Yield),
            Self::Fast => batched(15_000, 5, Turn::Every(1_000)),
            Self::Slow => {
                let (turn, urgency) = (Turn::Every(10_000), Urgency::Immediate);
                Some(Command { count: 300, group: 1, turn, urgency })
            }
            Self::One => batched(200_000, 64, Turn::Yield),
        }
    }
}

/// Puts a server through that, with other numbers of clients or events if they are given.
///
/// # Errors
///
/// If the server cannot be started, or does not let the clients in.
pub fn run(
    contender: Contender,
    scenario: Scenario,
    server: ServerCommand,
    clients: Option<usize>,
    events: Option<usize>,
) -> io::Result<Outcome> {
    raise_file_limit();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    let clients = clients.unwrap_or_else(|| scenario.clients());
    let mut command = scenario.command();
    if let (Some(command), Some(events)) = (&mut command, events) {
        command.count = events;
    }
    local.block_on(&runtime, async {
        let mut server = ServerProcess::start(server)?;
        let resident = server.resident()?;
        let connected = Clients::connect(&local, contender, server.port, clients).await?;
        // What the handshakes left to be done is done.
        sleep(Duration::from_secs(1)).await;
        let mut outcome = Outcome::new(contender, scenario, clients);
        outcome.bytes_per_client = server.resident()?.saturating_sub(resident)
            / u64::try_from(clients.max(1)).unwrap_or(1);
        if let Some(command) = command {
            publish(&mut server, &connected, command, &mut outcome).await?;
        }
        outcome.peak_bytes = server.peak()?;
        outcome.lost_connections = connected.tally.borrow().lost_connections;
        Ok(outcome)
    })
}

async fn publish(
    server: &mut ServerProcess,
    clients: &Clients,
    command: Command,
    outcome: &mut Outcome,
) -> io::Result<()> {
    outcome.published = command.count as u64;
    let expected = outcome.published * outcome.clients as u64;
    let (cpu, start) = (server.cpu()?, now());
    let begun = SystemClock.now();
    let frames = clients.tally.borrow().frames;
    server.tell(command)?;
    let (mut seen, mut seen_at) = (0, SystemClock.now());
    loop {
        sleep(Duration::from_millis(2)).await;
        let events = clients.tally.borrow().events;
        if events != seen {
            (seen, seen_at) = (events, SystemClock.now());
        }
        let published = pause_of(command) < seen_at.elapsed();
        if events >= expected
            || (published && seen_at.elapsed() > QUIET)
            || begun.elapsed() > LONGEST
        {
            break;
        }
    }
    let tally = clients.tally.borrow();
    outcome.delivered = tally.events;
    outcome.frames = tally.frames - frames;
    outcome.seconds = seconds(tally.last.saturating_sub(start));
    outcome.cpu_seconds = seconds(server.cpu()?.saturating_sub(cpu));
    let quantile = |q| tally.latency.value_at_quantile(q);
    outcome.p50_us = quantile(0.5);
    outcome.p99_us = quantile(0.99);
    outcome.max_us = tally.latency.max();
    Ok(())
}

/// The longest time without an event while events are published.
fn pause_of(command: Command) -> Duration {
    match command.turn {
        Turn::Yield => Duration::ZERO,
        Turn::Every(micros) => Duration::from_micros(micros),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a measure for people")]
fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}
