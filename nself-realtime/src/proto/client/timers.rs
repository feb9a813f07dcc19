//! All deadlines of a client's session in one small table: each name has one deadline at most.

use std::time::Instant;

/// What a deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// An attempt has had no `welcome`.
    Connect,
    /// The next attempt.
    Retry,
    /// The connection has been away for long.
    Away,
    /// Nothing was heard.
    Silence,
    /// The connection has held.
    Healthy,
    /// A ping was not answered.
    Probe,
    /// Requests that were sent too soon are sent again.
    Delayed,
    /// The next poll.
    Poll,
    /// A poll was not answered.
    PollAnswer,
}

/// The deadlines that are set.
#[derive(Debug, Default)]
pub(super) struct Timers(Vec<(Timer, Instant)>);

impl Timers {
    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        self.clear(&[timer]);
        self.0.push((timer, at));
    }

    pub(super) fn clear(&mut self, timers: &[Timer]) {
        self.0.retain(|(timer, _)| !timers.contains(timer));
    }

    pub(super) fn clear_all(&mut self) {
        self.0.clear();
    }

    pub(super) fn at(&self, timer: Timer) -> Option<Instant> {
        self.0.iter().find(|(own, _)| *own == timer).map(|(_, at)| *at)
    }

    /// When something is due next.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().map(|(_, at)| *at).min()
    }

    /// Takes the timer that was due first, if one is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<Timer> {
        let due = self.0.iter().enumerate().filter(|(_, (_, at))| *at <= now);
        let (index, _) = due.min_by_key(|(_, (_, at))| *at)?;
        Some(self.0.remove(index).0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::{Clock, SystemClock};

    #[test]
    fn what_is_due_first_is_taken_first_and_once() {
        let start = SystemClock.now();
        let second = Duration::from_secs(1);
        let mut timers = Timers::default();
        timers.set(Timer::Retry, start + 2 * second);
        timers.set(Timer::Away, start + second);
        timers.set(Timer::Poll, start + 9 * second);
        timers.set(Timer::Poll, start + 3 * second);
        assert_eq!(timers.next(), Some(start + second));
        assert_eq!(timers.take(start), None);
        let late = start + 2 * second;
        let taken = std::iter::from_fn(|| timers.take(late)).collect::<Vec<_>>();
        assert_eq!(taken, [Timer::Away, Timer::Retry]);
        assert_eq!(timers.next(), Some(start + 3 * second));
    }
}
