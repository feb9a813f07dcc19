//! What the program itself uses, as Linux tells it.

/// What it uses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Process {
    pub(super) resident_bytes: u64,
    pub(super) cpu_seconds: f64,
    pub(super) descriptors: usize,
}

/// Measures; `None` where the operating system does not tell.
pub(super) fn measure() -> Option<Process> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    let page = u64::try_from(rustix::param::page_size()).ok()?;
    let ticks = ticks(&std::fs::read_to_string("/proc/self/stat").ok()?)?;
    let per_second = rustix::param::clock_ticks_per_second();
    Some(Process {
        resident_bytes: pages * page,
        cpu_seconds: as_float(ticks) / as_float(per_second),
        // The one that reads the folder is among them.
        descriptors: std::fs::read_dir("/proc/self/fd").ok()?.count(),
    })
}

/// Time in user and in system mode. The name of the program, in parentheses, may have spaces.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn as_float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 12 30 0 0 20 0 1 0 5 1 1";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks(""), None);
    }

    #[test]
    fn a_running_program_uses_memory() {
        let process = measure().unwrap();
        assert!(process.resident_bytes > 1_000_000 && process.descriptors > 3, "{process:?}");
    }
}
