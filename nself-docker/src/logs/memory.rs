//! What of one pipe was published last, so that a reading that begins again repeats nothing. An
//! engine resumes by whole seconds and repeats lines when it rotates a file: doubles are ours to drop.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use nself_realtime::NanoTimestamp;

/// The newest lines of one pipe, by time and hash.
#[derive(Debug, Default)]
pub(crate) struct PipeMemory {
    published: VecDeque<(NanoTimestamp, u64)>,
    newest: Option<NanoTimestamp>,
    last: Option<NanoTimestamp>,
    /// Where the first reading began, for a pipe of which it had nothing.
    begun: Option<NanoTimestamp>,
    /// Whether this reading has brought nothing new yet, and whether it has come to what is known.
    reopened: bool,
    met: bool,
    /// The lines of the second that is being read, of an engine that knows no fractions.
    second: Second,
}

/// How often each line of one second came in this reading. Where times are whole seconds (Podman's),
/// equal lines are different ones, and only their number tells what was published.
#[derive(Debug, Default)]
struct Second {
    time: Option<NanoTimestamp>,
    came: HashMap<u64, usize>,
}

impl Second {
    /// Counts a line; gives back how many equal ones have come, with itself.
    fn count(&mut self, time: NanoTimestamp, hash: u64) -> usize {
        if self.time != Some(time) {
            self.time = Some(time);
            self.came.clear();
        }
        let came = self.came.entry(hash).or_default();
        *came += 1;
        *came
    }
}

impl PipeMemory {
    /// Tells that a new reading begins, which repeats what is known.
    pub(crate) fn reopen(&mut self) {
        self.reopened = self.last.or(self.begun).is_some();
        self.met = false;
        self.second = Second::default();
    }

    /// Tells that the log begins there for those who read it: what is older was left out.
    pub(crate) fn begin(&mut self, time: NanoTimestamp) {
        self.begun.get_or_insert(time);
    }

    /// Whether a line of that time was left out by the first reading: it may begin in the midst of a
    /// second, of an engine that knows no fractions, and then the lines before it have the same time.
    pub(crate) fn left_out(&self, time: NanoTimestamp) -> bool {
        self.last.is_some() && self.begun == Some(time) && !self.met
    }

    /// Whether that line was published.
    pub(crate) fn knows(&self, time: NanoTimestamp, bytes: &[u8]) -> bool {
        self.published.contains(&(time, hash(bytes)))
    }

    /// The time of the line that was published last.
    pub(crate) fn last(&self) -> Option<NanoTimestamp> {
        self.last
    }

    /// Takes a line. `None` if it was published before; else how many other lines of the same time
    /// were.
    ///
    /// A line with an older time that is not known is news, since clocks step back; but not while a
    /// reading that began again has brought nothing new: then it is from before what is remembered.
    pub(crate) fn accept(&mut self, time: NanoTimestamp, bytes: &[u8]) -> Option<u32> {
        let hash = hash(bytes);
        // Of an exact time equal bytes are the same line; within a whole second they are counted.
        let came = if is_whole(time) { self.second.count(time, hash) } else { 1 };
        let (mut same_time, mut equal) = (0, 0);
        // Newer than everything: nothing to look up. The usual case.
        if self.newest.is_some_and(|newest| time <= newest) {
            for (known, known_hash) in &self.published {
                if *known == time {
                    equal += usize::from(*known_hash == hash);
                    same_time += 1;
                }
            }
            if equal >= came {
                self.met = true;
                return None;
            }
        }
        let is_old = || self.last.or(self.begun).is_some_and(|bound| time < bound);
        if self.reopened && (is_old() || self.left_out(time)) {
            return None;
        }
        self.reopened = false;
        self.last = Some(time);
        self.newest = self.newest.max(Some(time));
        if self.published.len() == REMEMBERED {
            self.published.pop_front();
        }
        self.published.push_back((time, hash));
        Some(same_time)
    }

    /// Forgets what a later reading does not repeat: it begins a second before the last line.
    pub(crate) fn shrink(&mut self) {
        if let Some(last) = self.last {
            self.published.retain(|(time, _)| time.unix_seconds() >= last.unix_seconds() - 1);
            self.published.shrink_to_fit();
        }
    }
}

fn is_whole(time: NanoTimestamp) -> bool {
    time.unix_nanos() % 1_000_000_000 == 0
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// How many lines are remembered.
const REMEMBERED: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: i128) -> NanoTimestamp {
        NanoTimestamp::from_unix_nanos(1_000_000_000_000 + nanos).unwrap()
    }

    fn filled(lines: &[(i128, &str)]) -> PipeMemory {
        let mut memory = PipeMemory::default();
        for (time, text) in lines {
            assert!(memory.accept(at(*time), text.as_bytes()).is_some());
        }
        memory
    }

    #[test]
    fn a_reading_that_begins_again_repeats_nothing() {
        let mut memory = filled(&[(1, "a"), (2, "b"), (3, "c")]);
        memory.reopen();
        for (time, text) in [(1, "a"), (2, "b"), (3, "c")] {
            assert_eq!(memory.accept(at(time), text.as_bytes()), None);
        }
        assert_eq!(memory.accept(at(4), b"d"), Some(0));
    }

    #[test]
    fn different_lines_of_one_time_are_counted() {
        let mut memory = filled(&[(1, "a"), (1, "b")]);
        assert_eq!(memory.accept(at(1), b"c"), Some(2));
        assert_eq!(memory.accept(at(1), b"b"), None);
    }

    #[test]
    fn the_rest_of_a_time_that_was_cut_comes_after_reopening() {
        let mut memory = filled(&[(1, "a")]);
        memory.reopen();
        assert_eq!(memory.accept(at(1), b"a"), None);
        assert_eq!(memory.accept(at(1), b"b"), Some(1));
    }

    #[test]
    fn a_clock_that_steps_back_loses_nothing() {
        let mut memory = filled(&[(500, "a")]);
        assert_eq!(memory.accept(at(100), b"b"), Some(0));
        assert_eq!(memory.accept(at(101), b"c"), Some(0));
    }

    #[test]
    fn what_is_older_than_the_memory_is_not_news_after_reopening() {
        let mut memory = filled(&[(500, "a")]);
        memory.reopen();
        assert_eq!(memory.accept(at(100), b"long ago"), None);
        assert_eq!(memory.accept(at(501), b"new"), Some(0));
        assert_eq!(memory.accept(at(300), b"the clock stepped"), Some(0));
    }

    #[test]
    fn what_the_first_reading_left_out_is_not_news_for_a_pipe_that_it_had_nothing_of() {
        let mut memory = PipeMemory::default();
        memory.begin(at(100));
        memory.reopen();
        assert_eq!(memory.accept(at(99), b"left out"), None);
        assert_eq!(memory.accept(at(101), b"new"), Some(0));
        assert_eq!(memory.accept(at(50), b"the clock stepped"), Some(0));
    }

    #[test]
    fn what_the_first_reading_left_out_of_its_first_second_is_not_news() {
        let mut memory = PipeMemory::default();
        memory.begin(at(0));
        assert_eq!(memory.accept(at(0), b"shown"), Some(0));
        memory.reopen();
        assert_eq!(memory.accept(at(0), b"left out"), None);
        assert_eq!(memory.accept(at(0), b"shown"), None);
        assert_eq!(memory.accept(at(0), b"new"), Some(1));
    }

    #[test]
    fn what_is_forgotten_is_repeated_and_what_is_remembered_is_not() {
        let mut memory = PipeMemory::default();
        let all = i128::try_from(REMEMBERED).unwrap() + 1;
        for time in 0..all {
            assert!(memory.accept(at(time), b"x").is_some());
        }
        // Without reopening: a clock that steps back, or a rotation that repeats.
        assert_eq!(memory.accept(at(1), b"x"), None);
        assert_eq!(memory.accept(at(0), b"x"), Some(0));
    }

    #[test]
    fn equal_lines_of_a_whole_second_are_counted() {
        let mut memory = PipeMemory::default();
        let ticks = |memory: &mut PipeMemory, count: usize| {
            let taken = (0..count).map(|_| memory.accept(at(0), b"tick"));
            taken.collect::<Vec<_>>()
        };
        assert_eq!(ticks(&mut memory, 2), [Some(0), Some(1)]);
        assert_eq!(memory.accept(at(0), b"tock"), Some(2));
        memory.reopen();
        assert_eq!(ticks(&mut memory, 4), [None, None, Some(3), Some(4)]);
        assert_eq!(memory.accept(at(0), b"tock"), None);
        assert_eq!(memory.accept(at(1), b"exact"), Some(0));
        assert_eq!(memory.accept(at(1), b"exact"), None, "the same line, doubled by a rotation");
    }

    #[test]
    fn a_shrunk_memory_still_knows_the_last_second() {
        let mut memory = filled(&[(0, "old"), (2_000_000_000, "new")]);
        memory.shrink();
        memory.reopen();
        assert_eq!(memory.accept(at(2_000_000_000), b"new"), None);
        assert_eq!(memory.published.len(), 1);
    }
}
