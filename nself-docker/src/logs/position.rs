//! What of one container's log has been published. It turns assembled lines into payloads, each
//! once, and says from where a later reading has to go on. It outlives its follower.

use nself_realtime::event::{Level, LogLine, Source};
use nself_realtime::{Name, NanoTimestamp};

use super::ansi::clean;
use super::assemble::RawLine;
use super::level::{is_continuation, level_of};
use super::memory::PipeMemory;

/// How far the log of one container has been published.
#[derive(Debug)]
pub(crate) struct LogPosition {
    service: Name,
    container: Name,
    stdout: Pipe,
    stderr: Pipe,
    /// The time of the line that was taken last, of either pipe. A clock may have stepped back.
    newest: Option<NanoTimestamp>,
}

#[derive(Debug, Default)]
struct Pipe {
    memory: PipeMemory,
    /// The level of the last line that was no continuation.
    level: Option<Level>,
}

impl LogPosition {
    /// Nothing of that log has been published.
    pub(crate) fn new(service: Name, container: Name) -> Self {
        let (stdout, stderr) = (Pipe::default(), Pipe::default());
        Self { service, container, stdout, stderr, newest: None }
    }

    /// The same position of a container that is another service now.
    pub(crate) fn of_service(self, service: Name) -> Self {
        Self { service, ..self }
    }

    /// Tells that a new reading begins, which repeats what is known.
    pub(crate) fn reopen(&mut self) {
        self.stdout.memory.reopen();
        self.stderr.memory.reopen();
    }

    /// Tells that the log begins there for those who read it: what is older was left out.
    pub(crate) fn begin(&mut self, time: NanoTimestamp) {
        self.stdout.memory.begin(time);
        self.stderr.memory.begin(time);
    }

    /// Whether a reading that begins with that line leaves no hole after what was published. A line of
    /// the same time that is not known is the rest of one whose beginning is missing. After nothing
    /// everything does.
    pub(crate) fn is_reached_by(&self, raw: &RawLine) -> bool {
        self.last().is_none() || self.goes_on_with(raw)
    }

    /// The same, for a reading that does not begin with the first line: after nothing it leaves a hole.
    pub(crate) fn goes_on_with(&self, raw: &RawLine) -> bool {
        let known = || self.pipe(raw.source).memory.knows(raw.time, &raw.bytes);
        self.last().is_some_and(|last| raw.time < last || known())
    }

    /// Whether that line was left out by the first reading.
    pub(crate) fn left_out(&self, raw: &RawLine) -> bool {
        self.pipe(raw.source).memory.left_out(raw.time)
    }

    /// The time of the last line that was published; of the pipe that is further.
    pub(crate) fn last(&self) -> Option<NanoTimestamp> {
        self.stdout.memory.last().max(self.stderr.memory.last())
    }

    /// The second from which a reading has to begin so that it misses nothing: one before that of the
    /// last line, because the times of the two pipes are not in one order.
    pub(crate) fn since_unix_seconds(&self) -> i64 {
        self.newest.map_or(0, |last| last.unix_seconds() - 1)
    }

    /// Takes a line; `None` if it was published before.
    pub(crate) fn accept(&mut self, raw: &RawLine) -> Option<LogLine> {
        let pipe = match raw.source {
            Source::Stdout => &mut self.stdout,
            Source::Stderr => &mut self.stderr,
        };
        let n = pipe.memory.accept(raw.time, &raw.bytes)?;
        self.newest = Some(raw.time);
        let (line, cut) = fit(clean(&raw.bytes));
        let own = level_of(&line);
        let level = if own.is_none() && is_continuation(&line) { pipe.level } else { own };
        pipe.level = level;
        let cut = raw.cut + cut;
        Some(LogLine {
            service: self.service.clone(),
            time: raw.time,
            container_id: Some(self.container.clone()),
            line,
            source: raw.source,
            n,
            level,
            truncated_bytes: (cut > 0).then_some(cut),
            history: None,
        })
    }

    fn pipe(&self, source: Source) -> &Pipe {
        match source {
            Source::Stdout => &self.stdout,
            Source::Stderr => &self.stderr,
        }
    }

    /// Forgets what no later reading can repeat.
    pub(crate) fn shrink(&mut self) {
        self.stdout.memory.shrink();
        self.stderr.memory.shrink();
    }
}

/// Cuts a text so that it fits into an event as JSON; tells how many bytes were cut.
fn fit(mut text: String) -> (String, u64) {
    // Every byte becomes six at worst; shorter texts need no counting.
    if text.len() <= MAX_ENCODED / 6 {
        return (text, 0);
    }
    let mut encoded = 0;
    let end = text.char_indices().find_map(|(at, c)| {
        encoded += match c {
            '"' | '\\' | '\t' => 2,
            c if c < ' ' => 6,
            c => c.len_utf8(),
        };
        (encoded > MAX_ENCODED).then_some(at)
    });
    let Some(end) = end else { return (text, 0) };
    let cut = text.len() - end;
    text.truncate(end);
    (text, cut as u64)
}

/// How many bytes a line may take as JSON: an event may have 256 KiB, its other fields take less
/// than 4 KiB.
const MAX_ENCODED: usize = 252 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(nanos: i128, text: &str) -> RawLine {
        RawLine {
            source: Source::Stdout,
            time: NanoTimestamp::from_unix_nanos(nanos).unwrap(),
            bytes: text.to_owned().into(),
            cut: 0,
        }
    }

    fn position() -> LogPosition {
        LogPosition::new(Name::new("web").unwrap(), Name::new("c1").unwrap())
    }

    #[test]
    fn a_stack_trace_has_the_level_of_its_line() {
        let mut position = position();
        let mut level = |nanos, text| position.accept(&raw(nanos, text)).unwrap().level;
        assert_eq!(level(1, "ERROR: boom"), Some(Level::Error));
        assert_eq!(level(2, "    at main"), Some(Level::Error));
        assert_eq!(level(3, "    at start"), Some(Level::Error));
        assert_eq!(level(4, "listening"), None);
        assert_eq!(level(5, "    indented"), None);
    }

    #[test]
    fn a_line_of_quotes_fits_into_an_event() {
        let line = position().accept(&raw(1, &"\"".repeat(128 * 1024))).unwrap();
        let encoded = serde_json::to_string(&line).unwrap().len();
        assert!(encoded <= 256 * 1024, "{encoded}");
        assert_eq!(line.truncated_bytes, Some(2 * 1024));
    }

    #[test]
    fn a_reading_goes_on_a_second_before_the_last_line() {
        let mut position = position();
        assert_eq!(position.since_unix_seconds(), 0);
        position.accept(&raw(7_900_000_000, "a")).unwrap();
        assert_eq!(position.since_unix_seconds(), 6);
    }

    #[test]
    fn a_clock_that_steps_back_between_lines_of_two_pipes_hides_none_of_them() {
        let mut position = position();
        let before = RawLine { source: Source::Stderr, ..raw(7_200_000_000_000, "a") };
        position.accept(&before).unwrap();
        position.accept(&raw(3_600_000_000_000, "b")).unwrap();
        assert_eq!(position.since_unix_seconds(), 3_599);
        position.reopen();
        assert!(position.accept(&before).is_none());
        assert_eq!(position.since_unix_seconds(), 3_599);
    }
}
