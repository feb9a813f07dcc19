//! The arithmetic of stats. Processor time comes from the difference to our own previous sample,
//! never from the engine's: that is empty in the first frame, and the average since birth then.

use nself_realtime::NanoTimestamp;
use nself_realtime::event::{BlockIo, NetworkIo, Stats};

use crate::engine::{BlockBytes, StatsFrame};

/// Turns the frames of one run of one container into samples.
#[derive(Debug, Default)]
pub(crate) struct Sampler {
    memory_limit: Option<u64>,
    /// The time and the processor time of the sample before.
    previous: Option<(NanoTimestamp, u64)>,
}

impl Sampler {
    /// A sampler for a container with that memory limit of its own.
    pub(crate) fn new(memory_limit: Option<u64>) -> Self {
        Self { memory_limit, previous: None }
    }

    /// Takes a frame; `None` if there was no process to measure. The first sample, and the one
    /// after the counter fell, has no `cpu`.
    pub(crate) fn sample(&mut self, frame: &StatsFrame) -> Option<Stats> {
        let read = frame.read?;
        let memory = frame.memory.map(|memory| {
            let given_back = memory.inactive_file.filter(|bytes| *bytes < memory.usage);
            memory.usage - given_back.unwrap_or(0)
        });
        Some(Stats {
            cpu: self.cpu(read, frame.cpu_total_nanos),
            memory,
            memory_limit: self.memory_limit,
            memory_percent: memory.zip(self.memory_limit).map(|(used, limit)| percent(used, limit)),
            network: frame.network.map(|(rx, tx)| NetworkIo { rx, tx }),
            block_io: block_io(&frame.block_io),
            pids: frame.pids,
            online_cpus: frame.online_cpus,
        })
    }

    fn cpu(&mut self, read: NanoTimestamp, total: Option<u64>) -> Option<f64> {
        let total = total?;
        let (before, total_before) = self.previous.replace((read, total))?;
        let elapsed = read.saturating_since(before).as_nanos();
        let used = total.checked_sub(total_before)?;
        (elapsed > 0).then(|| percent(used, u64::try_from(elapsed).unwrap_or(u64::MAX)))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage needs no more than 52 bits")]
fn percent(part: u64, whole: u64) -> f64 {
    let exact = part as f64 / whole.max(1) as f64 * 100.0;
    (exact * 100.0).round() / 100.0
}

/// Sums by the first letter of the operation: `Read` on one generation of cgroups, `read` on the
/// other. Nothing measured is unknown, not 0.
fn block_io(entries: &[BlockBytes]) -> Option<BlockIo> {
    let sum = |letter: u8| {
        entries
            .iter()
            .filter(|entry| {
                entry.operation.bytes().next().is_some_and(|b| b.eq_ignore_ascii_case(&letter))
            })
            .fold(0_u64, |sum, entry| sum.saturating_add(entry.bytes))
    };
    (!entries.is_empty()).then(|| BlockIo { read: sum(b'r'), write: sum(b'w') })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::MemoryUsage;

    fn frame(second: i128, cpu_total_nanos: u64) -> StatsFrame {
        StatsFrame {
            read: NanoTimestamp::from_unix_nanos(second * 1_000_000_000),
            cpu_total_nanos: Some(cpu_total_nanos),
            ..StatsFrame::default()
        }
    }

    #[test]
    fn cpu_is_what_was_used_since_the_sample_before() {
        let mut sampler = Sampler::default();
        assert_eq!(sampler.sample(&frame(10, 5_000_000_000)).unwrap().cpu, None);
        assert_eq!(sampler.sample(&frame(12, 8_000_000_000)).unwrap().cpu, Some(150.0));
    }

    #[test]
    fn a_counter_that_falls_starts_anew() {
        let mut sampler = Sampler::default();
        sampler.sample(&frame(10, 5_000_000_000)).unwrap();
        assert_eq!(sampler.sample(&frame(11, 1_000_000)).unwrap().cpu, None);
        assert_eq!(sampler.sample(&frame(12, 501_000_000)).unwrap().cpu, Some(50.0));
    }

    #[test]
    fn a_container_without_a_process_has_no_sample() {
        let empty = StatsFrame { cpu_total_nanos: Some(0), ..StatsFrame::default() };
        assert_eq!(Sampler::default().sample(&empty), None);
    }

    #[test]
    fn memory_is_without_what_can_be_given_back() {
        let mut sampler = Sampler::new(Some(1_000));
        let with = |usage, inactive_file| StatsFrame {
            memory: Some(MemoryUsage { usage, inactive_file }),
            ..frame(1, 0)
        };
        let stats = sampler.sample(&with(400, Some(150))).unwrap();
        assert_eq!((stats.memory, stats.memory_percent), (Some(250), Some(25.0)));
        assert_eq!(sampler.sample(&with(100, Some(150))).unwrap().memory, Some(100));
        assert_eq!(sampler.sample(&with(100, None)).unwrap().memory, Some(100));
    }

    #[test]
    fn a_percentage_needs_a_limit_of_its_own() {
        let memory = Some(MemoryUsage { usage: 400, inactive_file: None });
        let stats = Sampler::new(None).sample(&StatsFrame { memory, ..frame(1, 0) }).unwrap();
        assert_eq!((stats.memory_limit, stats.memory_percent), (None, None));
    }

    #[test]
    fn block_operations_are_told_by_their_first_letter() {
        let entry = |operation: &str, bytes| BlockBytes { operation: operation.into(), bytes };
        assert_eq!(block_io(&[]), None);
        let v1 = [entry("Read", 1), entry("Write", 2), entry("Sync", 4), entry("Total", 3)];
        assert_eq!(block_io(&v1), Some(BlockIo { read: 1, write: 2 }));
        let v2 = [entry("read", 1), entry("write", 2), entry("read", 10)];
        assert_eq!(block_io(&v2), Some(BlockIo { read: 11, write: 2 }));
    }
}
