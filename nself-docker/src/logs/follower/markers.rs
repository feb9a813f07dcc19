//! What a follower says between the lines of a log: what happened to the process, what was lost, and why
//! there is nothing to read.

use std::time::Duration;

use nself_realtime::event::Marker;
use tokio::time::Instant;

use super::{Follower, Following, Run};
use crate::engine::EngineError;
use crate::logs::MarkerOf;

impl Following {
    pub(super) fn mark_stopped(&self) {
        self.mark(Marker::Stopped, "stopped");
    }

    /// Notes that another process prints from here on. A first one is no news.
    pub(super) fn mark_restarted(&mut self) {
        let phase = self.phase();
        if self.run != Run::None {
            let text = match phase.restarts.saturating_sub(self.restarts) {
                0 | 1 => "restarted".to_owned(),
                times => format!("restarted {times}× in {}", in_words(self.marked_at.elapsed())),
            };
            self.mark(Marker::Restarted, &text);
        }
        self.restarts = phase.restarts;
        self.marked_at = Instant::now();
        self.run = Run::of(phase.run);
        self.over = false;
    }

    /// Says why there is nothing to read. That the container is gone is told elsewhere.
    pub(super) fn mark_why_not(&self, error: &EngineError) {
        if !error.is_not_found() {
            self.mark_unavailable(error);
        }
    }

    pub(super) fn mark_unavailable(&self, error: &EngineError) {
        let text = match (error, &self.follower.log_driver) {
            (EngineError::Api { message, .. }, Some(driver)) if is_unreadable_driver(message) => {
                format!("logs unavailable: driver {driver}")
            }
            _ => format!("logs unavailable: {error}"),
        };
        self.mark(Marker::Unavailable, &text);
    }

    /// Notes that what follows the last published line is gone.
    pub(super) fn mark_lost(&self) {
        self.mark(
            Marker::Lost,
            &format!("{} were lost: the engine has them no more", self.lines()),
        );
    }

    /// Notes that what follows the last published line lies before or on a damaged one.
    pub(super) fn mark_damaged(&self) {
        let lines = self.lines();
        self.mark(
            Marker::Lost,
            &format!("{lines} cannot be read: the engine's log is damaged there"),
        );
    }

    fn lines(&self) -> String {
        self.position.last().map_or("lines".to_owned(), |last| format!("lines after {last}"))
    }

    fn mark(&self, marker: Marker, text: &str) {
        let Follower { service, container, emitter, clock, .. } = &self.follower;
        MarkerOf { service, container, emitter, clock: clock.as_ref() }.mark(marker, text);
    }
}

fn is_unreadable_driver(message: &str) -> bool {
    message.contains("does not support reading")
}

/// A duration as people say it: `40 s`, `3 min`, `2 h`.
fn in_words(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..60 => format!("{} s", seconds.max(1)),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_as_people_do() {
        for (seconds, words) in [(0, "1 s"), (59, "59 s"), (60, "1 min"), (7_300, "2 h")] {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }
}
