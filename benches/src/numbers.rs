//! The numbers of a printer's lines, as one reader of its log is told them: each once and in order, or
//! counted by a gap, or covered by a marker.

use nself_realtime::NanoTimestamp;
use nself_realtime::client::LogEntry;
use nself_realtime::event::{LogLine, Marker};

/// Numbers that a reader was not told.
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

impl Hole {
    /// How many they are.
    pub(crate) fn lines(&self) -> u64 {
        self.last - self.first + 1
    }
}

/// More numbers that a reader was not told than something says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) holes: Vec<Hole>,
    /// So many of them gaps have counted.
    pub(crate) counted: u64,
}

impl Missing {
    /// How many they are, with those that were counted.
    pub(crate) fn lines(&self) -> u64 {
        self.holes.iter().map(Hole::lines).sum()
    }
}

/// What an entry of a log is to the numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A line that follows what was told.
    Fine,
    /// Lines are missing, and that was told.
    Told { lines: u64 },
    /// Lines are missing, and nothing said so of all of them.
    Missing(Missing),
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
    /// What gaps have counted, of both pipes together.
    counted: u64,
    /// What was missing at the first line of a pipe after a gap.
    skipped: Vec<Hole>,
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
        Self { service, pipes: [None; 2], counted: 0, skipped: Vec::new() }
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
        let verdict = match seen.replace(now) {
            None => Verdict::Fine,
            Some(last) if number <= last.number => Verdict::Wrong { line: line.line.clone() },
            Some(last) => self.after(last, pipe, now),
        };
        if verdict == Verdict::Fine { self.settle() } else { verdict }
    }

    fn after(&mut self, last: Last, pipe: char, now: Last) -> Verdict {
        let lines = now.number - last.number - 1;
        if lines == 0 {
            return Verdict::Fine;
        }
        if last.unsure {
            return Verdict::Told { lines };
        }
        let (first, last_missing) = (last.number + 1, now.number - 1);
        let between = (last.time, now.time);
        let hole = Hole { service: self.service, pipe, first, last: last_missing, between };
        if last.gap {
            self.skipped.push(hole);
            return Verdict::Fine;
        }
        Verdict::Missing(Missing { holes: vec![hole], counted: 0 })
    }

    /// Once both pipes have gone on after a gap, compares what is missing with what it has counted: it does
    /// not say of which pipe.
    fn settle(&mut self) -> Verdict {
        if self.pipes.iter().flatten().any(|last| last.gap) {
            return Verdict::Fine;
        }
        let counted = std::mem::take(&mut self.counted);
        let missing = Missing { holes: std::mem::take(&mut self.skipped), counted };
        match missing.lines() {
            0 => Verdict::Fine,
            lines if lines <= counted => Verdict::Told { lines },
            _ => Verdict::Missing(missing),
        }
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

    fn missing<const N: usize>(holes: [(char, u64, u64); N], counted: u64) -> Verdict {
        let holes = holes.map(|(pipe, first, last)| {
            let between = (time(i128::from(first - 1)), time(i128::from(last + 1)));
            Hole { service: 0, pipe, first, last, between }
        });
        Verdict::Missing(Missing { holes: holes.into(), counted })
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
        let hole = missing([('o', 2, 4)], 0);
        assert_eq!(told, [Verdict::Fine, hole, again, Verdict::Fine]);
    }

    #[test]
    fn a_gap_tells_as_many_lines_as_it_counts_and_no_more() {
        let told = verdicts([line('o', 1), line('e', 1), gap(9), line('o', 4), line('e', 2)]);
        assert_eq!(told[2..], [Verdict::Announced, Verdict::Fine, Verdict::Told { lines: 2 }]);
        let told = verdicts([line('o', 1), line('e', 1), gap(5), line('o', 4), line('e', 6)]);
        assert_eq!(told[4], missing([('o', 2, 3), ('e', 2, 5)], 5));
        let twice =
            [line('o', 1), gap(9), line('o', 4), gap(1), line('o', 7), line('o', 8), line('o', 10)];
        let told = verdicts(twice);
        let left = missing([('o', 5, 6)], 1);
        assert_eq!(told[4], left, "what was left of a gap does not tell what a later one does not");
        assert_eq!(told[6], missing([('o', 9, 9)], 0), "nor does it tell what comes later");
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
                [Verdict::Announced, Verdict::Told { lines: 7 }, missing([('o', 10, 10)], 0)]
            );
        }
    }
}
