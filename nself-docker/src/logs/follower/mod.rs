//! Follows the log of one container for as long as somebody looks, through restarts of the container
//! and of the engine: no line is lost, none comes twice, and what the source itself lost is marked.

mod damage;
mod markers;
mod reading;

use std::sync::Arc;
use std::time::Duration;

use nself_realtime::clock::Clock;
use nself_realtime::{Emitter, Name, NanoTimestamp};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::LogPosition;
use crate::backoff::Backoff;
use crate::engine::{Engine, EngineError};

/// What a follower has to know about its container and its engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Phase {
    /// Whether the container never had a process.
    pub(crate) created: bool,
    /// Whether it has one.
    pub(crate) running: bool,
    /// Whether it is dead and the engine is about to start it again.
    pub(crate) restarting: bool,
    /// When its process started, or the last one did.
    pub(crate) run: Option<NanoTimestamp>,
    /// How often the engine started it again by itself.
    pub(crate) restarts: u64,
    /// Which connection to the engine this is.
    pub(crate) connection: u64,
}

/// From where a follower begins.
#[derive(Debug)]
pub(crate) enum Begin {
    /// With the last lines, marked as history.
    Cold,
    /// With the first line: the container was made while its service was watched.
    Fresh,
    /// After the last line that was published.
    Again(Box<LogPosition>),
}

/// Follows one container's log.
pub(crate) struct Follower {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) emitter: Emitter,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) service: Name,
    pub(crate) container: Name,
    pub(crate) log_driver: Option<String>,
    pub(crate) phase: watch::Receiver<Phase>,
}

impl Follower {
    /// Follows until `cancel`, or until there is nothing to follow any more. Gives back how far the
    /// log was published.
    pub(crate) async fn run(self, begin: Begin, cancel: CancellationToken) -> LogPosition {
        let (position, cold) = match begin {
            Begin::Again(position) => (position.of_service(self.service.clone()), false),
            Begin::Fresh => (self.new_position(), false),
            Begin::Cold => (self.new_position(), true),
        };
        let phase = *self.phase.borrow();
        let mut following = Following {
            run: if phase.created { Run::None } else { Run::of(phase.run) },
            over: !phase.running,
            restarts: phase.restarts,
            marked_at: Instant::now(),
            failures: 0,
            unreadable: 0,
            fell_silent: false,
            clear: None,
            position,
            backoff: Backoff::new(REOPEN_FIRST, REOPEN_LAST),
            follower: self,
        };
        let followed = cancel.run_until_cancelled(following.follow(cold)).await;
        if let Some(Err(error)) = followed {
            following.mark_why_not(&error);
        }
        following.position.shrink();
        following.position
    }

    fn new_position(&self) -> LogPosition {
        LogPosition::new(self.service.clone(), self.container.clone())
    }
}

/// A follower at work.
struct Following {
    follower: Follower,
    position: LogPosition,
    /// The process whose lines were read last, and whether it is told that it has ended.
    run: Run,
    over: bool,
    /// How often it had been restarted when that was told last, and when that was.
    restarts: u64,
    marked_at: Instant,
    /// How many attempts in a row the engine refused.
    failures: u32,
    /// How many frames made no sense.
    unreadable: u64,
    /// Whether the last stream said nothing although there was more to say.
    fell_silent: bool,
    /// How many of the newest lines lie behind a damaged one; `None` if none is known.
    clear: Option<u32>,
    backoff: Backoff,
}

impl Following {
    /// Follows until the log cannot be read any more.
    async fn follow(&mut self, cold: bool) -> Result<(), EngineError> {
        if cold {
            while let Err(error) = self.paint_history().await {
                self.pause_after(error).await?;
            }
        }
        loop {
            let opened = Instant::now();
            if self.phase().running
                && let Err(error) = self.read_live().await
            {
                self.pause_after(error).await?;
            }
            let lasted = opened.elapsed();
            // The engine loses the last words of a process that exits while its history is read, and
            // a last line without a newline: a second reading has them.
            self.settle().await;
            if lasted >= if self.is_same_run() { STREAM_LASTS } else { RUN_LASTS } {
                self.backoff.reset();
            }
            let mut failed = false;
            while let Err(error) = self.read_rest().await {
                self.pause_after(error).await?;
                failed = true;
            }
            self.failures = 0;
            if failed {
                self.backoff.reset();
            }
            self.wait_for_next_run().await;
        }
    }

    /// Gives the news that the process has ended a moment to come in.
    async fn settle(&mut self) {
        let run = self.run;
        let ended = self.follower.phase.wait_for(|phase| !phase.running || !run.may_be(phase.run));
        // Without the news the end was the engine's own, and the loop goes on with the same run.
        if let Ok(Err(_)) = timeout(NEWS_WITHIN, ended).await {
            tracing::debug!(container = %self.follower.container, "nobody tells about it any more");
        }
    }

    /// Marks what happened to the process and returns when there is something to read again. A process
    /// that came and went between two looks has printed, too.
    async fn wait_for_next_run(&mut self) {
        if self.is_same_run() {
            sleep(self.backoff.next_delay()).await;
            return;
        }
        let phase = loop {
            let (run, over) = (self.run, self.over);
            let has_ended = |phase: &Phase| {
                !over && !phase.running && !phase.restarting && run.may_be(phase.run)
            };
            let news = self.follower.phase.wait_for(|phase| {
                phase.running
                    || has_ended(phase)
                    || phase.run.is_some_and(|time| run != Run::Since(time))
            });
            let Ok(phase) = news.await.map(|phase| *phase) else {
                // Nobody tells about the container any more: the follower is about to be cancelled.
                return std::future::pending().await;
            };
            if !has_ended(&phase) {
                break phase;
            }
            self.mark_stopped();
            self.over = true;
            self.learn_run();
        };
        if !phase.running && self.run == Run::Unknown {
            self.learn_run();
            return;
        }
        // A container that exits at once, again and again, is looked at less and less often.
        sleep(self.backoff.next_delay()).await;
        self.mark_restarted();
    }

    /// Waits before another attempt, until the engine is back at the latest. An error that no attempt
    /// can mend comes back.
    async fn pause_after(&mut self, error: EngineError) -> Result<(), EngineError> {
        let counts = match &error {
            // It is being removed: the next answer is that it is gone.
            EngineError::Api { status: 409, .. } => false,
            // The others are those of a proxy whose engine is away.
            EngineError::Api { status: 500 | 502..=504, .. }
            | EngineError::ReadingFailed { .. } => true,
            EngineError::Unreadable { .. } => {
                self.note_unreadable(&error);
                true
            }
            _ if error.is_offline() => false,
            _ => return Err(error),
        };
        self.failures += u32::from(counts);
        if counts && self.failures == TOLD_AFTER {
            self.mark_unavailable(&error);
        }
        let connection = self.phase().connection;
        tokio::select! {
            () = sleep(self.backoff.next_delay()) => {}
            Ok(_) = self.follower.phase.wait_for(|phase| phase.connection != connection) => {
                self.backoff.reset();
            }
        }
        Ok(())
    }

    /// Counts what makes no sense and tells of it once: it comes again with every attempt.
    fn note_unreadable(&mut self, error: &EngineError) {
        self.unreadable += 1;
        let (container, unreadable) = (&self.follower.container, self.unreadable);
        if unreadable == 1 {
            tracing::warn!(%container, %error, "frame of a log skipped");
        } else {
            tracing::debug!(%container, %error, unreadable, "frame of a log skipped");
        }
    }

    /// Takes the news of when the process started, where that was not known.
    fn learn_run(&mut self) {
        if self.run == Run::Unknown {
            self.run = Run::of(self.phase().run);
        }
    }

    /// Whether the process goes on whose lines were read: then the end was only the stream's.
    fn is_same_run(&self) -> bool {
        let phase = self.phase();
        !self.over && phase.running && self.run.may_be(phase.run)
    }

    /// Whether the process whose lines are read has ended, and no other has begun: what is unfinished
    /// now is a line. A process that began before the news of it came may be in the midst of one.
    fn has_just_ended(&self) -> bool {
        let phase = self.phase();
        !self.over && !phase.running && !phase.restarting && self.run.may_be(phase.run)
    }

    fn phase(&self) -> Phase {
        *self.follower.phase.borrow()
    }
}

/// A process whose lines are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    /// There has been none.
    None,
    /// There is one, and nobody has told yet since when.
    Unknown,
    /// The one that started then.
    Since(NanoTimestamp),
}

impl Run {
    /// The one that started then, if anybody knows.
    fn of(started: Option<NanoTimestamp>) -> Self {
        started.map_or(Self::Unknown, Self::Since)
    }

    /// Whether it may be the one that started then: what is not known may be anything.
    fn may_be(self, started: Option<NanoTimestamp>) -> bool {
        match (self, started) {
            (Self::None, _) => false,
            (Self::Unknown, _) | (_, None) => true,
            (Self::Since(own), Some(other)) => own == other,
        }
    }
}

/// How long after the end of a log the news of the container's end may take.
const NEWS_WITHIN: Duration = Duration::from_millis(250);

/// A stream that lasted that long was a good one.
const STREAM_LASTS: Duration = Duration::from_secs(1);

/// And a process that ran that long does not exit at once.
const RUN_LASTS: Duration = Duration::from_secs(10);

const REOPEN_FIRST: Duration = Duration::from_millis(250);
const REOPEN_LAST: Duration = Duration::from_secs(10);

/// After how many vain attempts in a row a log is told as unavailable.
const TOLD_AFTER: u32 = 4;
