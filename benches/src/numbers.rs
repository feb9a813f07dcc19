//! The numbers of a printer's lines, as one reader of its log is told them: each once and in order, or
//! counted by a gap, or covered by a marker.

use nself_realtime::NanoTimestamp;
use nself_realtime::client::LogEntry;
use nself_realtime::event::{LogLine, Marker};

/// Numbers that a reader was not told, and nothing that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hole {
    /// Which of the services.
    pub(crate) service: usize,
    pub(crate) pipe: char,
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// When the lines before and after it were printed.
    pub(crate) between: (NanoTimestamp, NanoTimestamp),
}

/// What an entry of a log is to the numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A line that follows what was told.
    Fine,
    /// Lines are missing, and that was told.
    Told { lines: u64 },
    /// Lines are missing, and nothing said so.
    Missing(Hole),
    /// A line that came before, or is none of a printer's.
    Wrong { line: String },
    /// A gap of so many lines, or a marker after which lines may be missing.
    Announced,
    /// Nothing about numbers.
    Other,
}

/// The log of one service.
#[derive(Debug)]
pub(crate) struct Numbers {
    service: usize,
    pipes: [Option<Last>; 2],
    /// Lines that gaps have counted, of both pipes, and that were not yet seen to be missing.
    counted: u64,
}

/// The last line of a pipe.
#[derive(Debug, Clone, Copy)]
struct Last {
    number: u64,
    time: NanoTimestamp,
    /// Since it an unknown number may be missing.
    unsure: bool,
    /// Since it there was a gap.
    gap: bool,
}

impl Numbers {
    pub(crate) fn new(service: usize) -> Self {
        Self { service, pipes: [None; 2], counted: 0 }
    }

    pub(crate) fn take(&mut self, entry: &LogEntry) -> Verdict {
        match entry {
            LogEntry::Line(line) => self.line(line),
            LogEntry::Gap(gap) => {
                self.counted += gap.missed;
                self.each(|last| last.gap = true)
            }
            LogEntry::Break => self.each(|last| last.unsure = true),
            LogEntry::Marker(marker) if marker.marker == Marker::Lost => {
                self.each(|last| last.unsure = true)
            }
            _ => Verdict::Other,
        }
    }

    fn each(&mut self, change: fn(&mut Last)) -> Verdict {
        self.pipes.iter_mut().flatten().for_each(change);
        Verdict::Announced
    }

    fn line(&mut self, line: &LogLine) -> Verdict {
        let Some((pipe, number)) = parse(&line.line) else {
            return Verdict::Wrong { line: line.line.clone() };
        };
        let [out, err] = &mut self.pipes;
        let seen = if pipe == 'o' { out } else { err };
        let now = Last { number, time: line.time, unsure: false, gap: false };
        let Some(last) = seen.replace(now) else { return Verdict::Fine };
        let verdict = if number <= last.number {
            Verdict::Wrong { line: line.line.clone() }
        } else {
            self.after(last, pipe, now)
        };
        // Once both pipes have gone on, a gap has told all that it had to tell.
        if self.pipes.iter().flatten().all(|last| !last.gap) {
            self.counted = 0;
        }
        verdict
    }

    fn after(&mut self, last: Last, pipe: char, now: Last) -> Verdict {
        let lines = now.number - last.number - 1;
        if lines == 0 {
            return Verdict::Fine;
        }
        if last.unsure {
            return Verdict::Told { lines };
        }
        if let Some(left) = self.counted.checked_sub(lines).filter(|_| last.gap) {
            self.counted = left;
            return Verdict::Told { lines };
        }
        let (first, last_missing) = (last.number + 1, now.number - 1);
        let between = (last.time, now.time);
        Verdict::Missing(Hole { service: self.service, pipe, first, last: last_missing, between })
    }
}

/// The pipe and the number of a line of the tests' printer.
pub(crate) fn parse(line: &str) -> Option<(char, u64)> {
    let mut words = line.split_ascii_whitespace();
    let pipe = words.next().filter(|pipe| matches!(*pipe, "o" | "e"))?.chars().next()?;
    Some((pipe, words.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use nself_realtime::Name;
    use nself_realtime::event::{LogMarker, Source};
    use serde_json::json;

    use super::*;

    fn time(seconds: i128) -> NanoTimestamp {
        NanoTimestamp::from_unix_nanos(seconds * 1_000_000_000).unwrap()
    }

    fn line(pipe: char, number: u64) -> LogEntry {
        let text = format!("{pipe} {number} ....");
        let at = time(i128::from(number));
        LogEntry::Line(LogLine::new(Name::new("s").unwrap(), at, Source::Stdout, text))
    }

    fn gap(missed: u64) -> LogEntry {
        let gap = json!({"from": 1, "to": missed, "missed": missed, "why": "slow", "of": []});
        LogEntry::Gap(serde_json::from_value(gap).unwrap())
    }

    fn verdicts(entries: impl IntoIterator<Item = LogEntry>) -> Vec<Verdict> {
        let mut numbers = Numbers::new(0);
        entries.into_iter().map(|entry| numbers.take(&entry)).collect()
    }

    fn hole(pipe: char, first: u64, last: u64) -> Verdict {
        let between = (time(i128::from(first - 1)), time(i128::from(last + 1)));
        Verdict::Missing(Hole { service: 0, pipe, first, last, between })
    }

    #[test]
    fn each_pipe_counts_for_itself() {
        let told = verdicts([line('o', 7), line('e', 3), line('o', 8), line('e', 4)]);
        assert_eq!(told, [Verdict::Fine, Verdict::Fine, Verdict::Fine, Verdict::Fine]);
    }

    #[test]
    fn what_nobody_tells_is_a_hole_and_what_comes_again_is_wrong() {
        let told = verdicts([line('o', 1), line('o', 5), line('o', 5), line('e', 1)]);
        let again = Verdict::Wrong { line: "o 5 ....".to_owned() };
        assert_eq!(told, [Verdict::Fine, hole('o', 2, 4), again, Verdict::Fine]);
    }

    #[test]
    fn a_gap_tells_as_many_lines_as_it_counts_and_no_more() {
        let told = verdicts([line('o', 1), line('e', 1), gap(5), line('o', 4), line('e', 6)]);
        assert_eq!(told[2..], [Verdict::Announced, Verdict::Told { lines: 2 }, hole('e', 2, 5)]);
        let told = verdicts([line('o', 1), line('e', 1), gap(9), line('o', 4), line('e', 2)]);
        assert_eq!(told[3..], [Verdict::Told { lines: 2 }, Verdict::Fine]);
        let twice =
            [line('o', 1), line('e', 1), gap(9), line('o', 4), line('e', 2), gap(1), line('o', 7)];
        assert_eq!(verdicts(twice)[6], hole('o', 5, 6), "nor does what was left of the one before");
        let later = [line('o', 1), gap(9), line('o', 4), line('o', 7)];
        assert_eq!(verdicts(later)[3], hole('o', 5, 6), "a gap does not tell what comes later");
    }

    #[test]
    fn a_lost_marker_and_a_break_stand_for_any_number() {
        let marker = LogMarker {
            service: Name::new("s").unwrap(),
            time: time(2),
            container_id: None,
            marker: Marker::Lost,
            text: "lines were lost".to_owned(),
            missed: None,
        };
        for entry in [LogEntry::Marker(marker), LogEntry::Break] {
            let told = verdicts([line('o', 1), entry, line('o', 9), line('o', 11)]);
            assert_eq!(
                told[1..],
                [Verdict::Announced, Verdict::Told { lines: 7 }, hole('o', 10, 10)]
            );
        }
    }
}
