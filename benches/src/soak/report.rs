//! What a soak gave: a line of JSON for programs, a table for people.

use std::fmt;

use serde::Serialize;

use super::trend::slope;
use crate::usage::Usage;

/// What the page uses at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PageUsage {
    /// Seconds since the first client came.
    pub seconds: f64,
    /// What is left of its heap after a collection, in MiB.
    pub heap_mib: f64,
    /// Elements in its document.
    pub elements: u64,
}

/// What a soak gave.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// How long the load lasted.
    pub minutes: f64,
    /// Clients at once, at the most.
    pub clients: usize,
    /// Printed lines a second, by all services together.
    pub lines_per_second: u32,
    /// How often the engine was killed and started again.
    pub restarts: u32,
    /// Where chance began.
    pub seed: u64,
    /// The memory of the time before this one, in seconds, is let off.
    pub warm_up_seconds: f64,
    /// Before the first client.
    pub before: Usage,
    /// Every ten seconds.
    pub samples: Vec<Usage>,
    /// With every client at its place: after warming up, and at the end.
    pub assembled: Vec<Usage>,
    /// When all clients and the page have gone.
    pub after: Usage,
    /// Every minute.
    pub page: Vec<PageUsage>,
    /// Visits of clients.
    pub visits: u64,
    /// Lines that clients were told.
    pub lines: u64,
    /// Lines that they were not told, but of which a gap or a marker said so.
    pub told: u64,
    /// Gaps, markers and breaks, each once per reader.
    pub announced: u64,
    /// Lines that the engine has not either, each once per reader.
    pub lost_by_engine: u64,
    /// Lines that the engine has, and that readers were neither told nor told to miss.
    pub untold: u64,
    /// Lines that came twice or out of order.
    pub wrong: u64,
    /// Streams that ended or told an error.
    pub failed: u64,
}

impl Outcome {
    /// The samples after warming up.
    fn warm(&self) -> impl DoubleEndedIterator<Item = &Usage> {
        self.samples.iter().filter(|usage| usage.seconds >= self.warm_up_seconds)
    }

    /// How fast resident memory grows after warming up, in KiB a minute.
    pub fn resident_slope(&self) -> Option<f64> {
        slope_per_minute(self.warm().map(|usage| (usage.seconds, usage.resident_kib)))
    }

    /// How much more resident memory there is at the end than after warming up, in KiB.
    pub fn resident_growth(&self) -> Option<i64> {
        let (first, last) = (self.warm().next()?, self.warm().next_back()?);
        Some(last.resident_kib.cast_signed() - first.resident_kib.cast_signed())
    }

    /// What is not as it has to be. Memory is for people to judge.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut count = |what: &str, number: u64| {
            if number > 0 {
                faults.push(format!("{what}: {number}"));
            }
        };
        count("lines that the engine has and nobody told of", self.untold);
        count("lines twice, out of order or foreign", self.wrong);
        count("streams that ended or failed", self.failed);
        let more = |of: fn(&Usage) -> u64| of(&self.after).saturating_sub(of(&self.before));
        count("descriptors more than before the first client", more(|usage| usage.descriptors));
        count("tasks more than before the first client", more(|usage| usage.tasks));
        if let [first, .., last] = &*self.assembled {
            let more = |of: fn(&Usage) -> u64| of(last).saturating_sub(of(first));
            count("descriptors more at the same load", more(|usage| usage.descriptors));
            count("tasks more at the same load", more(|usage| usage.tasks));
        }
        faults
    }
}

#[expect(clippy::cast_precision_loss, reason = "measures for people")]
fn slope_per_minute(points: impl Iterator<Item = (f64, u64)>) -> Option<f64> {
    let points: Vec<_> = points.map(|(seconds, value)| (seconds / 60.0, value as f64)).collect();
    slope(&points)
}

impl Usage {
    /// The names of the columns of a row.
    pub(super) const HEADER: &str = "| minute | resident, MiB | its own, MiB | descriptors | threads | tasks | sockets | followers |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|";

    #[expect(clippy::cast_precision_loss, reason = "measures for people")]
    pub(super) fn row(&self, when: &str) -> String {
        let mib = |kib: u64| kib as f64 / 1_024.0;
        format!(
            "| {when} | {:.1} | {:.1} | {} | {} | {} | {} | {} |",
            mib(self.resident_kib),
            mib(self.anonymous_kib),
            self.descriptors,
            self.threads,
            self.tasks,
            self.sockets,
            self.followers
        )
    }

    pub(super) fn minute(&self) -> String {
        format!("{:.1}", self.seconds / 60.0)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}", Usage::HEADER, self.before.row("before"))?;
        // One in five minutes: the whole is in the line of JSON.
        for usage in self.samples.iter().step_by(30) {
            writeln!(f, "{}", usage.row(&usage.minute()))?;
        }
        for usage in &self.assembled {
            writeln!(f, "{}", usage.row(&format!("{}, all there", usage.minute())))?;
        }
        writeln!(f, "{}\n", self.after.row("after"))?;
        let (slope, growth) = (self.resident_slope(), self.resident_growth());
        writeln!(
            f,
            "resident memory from minute {:.1} on: {:+.1} KiB a minute, {:+} KiB from end to end",
            self.warm_up_seconds / 60.0,
            slope.unwrap_or(f64::NAN),
            growth.unwrap_or_default()
        )?;
        writeln!(
            f,
            "{} visits, {} lines told, {} told to be missing ({} announcements), {} lost by the engine itself",
            self.visits, self.lines, self.told, self.announced, self.lost_by_engine
        )?;
        if let [first, .., last] = &*self.page {
            writeln!(
                f,
                "the page: heap {:.1} MiB at first, {:.1} at last; {} elements, {}",
                first.heap_mib, last.heap_mib, first.elements, last.elements
            )?;
        }
        let faults = self.faults();
        if faults.is_empty() {
            return write!(
                f,
                "no line untold, twice or out of order; no descriptor and no task left over"
            );
        }
        write!(f, "FAULTS\n{}", faults.join("\n"))
    }
}
