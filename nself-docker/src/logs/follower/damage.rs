//! A line that the engine cannot read ends each reading that comes upon it, without a word or with a
//! complaint, or silences it for ever if it follows. A reading that begins behind that line has what lies
//! there.

use std::sync::Arc;

use nself_realtime::NanoTimestamp;

use super::Following;
use super::reading::LONGEST_TAIL;
use crate::engine::{EngineError, LogQuery};
use crate::logs::assemble::RawLine;
use crate::logs::read::{Piece, read_lines};

impl Following {
    /// Whether there is a line that is newer than the last published one.
    pub(super) async fn has_newer(&self) -> Result<bool, EngineError> {
        Ok(self.newest_of(1).await? > self.position.last())
    }

    /// Publishes what lies behind a damaged line, if there is one between the last published line and
    /// the newest, after a marker where something is missing. False, if the newest line is damaged itself:
    /// then there is nothing behind it.
    pub(super) async fn step_over_damage(&mut self) -> Result<bool, EngineError> {
        let Some(newest) = self.newest_of(1).await? else { return Ok(false) };
        if self.newest_of(LONGEST_TAIL).await? >= Some(newest) {
            self.clear = None;
            return Ok(true);
        }
        let clear = self.longest_tail_to(newest).await?;
        if self.position.last().is_some_and(|last| last >= newest) {
            self.clear = Some(clear);
            return Ok(true);
        }
        // What is published now is counted already.
        self.clear = None;
        self.position.reopen();
        let (engine, container) =
            (Arc::clone(&self.follower.engine), self.follower.container.clone());
        let (query, over) = (LogQuery::new(clear), !self.phase().running);
        let mut first = true;
        let behind = read_lines(engine.as_ref(), container.as_str(), query, over, |line| {
            if std::mem::take(&mut first) && !self.position.goes_on_with(&line) {
                self.mark_damaged();
            }
            self.publish(&line);
        });
        let behind = behind.await;
        self.clear = Some(clear);
        behind.map(|_| true)
    }

    /// How many lines a reading may reach back to come to the line of that time. One line does.
    async fn longest_tail_to(&self, newest: NanoTimestamp) -> Result<u32, EngineError> {
        let (mut enough, mut too_many) = (1, 2);
        while too_many < LONGEST_TAIL && self.newest_of(too_many).await? >= Some(newest) {
            enough = too_many;
            too_many *= 2;
        }
        while too_many - enough > 1 {
            let between = enough.midpoint(too_many);
            if self.newest_of(between).await? >= Some(newest) {
                enough = between;
            } else {
                too_many = between;
            }
        }
        Ok(enough)
    }

    /// The time of the newest line that a reading comes to which reaches back so far.
    async fn newest_of(&self, tail: u32) -> Result<Option<NanoTimestamp>, EngineError> {
        let mut newest = None;
        self.look(tail, |line| newest = newest.max(Some(line.time))).await?;
        Ok(newest)
    }

    /// When the first line was printed, of a log that a reading comes to the beginning of; of another
    /// one the beginning of all times, so that whatever is read comes later.
    pub(super) async fn beginning(&self) -> Result<Option<NanoTimestamp>, EngineError> {
        let mut first = None;
        let piece = self.look(LONGEST_TAIL, |line| first = first.or(Some(line.time))).await?;
        Ok(if piece.frames < LONGEST_TAIL { first } else { NanoTimestamp::from_unix_nanos(0) })
    }

    /// Reads the last lines without publishing them.
    async fn look(&self, tail: u32, take: impl FnMut(RawLine)) -> Result<Piece, EngineError> {
        let (engine, container) = (&self.follower.engine, self.follower.container.as_str());
        read_lines(engine.as_ref(), container, LogQuery::new(tail), false, take).await
    }
}
