//! Older lines, straight from the engine: the newest that match, over all containers of a service and
//! both pipes, each with the identity that it has, or had, as an event. An engine reads a log from its
//! end, so a question about long ago costs as much as everything since: it is bounded by lines.

use std::collections::VecDeque;

use nself_realtime::event::{Level, LogLine, Source};
use nself_realtime::{Name, NanoTimestamp};

use super::LogPosition;
use super::assemble::RawLine;
use super::read::read_lines;
use crate::engine::{Engine, EngineError, LogQuery};

/// Which lines of a service's log to read. The default is the newest 1,000.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryQuery {
    tail: usize,
    since: Option<NanoTimestamp>,
    until: Option<NanoTimestamp>,
    levels: Vec<Level>,
    text: Option<String>,
    source: Option<Source>,
}

impl HistoryQuery {
    /// The most lines that one question gives.
    pub const MAX_TAIL: usize = 10_000;

    /// At most that many of the newest lines that match. Default 1,000, at most
    /// [`HistoryQuery::MAX_TAIL`].
    pub fn tail(self, lines: usize) -> Self {
        Self { tail: lines.min(Self::MAX_TAIL), ..self }
    }

    /// No line from before that time. Default no bound.
    pub fn since(self, time: NanoTimestamp) -> Self {
        Self { since: Some(time), ..self }
    }

    /// No line from after that time. Default no bound.
    pub fn until(self, time: NanoTimestamp) -> Self {
        Self { until: Some(time), ..self }
    }

    /// Only lines of these levels; those that say none are left out then. Default all.
    pub fn levels(self, levels: impl IntoIterator<Item = Level>) -> Self {
        Self { levels: levels.into_iter().collect(), ..self }
    }

    /// Only lines that contain that text, in upper or lower case. Default all.
    pub fn text(self, text: &str) -> Self {
        Self { text: Some(text.to_lowercase()).filter(|text| !text.is_empty()), ..self }
    }

    /// Only lines of that pipe. Default both.
    pub fn source(self, source: Source) -> Self {
        Self { source: Some(source), ..self }
    }

    fn matches(&self, line: &LogLine) -> bool {
        self.since.is_none_or(|since| line.time >= since)
            && self.until.is_none_or(|until| line.time <= until)
            && self.source.is_none_or(|source| line.source == source)
            && (self.levels.is_empty()
                || line.level.is_some_and(|level| self.levels.contains(&level)))
            && self.text.as_ref().is_none_or(|text| line.line.to_lowercase().contains(text))
    }
}

impl Default for HistoryQuery {
    fn default() -> Self {
        Self { tail: 1_000, since: None, until: None, levels: Vec::new(), text: None, source: None }
    }
}

/// Lines of a service's log.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct History {
    /// Oldest first, by the engine's time; lines of one time by container and pipe.
    pub lines: Vec<LogLine>,
    /// Whether these are all that the engine has and that match. If not, older ones were left out:
    /// because of `tail`, or because they are further back than one question reaches (128,000 lines of
    /// each container, 8 MiB in all).
    pub complete: bool,
    /// The containers whose logs could not be read, or not to their end, and why.
    pub unavailable: Vec<(Name, EngineError)>,
}

/// A container whose log is read.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) service: Name,
    pub(crate) container: Name,
    /// Whether nobody prints to it any more.
    pub(crate) over: bool,
}

/// Reads the logs of the containers of a service, one after the other.
pub(crate) async fn read_history(
    engine: &dyn Engine,
    origins: &[Origin],
    query: &HistoryQuery,
) -> History {
    let mut all = Kept::new(query.tail);
    let mut unavailable = Vec::new();
    for origin in origins {
        match read_one(engine, origin, query).await {
            Ok((one, failed)) => {
                all.merge(one);
                unavailable.extend(failed.map(|error| (origin.container.clone(), error)));
            }
            Err(error) if error.is_not_found() => {}
            Err(error) => unavailable.push((origin.container.clone(), error)),
        }
    }
    History { lines: all.lines.into(), complete: all.complete, unavailable }
}

async fn read_one(
    engine: &dyn Engine,
    origin: &Origin,
    query: &HistoryQuery,
) -> Result<(Kept, Option<EngineError>), EngineError> {
    let mut shorter = None;
    for tail in TAILS {
        let (kept, failed) = read_tail(engine, origin, query, tail).await?;
        if failed.is_some() {
            // What a shorter reading has lies behind the damage, and a longer one comes upon it, too.
            let mut kept = shorter.unwrap_or(kept);
            kept.complete = false;
            return Ok((kept, failed));
        }
        let is_enough = kept.complete || kept.lines.len() >= query.tail;
        shorter = Some(kept);
        if is_enough {
            break;
        }
    }
    Ok((shorter.unwrap_or_else(|| Kept::new(query.tail)), None))
}

async fn read_tail(
    engine: &dyn Engine,
    origin: &Origin,
    query: &HistoryQuery,
    tail: u32,
) -> Result<(Kept, Option<EngineError>), EngineError> {
    let since = query.since.map_or(0, NanoTimestamp::unix_seconds);
    let mut position = LogPosition::new(origin.service.clone(), origin.container.clone());
    let mut kept = Kept::new(query.tail);
    // There may have been more lines of these times, and then nobody knows which number they have.
    let (mut first_out, mut first_err) = (None, None);
    let take = |raw: RawLine| {
        let first = match raw.source {
            Source::Stdout => &mut first_out,
            Source::Stderr => &mut first_err,
        };
        first.get_or_insert(raw.time);
        if let Some(line) = position.accept(&raw)
            && query.matches(&line)
        {
            kept.push(line);
        }
    };
    let asked = LogQuery::new(tail).since(since);
    let piece = read_lines(engine, origin.container.as_str(), asked, origin.over, take).await?;
    if piece.frames >= tail {
        kept.complete = false;
        kept.lines.retain(|line| {
            let first = if line.source == Source::Stdout { first_out } else { first_err };
            Some(line.time) != first
        });
    }
    Ok((kept, piece.failed))
}

/// The newest lines that may be kept.
struct Kept {
    lines: VecDeque<LogLine>,
    most: usize,
    bytes: usize,
    complete: bool,
}

impl Kept {
    fn new(most: usize) -> Self {
        Self { lines: VecDeque::new(), most, bytes: 0, complete: true }
    }

    fn push(&mut self, line: LogLine) {
        self.bytes += line.line.len();
        self.lines.push_back(line);
        self.trim();
    }

    fn merge(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.complete &= other.complete;
        self.lines.extend(other.lines);
        let order = |line: &LogLine| {
            (line.time, line.container_id.clone(), line.source == Source::Stderr, line.n)
        };
        self.lines.make_contiguous().sort_by_cached_key(order);
        self.trim();
    }

    fn trim(&mut self) {
        while self.lines.len() > self.most || self.bytes > MAX_BYTES {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.line.len();
            self.complete = false;
        }
    }
}

/// How many lines are read back, and how many more if these do not hold enough that match.
const TAILS: [u32; 3] = [2_000, 16_000, 128_000];

/// How many bytes of lines are kept.
const MAX_BYTES: usize = 8 * 1024 * 1024;
