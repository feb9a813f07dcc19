//! What a log's reader was told, stream by stream, and how the log that a server began anew joins it. A
//! stream is one container's standard output or error: in it no line's place is before the last one's.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::LogEntry;
use crate::event::{LogLine, LogsStream, Source};
use crate::{Name, NanoTimestamp};

/// A container, and what it printed to; markers are a stream of their own.
type Stream = (Option<Name>, Option<Source>);

/// Where an event stands in its stream.
type Place = (NanoTimestamp, u32);

/// What is known of a stream.
#[derive(Debug)]
struct Told {
    /// The last that was told.
    last: Place,
    standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// What comes is new.
    Following,
    /// What comes may be known, but nothing is missing before it.
    Joined,
    /// The log began anew: what comes may be known, or something may be missing before it.
    Torn,
}

/// What may be missing: of each stream, what was printed after its end and by `until`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tear {
    pub(super) since: NanoTimestamp,
    pub(super) until: NanoTimestamp,
    ends: Vec<(Stream, Place)>,
    streams: Vec<Stream>,
}

/// The last of each stream that was told.
#[derive(Debug, Default)]
pub(super) struct LogMemory {
    streams: BTreeMap<Stream, Told>,
}

impl LogMemory {
    /// The log is another one now.
    pub(super) fn handle_reset(&mut self) {
        let newest = self.newest().map(|(_, place)| place.0);
        for ((_, source), told) in &mut self.streams {
            let recent = newest.is_some_and(|time| time.saturating_since(told.last.0) <= RECENT);
            told.standing = match source {
                Some(_) if recent => Standing::Torn,
                _ => Standing::Joined,
            };
        }
    }

    /// Takes in what came, and tells what may be missing before it.
    pub(super) fn find_tear(&mut self, events: &[LogsStream]) -> Option<Tear> {
        for event in events {
            let (stream, place) = locate(event);
            if let Some(told) = self.streams.get_mut(&stream)
                && place <= told.last
                && told.standing == Standing::Torn
            {
                told.standing = Standing::Joined;
            }
        }
        // A container that nobody has heard of may be in the place of the one that was heard last.
        let newest = self.newest().filter(|(stream, _)| self.is_torn(stream));
        let mut firsts = BTreeMap::new();
        for event in events {
            let (stream, place) = locate(event);
            let is_new = !self.streams.contains_key(&stream) && stream.1.is_some();
            if self.is_torn(&stream) && !self.has(event) || is_new && newest.is_some() {
                firsts.entry(stream).or_insert(place.0);
            }
        }
        let until = firsts.values().max().copied()?;
        let streams: Vec<_> = firsts.into_keys().collect();
        let known = streams
            .iter()
            .filter_map(|stream| self.streams.get(stream).map(|told| (stream.clone(), told.last)));
        let mut ends: Vec<_> = known.collect();
        if ends.len() < streams.len() {
            ends.extend(newest);
        }
        let since = ends.iter().map(|(_, place)| place.0).min()?;
        Some(Tear { since, until: until.max(since), ends, streams })
    }

    /// What came is told without what lies before it, if that is not known to be nothing.
    pub(super) fn break_off(&mut self, events: Vec<LogsStream>) -> Vec<LogEntry> {
        for told in self.streams.values_mut().filter(|told| told.standing == Standing::Torn) {
            told.standing = Standing::Joined;
        }
        let mut entries = vec![LogEntry::Break];
        entries.extend(self.take(events));
        entries
    }

    /// What came is told with what lay before it; after a break, if that does not reach back to the tear.
    pub(super) fn mend(
        &mut self,
        tear: &Tear,
        mut lines: Vec<LogLine>,
        events: Vec<LogsStream>,
    ) -> Vec<LogEntry> {
        let reaches = tear.ends.iter().all(|(stream, place)| {
            lines.iter().any(|line| (stream_of(line), place_of(line)) == (stream.clone(), *place))
        });
        lines.sort_by_key(place_of);
        let mut lines = VecDeque::from(lines);
        let mut entries = Vec::new();
        if !reaches {
            entries.extend(self.break_off(Vec::new()));
        }
        for event in events {
            let time = locate(&event).1.0;
            while let Some(line) = lines.pop_front_if(|line| line.time <= time) {
                entries.extend(self.take_older(tear, line));
            }
            entries.extend(self.take_one(event));
        }
        for line in lines {
            entries.extend(self.take_older(tear, line));
        }
        entries
    }

    /// What of this was not told yet.
    pub(super) fn take(&mut self, events: Vec<LogsStream>) -> Vec<LogEntry> {
        events.into_iter().filter_map(|event| self.take_one(event)).collect()
    }

    fn take_one(&mut self, event: LogsStream) -> Option<LogEntry> {
        if self.may_be_known(&event) && self.has(&event) {
            return None;
        }
        let (stream, last) = locate(&event);
        self.note(stream, last, Standing::Following);
        Some(match event {
            LogsStream::Line(line) => LogEntry::Line(line),
            LogsStream::Marker(marker) => LogEntry::Marker(marker),
        })
    }

    /// A line from the history: its stream may come up to it once more.
    fn take_older(&mut self, tear: &Tear, line: LogLine) -> Option<LogEntry> {
        let (stream, place) = (stream_of(&line), place_of(&line));
        let told = self.streams.get(&stream);
        if told.is_some_and(|told| place <= told.last) {
            return None;
        }
        let standing = match told {
            _ if tear.streams.contains(&stream) => Standing::Joined,
            Some(told) if told.standing != Standing::Torn => Standing::Joined,
            // Where the server's own log of it begins is not known yet.
            _ => Standing::Torn,
        };
        self.note(stream, place, standing);
        Some(LogEntry::Line(line))
    }

    /// In a log that is followed on, an engine whose clock was set back repeats no line.
    fn may_be_known(&self, event: &LogsStream) -> bool {
        let again = matches!(event, LogsStream::Line(line) if line.history.is_some());
        let told = self.streams.get(&locate(event).0);
        again || told.is_some_and(|told| told.standing != Standing::Following)
    }

    fn has(&self, event: &LogsStream) -> bool {
        let (stream, place) = locate(event);
        self.streams.get(&stream).is_some_and(|told| place <= told.last)
    }

    fn is_torn(&self, stream: &Stream) -> bool {
        self.streams.get(stream).is_some_and(|told| told.standing == Standing::Torn)
    }

    /// The last line of all.
    fn newest(&self) -> Option<(Stream, Place)> {
        let lines = self.streams.iter().filter(|((_, source), _)| source.is_some());
        let newest = lines.max_by_key(|(_, told)| told.last)?;
        Some((newest.0.clone(), newest.1.last))
    }

    fn note(&mut self, stream: Stream, last: Place, standing: Standing) {
        self.streams.insert(stream, Told { last, standing });
        if self.streams.len() > MOST_STREAMS {
            let oldest = self.streams.iter().min_by_key(|(_, told)| told.last);
            if let Some(oldest) = oldest.map(|(stream, _)| stream.clone()) {
                self.streams.remove(&oldest);
            }
        }
    }
}

fn locate(event: &LogsStream) -> (Stream, Place) {
    match event {
        LogsStream::Line(line) => (stream_of(line), place_of(line)),
        LogsStream::Marker(marker) => ((None, None), (marker.time, 0)),
    }
}

fn stream_of(line: &LogLine) -> Stream {
    (line.container_id.clone(), Some(line.source))
}

fn place_of(line: &LogLine) -> Place {
    (line.time, line.n)
}

/// How long before the last line of all a stream may have ended that something of it is looked for: what
/// was silent for longer is told again by its server, and looking further back would read a whole log.
const RECENT: Duration = Duration::from_mins(1);

/// A service that is started again and again has a container each time.
const MOST_STREAMS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::LogMarker;

    fn line(container: &str, source: Source, time: i128) -> LogLine {
        LogLine {
            service: Name::new("web").unwrap(),
            time: NanoTimestamp::from_unix_nanos(time).unwrap(),
            container_id: Some(Name::new(container).unwrap()),
            line: format!("{container} {time}"),
            source,
            n: 0,
            level: None,
            truncated_bytes: None,
            history: None,
        }
    }

    fn out(container: &str, time: i128) -> LogsStream {
        LogsStream::Line(line(container, Source::Stdout, time))
    }

    fn err(container: &str, time: i128) -> LogsStream {
        LogsStream::Line(line(container, Source::Stderr, time))
    }

    fn told(entries: &[LogEntry]) -> Vec<String> {
        let words = entries.iter().map(|entry| match entry {
            LogEntry::Line(line) => line.line.clone(),
            LogEntry::Marker(LogMarker { text, .. }) => text.clone(),
            other => format!("{other:?}"),
        });
        words.collect()
    }

    fn memory_of(events: Vec<LogsStream>) -> LogMemory {
        let mut memory = LogMemory::default();
        memory.take(events);
        memory.handle_reset();
        memory
    }

    #[test]
    fn a_log_that_reaches_back_is_asked_for_nothing_and_told_on() {
        let mut memory = memory_of(vec![out("a", 1), out("a", 2)]);
        let events = vec![out("a", 2), out("a", 3)];
        assert_eq!(memory.find_tear(&events), None);
        assert_eq!(told(&memory.take(events)), ["a 3"]);
    }

    #[test]
    fn a_hole_in_one_stream_is_found_beside_another_that_overlaps() {
        let mut memory = memory_of(vec![out("a", 1), err("a", 2), out("a", 4)]);
        let events = vec![out("a", 4), out("a", 5), err("a", 7)];
        let tear = memory.find_tear(&events).unwrap();
        let nanos = |time: NanoTimestamp| time.unix_nanos();
        assert_eq!((nanos(tear.since), nanos(tear.until)), (2, 7));
        let of = |source, times: [i128; 3]| times.map(|time| line("a", source, time));
        let mut lines = of(Source::Stderr, [2, 6, 7]).to_vec();
        lines.extend(of(Source::Stdout, [4, 5, 6]));
        let entries = memory.mend(&tear, lines, events);
        assert_eq!(told(&entries), ["a 5", "a 6", "a 6", "a 7"]);
        // The other stream comes up to what the history had of it.
        assert_eq!(told(&memory.take(vec![out("a", 6), out("a", 8)])), ["a 8"]);
    }

    #[test]
    fn a_new_container_in_the_place_of_one_that_is_gone_is_told_after_a_break() {
        let mut memory = memory_of(vec![out("a", 1)]);
        let events = vec![out("b", 5)];
        let tear = memory.find_tear(&events).unwrap();
        let lines = vec![line("b", Source::Stdout, 4), line("b", Source::Stdout, 5)];
        assert_eq!(told(&memory.mend(&tear, lines, events)), ["Break", "b 4", "b 5"]);
    }

    #[test]
    fn an_engine_whose_clock_was_set_back_loses_no_line_of_a_log_that_is_followed() {
        let mut memory = LogMemory::default();
        assert_eq!(told(&memory.take(vec![out("a", 9), out("a", 3)])), ["a 9", "a 3"]);
    }

    #[test]
    fn containers_without_end_are_not_remembered_without_end() {
        let mut memory = LogMemory::default();
        for number in 0..1_000 {
            memory.take(vec![out(&format!("c{number}"), number)]);
        }
        assert_eq!(memory.streams.len(), MOST_STREAMS);
    }
}
