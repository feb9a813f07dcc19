//! Decides when a connection writes events: a lone one at once, a stream of them in batches.
//!
//! One flush is one write. It happens when the one before has been taken by the socket, something is
//! pending, and one of these holds:
//!
//! - an immediate event is pending and the last 100 ms saw fewer than `burst` flushes;
//! - there was none in a quiet time of twice `max_wait`;
//! - the last flush is `max_wait` old, or `max_events` are pending, or the last flush ended a quiet time,
//!   and both the last flush and the oldest pending event are `min_gap` old;
//! - the last flush was cut at its size limit.
//!
//! What happens at once often comes as several events (a sample of each container, the lines of a stack
//! trace). After a quiet time the first one leaves alone and the others follow within a frame of a
//! screen. Later ones leave together, since the first waits a frame for them: a flush that took it alone
//! would leave the others to the next burst, and that one's others to the one after it, for ever.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The window in which bursts are counted.
const BURST_WINDOW: Duration = Duration::from_millis(100);

/// That many times `max_wait` without a flush are a quiet time: more than lies between the flushes of a
/// steady stream.
const QUIET: u32 = 2;

/// How events are gathered into frames, per connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacing {
    /// The longest that an event waits for others. Default 100 ms.
    pub max_wait: Duration,
    /// That many pending events are written before `max_wait` is over. Default 10.
    pub max_events: usize,
    /// The shortest time between two flushes of batched events, and what the first of several waits for
    /// the others. Default 16 ms: a frame of a screen.
    pub min_gap: Duration,
    /// How many flushes immediate events may cause in 100 ms. Default 20.
    pub burst: usize,
    /// How many bytes a flush has, or one event that is larger. Default 64 KiB.
    pub max_bytes: usize,
}

impl Default for Pacing {
    fn default() -> Self {
        Self {
            max_wait: Duration::from_millis(100),
            max_events: 10,
            min_gap: Duration::from_millis(16),
            burst: 20,
            max_bytes: 64 * 1024,
        }
    }
}

impl Pacing {
    /// Writes whatever is pending as soon as the connection has taken what was written before: for few
    /// readers that want every event the moment it comes, and at the price of more writes.
    pub fn none() -> Self {
        let (max_wait, min_gap) = (Duration::ZERO, Duration::ZERO);
        Self { max_wait, max_events: 1, min_gap, burst: 1, ..Self::default() }
    }
}

/// What waits to be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) events: usize,
    pub(crate) immediate: bool,
}

/// Whether to write now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flush {
    Now,
    /// Not before that, unless more comes.
    At(Instant),
    /// Nothing is pending.
    Idle,
}

/// Remembers when a connection wrote.
#[derive(Debug)]
pub(crate) struct Pacer {
    pacing: Pacing,
    // When the last flushes were, the newest last; never more than a burst.
    flushes: VecDeque<Instant>,
    // When the oldest pending event was seen.
    pending_since: Option<Instant>,
    cut: bool,
    // Whether the last flush came after a quiet time.
    ended_quiet: bool,
}

impl Pacer {
    pub(crate) fn new(pacing: Pacing) -> Self {
        let flushes = VecDeque::new();
        Self { pacing, flushes, pending_since: None, cut: false, ended_quiet: false }
    }

    #[must_use]
    pub(crate) fn decide(&mut self, now: Instant, pending: Pending) -> Flush {
        if pending.events == 0 {
            self.pending_since = None;
            return Flush::Idle;
        }
        let Some(last) = self.flushes.back().copied() else { return Flush::Now };
        let oldest = *self.pending_since.get_or_insert(now);
        if self.cut || now >= last + self.quiet() {
            return Flush::Now;
        }
        let Pacing { max_wait, max_events, min_gap, burst, .. } = self.pacing;
        let after =
            if pending.events >= max_events || self.ended_quiet { min_gap } else { max_wait };
        let mut at = (last + after).max(oldest + min_gap);
        if pending.immediate {
            let free = match self.flushes.front() {
                Some(first) if self.flushes.len() >= burst => *first + BURST_WINDOW,
                _ => now,
            };
            at = at.min(free);
        }
        if at <= now { Flush::Now } else { Flush::At(at) }
    }

    /// Notes a flush, and whether its size limit left something behind.
    pub(crate) fn flushed(&mut self, now: Instant, cut: bool) {
        let quiet = self.quiet();
        self.ended_quiet = self.flushes.back().is_none_or(|last| now >= *last + quiet);
        self.flushes.push_back(now);
        while self.flushes.len() > self.pacing.burst.max(1) {
            self.flushes.pop_front();
        }
        self.pending_since = None;
        self.cut = cut;
    }

    fn quiet(&self) -> Duration {
        self.pacing.max_wait * QUIET
    }

    /// How many events have to be pending for a flush before `max_wait`.
    pub(crate) fn max_events(&self) -> usize {
        self.pacing.max_events
    }

    pub(crate) fn max_bytes(&self) -> usize {
        self.pacing.max_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, SystemClock};

    const ONE: Pending = Pending { events: 1, immediate: false };
    const URGENT: Pending = Pending { events: 1, immediate: true };

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    /// How often a pacer flushes in a second in which an event comes every `every`.
    fn flushes_per_second(every: Duration, immediate: bool) -> usize {
        let start = SystemClock.now();
        let mut pacer = Pacer::new(Pacing::default());
        let (mut events, mut flushes) = (0, 0);
        let (mut now, mut next) = (start, start);
        while now < start + Duration::from_secs(1) {
            if now >= next {
                events += 1;
                next += every;
            }
            if pacer.decide(now, Pending { events, immediate }) == Flush::Now {
                (events, flushes) = (0, flushes + 1);
                pacer.flushed(now, false);
            }
            now += Duration::from_micros(100);
        }
        flushes
    }

    #[test]
    fn without_pacing_every_event_is_written_when_it_comes() {
        let (start, mut pacer) = (SystemClock.now(), Pacer::new(Pacing::none()));
        for _ in 0..1_000 {
            assert_eq!(pacer.decide(start, ONE), Flush::Now);
            pacer.flushed(start, false);
        }
        assert_eq!(pacer.flushes.len(), 1);
    }

    #[test]
    fn after_a_quiet_time_a_lone_event_leaves_at_once() {
        let now = SystemClock.now();
        let mut pacer = Pacer::new(Pacing::default());
        assert_eq!(pacer.decide(now, ONE), Flush::Now);
        pacer.flushed(now, false);
        assert_eq!(pacer.decide(now + ms(1), Pending::default()), Flush::Idle);
        assert_eq!(pacer.decide(now + ms(200), ONE), Flush::Now);
    }

    #[test]
    fn the_first_event_of_several_waits_a_frame_for_the_others() {
        let now = SystemClock.now();
        let mut pacer = Pacer::new(Pacing::default());
        pacer.flushed(now, false);
        pacer.flushed(now + ms(100), false);
        let now = now + ms(100);
        assert_eq!(pacer.decide(now + ms(99), ONE), Flush::At(now + ms(115)));
        let ten = Pending { events: 10, immediate: false };
        assert_eq!(pacer.decide(now + ms(100), ten), Flush::At(now + ms(115)));
        assert_eq!(pacer.decide(now + ms(115), ten), Flush::Now);
        pacer.flushed(now + ms(115), false);
        assert_eq!(pacer.decide(now + ms(116), ten), Flush::At(now + ms(132)));
    }

    #[test]
    fn what_left_otherwise_does_not_count_as_waiting() {
        let now = SystemClock.now();
        let mut pacer = Pacer::new(Pacing::default());
        pacer.flushed(now, false);
        pacer.flushed(now + ms(16), false);
        assert_eq!(pacer.decide(now + ms(17), ONE), Flush::At(now + ms(116)));
        assert_eq!(pacer.decide(now + ms(18), Pending::default()), Flush::Idle);
        assert_eq!(pacer.decide(now + ms(110), ONE), Flush::At(now + ms(126)));
    }

    /// How long the events of bursts wait, at most: `lines` in two milliseconds, every `every`.
    fn longest_wait_in_bursts(lines: u32, every: Duration) -> Duration {
        let start = SystemClock.now();
        let mut pacer = Pacer::new(Pacing::default());
        let mut waiting: VecDeque<Instant> = VecDeque::new();
        let mut comes: VecDeque<Instant> = (1..=50)
            .flat_map(|burst| {
                (0..lines).map(move |line| start + every * burst + ms(2) * line / lines)
            })
            .collect();
        let (mut now, mut longest) = (start, Duration::ZERO);
        while !comes.is_empty() || !waiting.is_empty() {
            while comes.front().is_some_and(|at| *at <= now) {
                waiting.extend(comes.pop_front());
            }
            let pending = Pending { events: waiting.len(), immediate: false };
            if pacer.decide(now, pending) == Flush::Now {
                pacer.flushed(now, false);
                longest = waiting.drain(..).map(|at| now - at).fold(longest, Duration::max);
            }
            now += Duration::from_micros(100);
        }
        longest
    }

    #[test]
    fn the_events_of_a_burst_wait_for_a_frame_and_not_for_the_next_burst() {
        for lines in [2, 5, 9, 10, 11, 50] {
            for every in [100, 101, 120, 150, 199, 250, 1_000] {
                let longest = longest_wait_in_bursts(lines, ms(every));
                assert!(longest <= ms(17), "{lines} lines every {every} ms: {longest:?}");
            }
        }
    }

    #[test]
    fn nothing_waits_longer_than_max_wait() {
        let now = SystemClock.now();
        let mut pacer = Pacer::new(Pacing::default());
        pacer.flushed(now, false);
        pacer.flushed(now + ms(16), false);
        assert_eq!(pacer.decide(now + ms(17), ONE), Flush::At(now + ms(116)));
    }

    #[test]
    fn after_a_quiet_time_what_comes_together_leaves_together() {
        let now = SystemClock.now();
        let mut pacer = Pacer::new(Pacing::default());
        pacer.flushed(now, false);
        let five = Pending { events: 5, immediate: false };
        assert_eq!(pacer.decide(now, five), Flush::At(now + ms(16)));
        pacer.flushed(now + ms(16), false);
        assert_eq!(pacer.decide(now + ms(17), five), Flush::At(now + ms(116)));
    }

    #[test]
    fn ten_events_wait_for_the_gap_only() {
        let now = SystemClock.now();
        let mut pacer = Pacer::new(Pacing::default());
        pacer.flushed(now, false);
        let now = now + ms(100);
        pacer.flushed(now, false);
        let ten = Pending { events: 10, immediate: false };
        assert_eq!(pacer.decide(now, ten), Flush::At(now + ms(16)));
        assert_eq!(pacer.decide(now + ms(16), ten), Flush::Now);
    }

    #[test]
    fn the_twenty_first_urgent_event_of_a_burst_waits() {
        let now = SystemClock.now();
        let mut pacer = Pacer::new(Pacing::default());
        for flush in 0..20 {
            let now = now + ms(flush);
            assert_eq!(pacer.decide(now, URGENT), Flush::Now);
            pacer.flushed(now, false);
        }
        assert_eq!(pacer.decide(now + ms(20), URGENT), Flush::At(now + ms(100)));
    }

    #[test]
    fn a_cut_flush_is_followed_at_once() {
        let now = SystemClock.now();
        let mut pacer = Pacer::new(Pacing::default());
        pacer.flushed(now, true);
        assert_eq!(pacer.decide(now, ONE), Flush::Now);
    }

    #[test]
    fn fifty_events_a_second_take_ten_frames_and_five_thousand_about_sixty() {
        // One more at the beginning, which ends a quiet time.
        assert_eq!(flushes_per_second(ms(20), false), 11);
        let busy = flushes_per_second(Duration::from_micros(200), false);
        assert!((60..=63).contains(&busy), "{busy}");
    }

    #[test]
    fn a_storm_of_urgent_events_takes_twenty_flushes_in_100_ms_and_then_batches() {
        // 200 that are allowed at once, and in between the flush of ten pending ones.
        let flushes = flushes_per_second(Duration::from_micros(200), true);
        assert!((200..=210).contains(&flushes), "{flushes}");
    }
}
