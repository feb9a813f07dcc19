//! What a run gave: a line of JSON for programs, a row of a table for people.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::scenario::Scenario;
use crate::serve::Contender;

/// What a run gave.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// Who was under load.
    pub contender: String,
    /// What was done.
    pub scenario: String,
    /// How many clients there were.
    pub clients: usize,
    /// Resident bytes per client, once all were connected.
    pub bytes_per_client: u64,
    /// The most resident bytes that the server had.
    pub peak_bytes: u64,
    /// Events that were published.
    pub published: u64,
    /// Events that came, each once per client.
    pub delivered: u64,
    /// Frames that they came in.
    pub frames: u64,
    /// From the first event to the last one's coming.
    pub seconds: f64,
    /// What the server's threads ran in that time.
    pub cpu_seconds: f64,
    /// From publishing to receiving: half of the events took at most that long.
    pub p50_us: u64,
    /// 99 of 100 did.
    pub p99_us: u64,
    /// All did.
    pub max_us: u64,
    /// Connections that ended before the run did.
    pub lost_connections: usize,
}

#[expect(clippy::cast_precision_loss, reason = "measures for people")]
impl Outcome {
    /// The names of the columns.
    pub const HEADER: &str = "scenario   contender      B/client    delivered  lost %  CPU µs/event    \
        events/s  frames/s/cl   p50 ms   p99 ms   max ms  peak MiB";

    pub(super) fn new(contender: Contender, scenario: Scenario, clients: usize) -> Self {
        let (contender, scenario) = (contender.name().to_owned(), scenario.name().to_owned());
        Self { contender, scenario, clients, ..Self::default() }
    }

    pub(super) fn cpu_us_per_event(&self) -> Option<f64> {
        (self.delivered > 0).then(|| self.cpu_seconds * 1e6 / self.delivered as f64)
    }

    pub(super) fn events_per_second(&self) -> Option<f64> {
        (self.seconds > 0.0).then(|| self.delivered as f64 / self.seconds)
    }

    pub(super) fn frames_per_second(&self) -> Option<f64> {
        (self.seconds > 0.0).then(|| self.frames as f64 / self.seconds / self.clients as f64)
    }

    pub(super) fn lost_percent(&self) -> Option<f64> {
        let expected = self.published * self.clients as u64;
        let lost = expected.saturating_sub(self.delivered);
        (expected > 0).then(|| 100.0 * lost as f64 / expected as f64)
    }

    pub(super) fn ms(&self, micros: u64) -> Option<f64> {
        (self.delivered > 0).then(|| micros as f64 / 1e3)
    }

    pub(super) fn peak_mib(&self) -> f64 {
        self.peak_bytes as f64 / (1024.0 * 1024.0)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |micros| self.ms(micros).unwrap_or_default();
        write!(
            f,
            "{:<10} {:<13} {:>9} {:>12} {:>7.2} {:>13.3} {:>11.0} {:>12.1} {:>8.2} {:>8.2} {:>8.2} {:>9.1}",
            self.scenario,
            self.contender,
            self.bytes_per_client,
            self.delivered,
            self.lost_percent().unwrap_or_default(),
            self.cpu_us_per_event().unwrap_or_default(),
            self.events_per_second().unwrap_or_default(),
            self.frames_per_second().unwrap_or_default(),
            ms(self.p50_us),
            ms(self.p99_us),
            ms(self.max_us),
            self.peak_mib(),
        )?;
        if self.lost_connections > 0 {
            write!(f, "  {} connections lost", self.lost_connections)?;
        }
        Ok(())
    }
}
