//! A container of the scripted engine: what is known of it, what it printed, what it uses.

use std::time::Duration;

use nself_realtime::NanoTimestamp;
use nself_realtime::event::HealthState;
use tokio::time::Instant;

use super::world::Ring;
use crate::engine::{BlockBytes, Container, ContainerState, LogPipe, MemoryUsage, StatsFrame};

/// A container that plays.
#[derive(Debug)]
pub(super) struct Actor {
    pub(super) container: Container,
    pub(super) log: Ring<LogEntry>,
    /// The number of the newest line in it that cannot be read.
    pub(super) damage: Option<u64>,
    /// Counts the starts: a stream belongs to one of them.
    pub(super) run: u64,
    usage: Usage,
    /// What was used up to `since`.
    spent: Spent,
    since: Instant,
}

/// A line or a part of one.
#[derive(Debug, Clone)]
pub(super) struct LogEntry {
    pub(super) pipe: LogPipe,
    pub(super) time: NanoTimestamp,
    pub(super) text: String,
}

/// What a container uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Percent of one core.
    pub cpu_percent: u32,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes received a second.
    pub received: u64,
    /// Bytes sent a second.
    pub sent: u64,
    /// Processes and threads.
    pub pids: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    cpu_nanos: u64,
    received: u64,
    sent: u64,
}

impl Actor {
    pub(super) fn new(container: Container) -> Self {
        Self {
            container,
            damage: None,
            log: Ring::new(LINES_KEPT),
            run: 0,
            usage: Usage::default(),
            spent: Spent::default(),
            since: Instant::now(),
        }
    }

    /// What a list says of it.
    pub(super) fn listed(&self) -> Container {
        let known = self.container.clone();
        Container {
            failing_streak: None,
            last_check: None,
            check_output: None,
            oom_killed: None,
            restart_count: None,
            started_at: None,
            error: None,
            memory_limit: None,
            log_driver: None,
            ..known
        }
    }

    pub(super) fn print(&mut self, pipe: LogPipe, time: NanoTimestamp, line: &str) {
        let mut rest = line;
        loop {
            let (part, after) = rest.split_at(rest.floor_char_boundary(ENGINE_CUT));
            let last = after.is_empty() && part.len() < ENGINE_CUT;
            let text = if last { format!("{part}\n") } else { part.to_owned() };
            self.log.push(LogEntry { pipe, time, text });
            if last {
                return;
            }
            rest = after;
        }
    }

    pub(super) fn damage_log(&mut self, time: NanoTimestamp) {
        self.damage = Some(self.log.end());
        self.print(LogPipe::Stdout, time, "damaged");
    }

    pub(super) fn begin(&mut self, now: NanoTimestamp) {
        self.run += 1;
        self.spent = Spent::default();
        self.since = Instant::now();
        self.container.state = ContainerState::Running;
        self.container.started_at = Some(now);
        self.container.exit_code = None;
        self.container.oom_killed = Some(false);
        if self.container.health.is_some() {
            self.container.health = Some(HealthState::Starting);
        }
    }

    pub(super) fn end(&mut self, exit_code: i64) {
        self.container.state = ContainerState::Exited;
        self.container.exit_code = Some(exit_code);
    }

    pub(super) fn set_usage(&mut self, usage: Usage) {
        self.spent = self.spent();
        self.since = Instant::now();
        self.usage = usage;
    }

    /// A sample; without a time if there is no process.
    pub(super) fn sample(&self, now: NanoTimestamp) -> StatsFrame {
        if !self.container.state.has_process() {
            return StatsFrame::default();
        }
        let spent = self.spent();
        StatsFrame {
            name: Some(self.container.name.clone()),
            read: Some(now),
            cpu_total_nanos: Some(spent.cpu_nanos),
            online_cpus: Some(4),
            memory: Some(MemoryUsage { usage: self.usage.memory, inactive_file: Some(0) }),
            network: Some((spent.received, spent.sent)),
            block_io: vec![
                BlockBytes { operation: "read".to_owned(), bytes: spent.received / 8 },
                BlockBytes { operation: "write".to_owned(), bytes: spent.sent / 4 },
            ],
            pids: Some(self.usage.pids),
        }
    }

    fn spent(&self) -> Spent {
        let elapsed = self.since.elapsed();
        let cpu = elapsed * self.usage.cpu_percent / 100;
        Spent {
            cpu_nanos: self.spent.cpu_nanos + u64::try_from(cpu.as_nanos()).unwrap_or(u64::MAX),
            received: self.spent.received + per_second(self.usage.received, elapsed),
            sent: self.spent.sent + per_second(self.usage.sent, elapsed),
        }
    }
}

fn per_second(bytes: u64, elapsed: Duration) -> u64 {
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    bytes.saturating_mul(millis) / 1_000
}

/// Where an engine cuts a long line.
const ENGINE_CUT: usize = 16_384;

/// How many parts of lines are kept.
const LINES_KEPT: usize = 20_000;
