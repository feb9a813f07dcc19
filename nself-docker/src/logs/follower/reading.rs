//! One reading of a log: from the last published line on, reaching back as far as it has to. A stream
//! that should say something and does not is given up.

use std::pin::Pin;
use std::time::Duration;

use futures::StreamExt as _;
use nself_realtime::NanoTimestamp;
use nself_realtime::event::{LogLine, LogsStream};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Following;
use crate::engine::{EngineError, Frames, LogFrame, LogQuery};
use crate::logs::assemble::{Assembler, RawLine};
use crate::logs::cold::last_lines;

/// How a reading ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The engine ended it, or fell silent.
    Over,
    /// It began after the last published line: a longer one is needed, nothing was published.
    Hole,
}

impl Following {
    /// Publishes the last lines, as history.
    pub(super) async fn paint_history(&mut self) -> Result<(), EngineError> {
        let (engine, container) = (&self.follower.engine, self.follower.container.as_str());
        let phase = self.phase();
        let over = !phase.created && !phase.running && !phase.restarting;
        let lines = last_lines(engine.as_ref(), container, over).await?;
        let mut remaining = u32::try_from(lines.len()).unwrap_or(u32::MAX);
        for raw in &lines {
            self.position.begin(raw.time);
            remaining = remaining.saturating_sub(1);
            if let Some(mut line) = self.position.accept(raw) {
                line.history = Some(remaining);
                self.emit(line);
            }
        }
        Ok(())
    }

    /// Reads what is printed until the stream ends. That it breaks is no error: what it had more is
    /// read again.
    pub(super) async fn read_live(&mut self) -> Result<(), EngineError> {
        self.fell_silent = false;
        let Err(error) = self.read_all(true).await else { return Ok(()) };
        let container = &self.follower.container;
        match error {
            EngineError::Api { .. } => return Err(error),
            EngineError::Unreadable { .. } => self.note_unreadable(&error),
            _ => tracing::debug!(%container, %error, "log stream broke"),
        }
        Ok(())
    }

    /// Reads what a stream that has ended may have left out. That the engine cannot read it is an error
    /// only where nothing can be read behind that either.
    pub(super) async fn read_rest(&mut self) -> Result<(), EngineError> {
        match self.read_all(false).await {
            Err(failed @ EngineError::ReadingFailed { .. }) => {
                if self.step_over_damage().await? {
                    Ok(())
                } else {
                    Err(failed)
                }
            }
            // Other engines say nothing of it.
            Ok(()) if self.fell_silent || !self.phase().running => {
                if self.has_newer().await? {
                    self.step_over_damage().await?;
                }
                Ok(())
            }
            read => read,
        }
    }

    /// Reads from the last published line on, reaching back as far as it has to.
    async fn read_all(&mut self, follow: bool) -> Result<(), EngineError> {
        if let Some(clear) = self.clear {
            if self.read(follow, clear, None).await? == End::Hole {
                self.step_over_damage().await?;
            }
            return Ok(());
        }
        // Of a log that began while it was watched everything is wanted.
        let (tails, beginning) = match self.position.last() {
            Some(_) => (&[TAIL, LONGEST_TAIL][..], None),
            None => (&[LONGEST_TAIL][..], self.beginning().await?),
        };
        for &tail in tails {
            if self.read(follow, tail, beginning).await? == End::Over {
                break;
            }
        }
        Ok(())
    }

    /// Reads the last lines, from the last published one on. Where nothing was published, `beginning`
    /// is the time of the first line that should come.
    async fn read(
        &mut self,
        follow: bool,
        tail: u32,
        beginning: Option<NanoTimestamp>,
    ) -> Result<End, EngineError> {
        let published = self.position.last();
        let since = self.position.since_unix_seconds();
        self.position.reopen();
        let query = LogQuery { follow, ..LogQuery::new(tail).since(since) };
        let mut frames = self.follower.engine.logs(self.follower.container.as_str(), query);
        let mut silence = Silence::begin();
        let mut assembler = Assembler::default();
        let mut lines = Vec::new();
        let mut first = true;
        while let Some(frame) = self.next_frame(&mut frames, follow, &mut silence).await? {
            assembler.handle(&frame, &mut lines);
            for raw in lines.drain(..) {
                let is_late = || beginning.is_some_and(|beginning| raw.time > beginning);
                let is_hole = std::mem::take(&mut first)
                    && (!self.position.is_reached_by(&raw) || is_late())
                    && assembler.began().is_none_or(|began| Some(began) >= published);
                if is_hole {
                    if tail < LONGEST_TAIL {
                        return Ok(End::Hole);
                    }
                    if !self.position.left_out(&raw) {
                        self.mark_lost();
                    }
                }
                self.publish(&raw);
            }
        }
        if !follow && self.has_just_ended() {
            assembler.finish(&mut lines);
            for raw in lines.drain(..) {
                self.publish(&raw);
            }
        }
        Ok(End::Over)
    }

    pub(super) fn publish(&mut self, raw: &RawLine) {
        if let Some(line) = self.position.accept(raw) {
            self.emit(line);
            self.clear = self.clear.map(|clear| clear + 1).filter(|clear| *clear < LONGEST_TAIL);
        }
    }

    fn emit(&self, line: LogLine) {
        if let Err(error) = self.follower.emitter.log(&LogsStream::Line(line)) {
            tracing::warn!(container = %self.follower.container, %error, "line was not published");
        }
    }

    /// The next frame; `None` at the end, or when a stream that follows says nothing although it
    /// should: rotation, damaged files and half-open proxies silence streams for ever.
    async fn next_frame(
        &mut self,
        frames: &mut Frames<LogFrame>,
        follow: bool,
        silence: &mut Silence,
    ) -> Result<Option<LogFrame>, EngineError> {
        loop {
            tokio::select! {
                biased;
                frame = frames.next() => {
                    silence.since = Instant::now();
                    return frame.transpose();
                }
                Ok(()) = self.follower.phase.changed(), if follow => {
                    self.learn_run();
                    silence.alarm.as_mut().reset(silence.since + self.patience());
                }
                () = silence.alarm.as_mut() => {
                    let now = Instant::now();
                    let patience = self.patience();
                    if silence.since + patience > now {
                        silence.alarm.as_mut().reset(silence.since + patience);
                    } else if !follow {
                        return Err(EngineError::Timeout { after: patience });
                    } else if !self.is_same_run() {
                        return Ok(None);
                    } else if self.is_mute().await {
                        self.fell_silent = true;
                        return Ok(None);
                    } else {
                        *silence = Silence::begin();
                    }
                }
            }
        }
    }

    /// How long a stream may say nothing. One whose process has ended is about to end.
    fn patience(&self) -> Duration {
        if self.is_same_run() { SILENCE } else { ENDS_WITHIN }
    }

    /// Whether a stream that says nothing should have said something. An engine that does not even
    /// answer that is no better.
    async fn is_mute(&self) -> bool {
        self.has_newer().await.unwrap_or(true)
    }
}

/// How long a stream has said nothing. Its alarm is set late and put off when it rings, because
/// setting it for each frame would cost more than the frame.
struct Silence {
    since: Instant,
    alarm: Pin<Box<Sleep>>,
}

impl Silence {
    fn begin() -> Self {
        Self { since: Instant::now(), alarm: Box::pin(sleep_until(Instant::now() + SILENCE)) }
    }
}

/// How many lines a reading reaches back.
const TAIL: u32 = 2_000;

/// And how many where these are not enough.
pub(super) const LONGEST_TAIL: u32 = 16_000;

/// After how long a silent stream is doubted.
const SILENCE: Duration = Duration::from_mins(1);

/// After how long a silent stream whose process has ended is given up.
const ENDS_WITHIN: Duration = Duration::from_secs(1);
