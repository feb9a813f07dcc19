//! Follows the log of one container for as long as somebody looks, through restarts of the container
//! and of the engine: no line is lost, none comes twice, and what the source itself lost is marked.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use nself_realtime::clock::Clock;
use nself_realtime::event::{LogMarker, LogsStream, Marker};
use nself_realtime::{Emitter, Name, NanoTimestamp};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::LogPosition;
use super::assemble::Assembler;
use super::cold::last_lines;
use crate::backoff::Backoff;
use crate::engine::{Engine, EngineError, LogQuery};

/// What a follower has to know about its container and its engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Phase {
    /// Whether the container has a process.
    pub(crate) running: bool,
    /// Whether it is dead and the engine is about to start it again.
    pub(crate) restarting: bool,
    /// When its process started last.
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
            Begin::Again(position) => (*position, false),
            Begin::Fresh => (self.new_position(), false),
            Begin::Cold => (self.new_position(), true),
        };
        let phase = *self.phase.borrow();
        let mut following = Following {
            run: phase.run.filter(|_| phase.running),
            restarts: phase.restarts,
            marked_at: Instant::now(),
            position,
            backoff: Backoff::new(REOPEN_FIRST, REOPEN_LAST),
            follower: self,
        };
        let followed = cancel.run_until_cancelled(following.follow(cold)).await;
        if let Some(Err(error)) = followed {
            following.say_why_not(&error);
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
    /// The run whose lines are read now.
    run: Option<NanoTimestamp>,
    /// How often it had been restarted when that was told last, and when that was.
    restarts: u64,
    marked_at: Instant,
    backoff: Backoff,
}

/// How a reading ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The engine ended it, or fell silent.
    Over,
    /// It began after the last published line: a longer one is needed, nothing was published.
    Hole,
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
            if self.phase().running {
                self.read_live().await?;
            }
            let lasted = opened.elapsed();
            // The engine loses the last words of a process that exits while its history is read, and
            // a last line without a newline: a second reading has them.
            self.settle().await;
            if lasted >= if self.is_same_run() { STREAM_LASTS } else { RUN_LASTS } {
                self.backoff.reset();
            }
            let mut failed = false;
            while let Err(error) = self.read_all(false).await {
                self.pause_after(error).await?;
                failed = true;
            }
            if failed {
                self.backoff.reset();
            }
            self.wait_for_next_run().await;
        }
    }

    async fn paint_history(&mut self) -> Result<(), EngineError> {
        let (engine, container) = (&self.follower.engine, self.follower.container.as_str());
        let lines = last_lines(engine.as_ref(), container, !self.phase().running).await?;
        let mut remaining = u32::try_from(lines.len()).unwrap_or(u32::MAX);
        for raw in &lines {
            remaining = remaining.saturating_sub(1);
            if let Some(mut line) = self.position.accept(raw) {
                line.history = Some(remaining);
                self.emit(&LogsStream::Line(line));
            }
        }
        Ok(())
    }

    /// Reads what is printed until the stream ends. That it breaks is no error: what it had more is
    /// read again.
    async fn read_live(&mut self) -> Result<(), EngineError> {
        match self.read_all(true).await {
            Err(error) if error.is_offline() => {
                tracing::debug!(container = %self.follower.container, %error, "log stream broke");
                Ok(())
            }
            Err(error @ EngineError::Unreadable { .. }) => {
                tracing::warn!(container = %self.follower.container, %error, "log stream broke");
                Ok(())
            }
            other => other,
        }
    }

    /// Reads from the last published line on, reaching back as far as it has to.
    async fn read_all(&mut self, follow: bool) -> Result<(), EngineError> {
        for tail in [TAIL, LONGEST_TAIL] {
            if self.read(follow, tail).await? == End::Over {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn read(&mut self, follow: bool, tail: u32) -> Result<End, EngineError> {
        let published = self.position.last();
        let since_unix_seconds = self.position.since_unix_seconds();
        self.position.reopen();
        let query = LogQuery { tail, since_unix_seconds, follow };
        let mut frames = self.follower.engine.logs(self.follower.container.as_str(), query);
        let mut assembler = Assembler::default();
        let mut lines = Vec::new();
        let mut first = true;
        loop {
            let frame = match timeout(SILENCE, frames.next()).await {
                Ok(Some(frame)) => frame?,
                Ok(None) => break,
                Err(_) if follow && !self.is_mute().await? => continue,
                Err(_) => return Ok(End::Over),
            };
            assembler.handle(&frame, &mut lines);
            for raw in lines.drain(..) {
                if std::mem::take(&mut first)
                    && let Some(published) = published.filter(|published| raw.time > *published)
                {
                    if tail < LONGEST_TAIL {
                        return Ok(End::Hole);
                    }
                    self.mark_lost(published);
                }
                if let Some(line) = self.position.accept(&raw) {
                    self.emit(&LogsStream::Line(line));
                }
            }
        }
        if !follow && !self.phase().running {
            assembler.finish(&mut lines);
            for raw in lines.drain(..) {
                if let Some(line) = self.position.accept(&raw) {
                    self.emit(&LogsStream::Line(line));
                }
            }
        }
        Ok(End::Over)
    }

    /// Whether a stream that says nothing should have said something. Rotation and half-open
    /// proxies silence streams for ever.
    async fn is_mute(&self) -> Result<bool, EngineError> {
        if !self.phase().running {
            return Ok(false);
        }
        let query = LogQuery { tail: 1, since_unix_seconds: 0, follow: false };
        let mut frames = self.follower.engine.logs(self.follower.container.as_str(), query);
        let (mut assembler, mut lines) = (Assembler::default(), Vec::new());
        while let Ok(Some(frame)) = timeout(SILENCE, frames.next()).await {
            assembler.handle(&frame?, &mut lines);
        }
        Ok(lines.last().is_some_and(|line| Some(line.time) > self.position.last()))
    }

    /// Gives the news that the process has ended a moment to come in.
    async fn settle(&mut self) {
        let run = self.run;
        let ended = self.follower.phase.wait_for(|phase| !phase.running || phase.run != run);
        // Without the news the end was the engine's own, and the loop goes on with the same run.
        if let Ok(Err(_)) = timeout(NEWS_WITHIN, ended).await {
            tracing::debug!(container = %self.follower.container, "nobody tells about it any more");
        }
    }

    /// Marks what happened to the process and returns when there is something to read again.
    async fn wait_for_next_run(&mut self) {
        if self.is_same_run() {
            sleep(self.backoff.next_delay()).await;
            return;
        }
        let ended = self.phase();
        if !ended.running && !ended.restarting && self.run.is_some() {
            self.mark(Marker::Stopped, "stopped".to_owned());
        }
        if self.follower.phase.wait_for(|phase| phase.running).await.is_err() {
            // Nobody tells about the container any more: the follower is about to be cancelled.
            std::future::pending::<()>().await;
        }
        // A container that exits at once, again and again, is looked at less and less often.
        sleep(self.backoff.next_delay()).await;
        self.mark_restarted();
    }

    fn mark_restarted(&mut self) {
        let phase = self.phase();
        if self.run.is_some() || self.position.last().is_some() {
            let text = match phase.restarts.saturating_sub(self.restarts) {
                0 | 1 => "restarted".to_owned(),
                times => {
                    format!("restarted {times}× in {} s", self.marked_at.elapsed().as_secs().max(1))
                }
            };
            self.mark(Marker::Restarted, text);
        }
        self.restarts = phase.restarts;
        self.marked_at = Instant::now();
        self.run = phase.run;
    }

    /// Waits before another attempt, until the engine is back at the latest. An error that no attempt
    /// can mend comes back.
    async fn pause_after(&mut self, error: EngineError) -> Result<(), EngineError> {
        if !error.is_offline() && !matches!(error, EngineError::Api { status: 409 | 500, .. }) {
            return Err(error);
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

    /// Whether the process goes on whose lines were read: then the end was only the stream's.
    fn is_same_run(&self) -> bool {
        let phase = self.phase();
        phase.running && phase.run == self.run
    }

    fn phase(&self) -> Phase {
        *self.follower.phase.borrow()
    }

    fn say_why_not(&self, error: &EngineError) {
        if error.is_not_found() {
            return;
        }
        let text = match (error, &self.follower.log_driver) {
            (EngineError::Api { message, .. }, Some(driver)) if is_unreadable_driver(message) => {
                format!("logs unavailable: driver {driver}")
            }
            _ => format!("logs unavailable: {error}"),
        };
        self.mark(Marker::Unavailable, text);
    }

    fn mark_lost(&self, after: NanoTimestamp) {
        let text = format!("lines after {after} were lost: the engine has them no more");
        self.mark(Marker::Lost, text);
    }

    fn mark(&self, marker: Marker, text: String) {
        self.emit(&LogsStream::Marker(LogMarker {
            service: self.follower.service.clone(),
            time: self.follower.clock.timestamp().into(),
            container_id: Some(self.follower.container.clone()),
            marker,
            text,
            // An engine never tells how much it lost.
            missed: None,
        }));
    }

    fn emit(&self, entry: &LogsStream) {
        if let Err(error) = self.follower.emitter.log(entry) {
            tracing::warn!(container = %self.follower.container, %error, "line was not published");
        }
    }
}

fn is_unreadable_driver(message: &str) -> bool {
    message.contains("does not support reading")
}

/// How many lines a reading reaches back.
const TAIL: u32 = 2_000;

/// And how many where these are not enough.
const LONGEST_TAIL: u32 = 16_000;

/// After how long a silent stream is doubted.
const SILENCE: Duration = Duration::from_mins(1);

/// How long after the end of a log the news of the container's end may take.
const NEWS_WITHIN: Duration = Duration::from_millis(250);

/// A stream that lasted that long was a good one.
const STREAM_LASTS: Duration = Duration::from_secs(1);

/// And a process that ran that long does not exit at once.
const RUN_LASTS: Duration = Duration::from_secs(10);

const REOPEN_FIRST: Duration = Duration::from_millis(250);
const REOPEN_LAST: Duration = Duration::from_secs(10);
