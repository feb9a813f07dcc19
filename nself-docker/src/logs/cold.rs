//! The last lines of a log that nobody has followed lately: its first paint, and the last words of a
//! process that failed. What is held at once is bounded.

use std::collections::VecDeque;

use nself_realtime::event::Source;

use super::ansi::{clean, without_colours};
use super::assemble::RawLine;
use super::read::read_lines;
use crate::engine::{Engine, EngineError, LogQuery};

/// Reads the last lines of a log, oldest first. `over` says that nobody will print to it any more.
///
/// It asks for a few lines more and drops the first ones of equal time, so that no line is the
/// second of its time without the first being known.
pub(super) async fn last_lines(
    engine: &dyn Engine,
    container: &str,
    over: bool,
) -> Result<VecDeque<RawLine>, EngineError> {
    let query = LogQuery::new(SHOWN + SPARE);
    let mut kept = Newest::default();
    let piece = read_lines(engine, container, query, over, |line| kept.push(line)).await?;
    let mut lines = kept.lines;
    if piece.frames >= query.tail {
        drop_first_of(&mut lines, Source::Stdout);
        drop_first_of(&mut lines, Source::Stderr);
    }
    while lines.len() > SHOWN as usize {
        lines.pop_front();
    }
    Ok(lines)
}

/// The last words of a process that has ended, as text without colours.
pub(crate) async fn last_words(
    engine: &dyn Engine,
    container: &str,
) -> Result<Vec<String>, EngineError> {
    let lines = last_lines(engine, container, true).await?;
    let skipped = lines.len().saturating_sub(LAST_WORDS);
    Ok(lines.iter().skip(skipped).map(|line| without_colours(&clean(&line.bytes))).collect())
}

/// The newest lines, as many bytes of them as may be held.
#[derive(Default)]
struct Newest {
    lines: VecDeque<RawLine>,
    bytes: usize,
}

impl Newest {
    fn push(&mut self, line: RawLine) {
        self.bytes += line.bytes.len();
        self.lines.push_back(line);
        while self.bytes > MAX_BYTES {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.bytes.len();
        }
    }
}

/// Drops the lines of one pipe that have the time of its first: there may have been more. Not if all
/// have it, as those of one second have for an engine that knows no fractions: nothing would be left.
fn drop_first_of(lines: &mut VecDeque<RawLine>, source: Source) {
    let mut times = lines.iter().filter(|line| line.source == source).map(|line| line.time);
    let Some(first) = times.next() else { return };
    if times.any(|time| time != first) {
        lines.retain(|line| line.source != source || line.time != first);
    }
}

/// How many lines a reader gets to see at first.
const SHOWN: u32 = 100;

/// How many lines are last words.
const LAST_WORDS: usize = 20;

/// How many more are asked for.
const SPARE: u32 = 16;

/// How many bytes of them are held at once.
const MAX_BYTES: usize = 4 * 1024 * 1024;
