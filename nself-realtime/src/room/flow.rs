//! A room whose producer waits for its one reader, as plain data: how far it may be ahead, and since
//! when it waits.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How many events the producer may be ahead of the last acknowledgement.
const AHEAD_EVENTS: usize = 64;
/// How many bytes of them.
const AHEAD_BYTES: usize = 256 * 1024;
/// A reader that acknowledges nothing for that long is gone.
const PATIENCE: Duration = Duration::from_mins(1);

/// What was published and not acknowledged.
#[derive(Debug)]
pub(crate) struct Flow {
    ahead: VecDeque<(u64, usize)>,
    bytes: usize,
    // Since when the reader owes an acknowledgement.
    waiting: Option<Instant>,
    /// Whether the reader said that it wants no more.
    left: bool,
    /// Which subscription is the reader, counted from 1.
    turn: u64,
}

/// Whether more may be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Headway {
    Yes,
    /// Not before an acknowledgement; one is waited for until then.
    Until(Instant),
    /// The reader left.
    Left,
    /// The reader acknowledged nothing in time.
    Timeout,
}

impl Flow {
    pub(crate) fn new() -> Self {
        Self { ahead: VecDeque::new(), bytes: 0, waiting: None, left: false, turn: 0 }
    }

    pub(crate) fn published(&mut self, now: Instant, seq: u64, bytes: usize) {
        self.ahead.push_back((seq, bytes));
        self.bytes += bytes;
        self.waiting.get_or_insert(now);
    }

    pub(crate) fn acknowledged(&mut self, now: Instant, seq: u64) {
        let before = self.ahead.len();
        while let Some((first, bytes)) = self.ahead.front().copied()
            && first <= seq
        {
            self.ahead.pop_front();
            self.bytes -= bytes;
        }
        if self.ahead.is_empty() {
            self.waiting = None;
        } else if self.ahead.len() < before {
            self.waiting = Some(now);
        }
    }

    /// Whether another event may be published, or, with `all`, whether nothing is waited for any more.
    #[must_use]
    pub(crate) fn check(&self, now: Instant, all: bool) -> Headway {
        if self.left {
            return Headway::Left;
        }
        let (events, bytes) = if all { (1, 1) } else { (AHEAD_EVENTS, AHEAD_BYTES) };
        if self.ahead.len() < events && self.bytes < bytes {
            return Headway::Yes;
        }
        match self.waiting.map(|since| since + PATIENCE) {
            Some(end) if now < end => Headway::Until(end),
            _ => Headway::Timeout,
        }
    }

    /// A newcomer becomes the reader.
    pub(crate) fn take_over(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    /// Whether that subscription is still the reader.
    pub(crate) fn is_turn_of(&self, turn: u64) -> bool {
        self.turn == turn
    }

    /// The reader wants no more.
    pub(crate) fn leave(&mut self) {
        self.left = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, SystemClock};

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn the_producer_may_be_64_events_or_256_kib_ahead() {
        let (now, mut flow) = (SystemClock.now(), Flow::new());
        for seq in 1..=64 {
            assert_eq!(flow.check(now, false), Headway::Yes);
            flow.published(now, seq, 10);
        }
        assert_eq!(flow.check(now, false), Headway::Until(now + 60 * S));
        flow.acknowledged(now, 1);
        assert_eq!(flow.check(now, false), Headway::Yes);
        flow.published(now, 65, 256 * 1024);
        flow.acknowledged(now, 64);
        assert_ne!(flow.check(now, false), Headway::Yes);
        flow.acknowledged(now, 65);
        assert_eq!(flow.check(now, true), Headway::Yes);
    }

    #[test]
    fn only_an_acknowledgement_of_something_new_is_a_sign_of_life() {
        let (now, mut flow) = (SystemClock.now(), Flow::new());
        for seq in 1..=64 {
            flow.published(now, seq, 1);
        }
        flow.acknowledged(now + 30 * S, 0);
        assert_eq!(flow.check(now + 60 * S, false), Headway::Timeout);
        flow.acknowledged(now + 59 * S, 1);
        flow.published(now + 59 * S, 65, 1);
        assert_eq!(flow.check(now + 60 * S, false), Headway::Until(now + 119 * S));
    }
}
