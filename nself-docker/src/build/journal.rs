//! Tells how a build stands: progress that never falls, one end, and output in handfuls.
//!
//! What changes a step or ends the build is told at once, output within 100 ms or when there are 64 KiB
//! of it, and bytes twice a second.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nself_realtime::clock::{Clock as _, SystemClock};
use nself_realtime::event::{BuildProgress, ProgressItem, ProgressStatus};
use nself_realtime::{Emitter, Name};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::error::{BuildError, told};
use super::output::encoded_len;
use super::report::BuildReport;
use super::statistics::Ended;
use super::step::BuildStep;
use crate::text::at_most;

/// The journal of a build. A cheap clone.
#[derive(Debug, Clone)]
pub(super) struct Journal {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    emitter: Option<Emitter>,
    state: Mutex<State>,
    news: Notify,
}

#[derive(Debug)]
struct State {
    report: BuildReport,
    step: BuildStep,
    tenths: u32,
    began: Instant,
    step_began: Instant,
    /// Output that was not told yet, and its bytes as JSON.
    output: Vec<String>,
    output_bytes: usize,
    /// Bytes of the lines that are kept.
    kept_bytes: usize,
    /// When what is new has to be told.
    due: Option<Instant>,
}

impl Journal {
    /// The journal of a build that begins now.
    pub(super) fn new(id: Name, emitter: Option<Emitter>) -> Self {
        let now = Instant::now();
        let state = State {
            report: BuildReport::new(id, SystemClock.timestamp()),
            step: BuildStep::Validate,
            tenths: 0,
            began: now,
            step_began: now,
            output: Vec::new(),
            output_bytes: 0,
            kept_bytes: 0,
            due: None,
        };
        let shared = Shared { emitter, state: Mutex::new(state), news: Notify::new() };
        Self { shared: Arc::new(shared) }
    }

    /// How the build stands.
    pub(super) fn report(&self) -> BuildReport {
        let mut state = self.lock();
        state.measure();
        state.report.clone()
    }

    /// How the build ended; `None` if it has not.
    pub(super) fn ended(&self) -> Option<Ended> {
        let state = self.lock();
        let BuildReport { status, elapsed_ms, steps, .. } = &state.report;
        let took = Duration::from_millis(*elapsed_ms);
        status.is_end().then(|| Ended { status: *status, took, steps: steps.clone() })
    }

    /// Whether the build has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.lock().report.status.is_end()
    }

    /// The step that it is at.
    pub(super) fn step(&self) -> BuildStep {
        self.lock().step
    }

    /// What was made so far.
    pub(super) fn made_so_far(&self) -> Vec<String> {
        self.lock().report.made.clone()
    }

    /// Begins a step, which ends the one before.
    pub(super) fn begin(&self, step: BuildStep, message: &str) {
        let mut state = self.lock();
        // How the step before ended belongs to that one.
        if state.due.is_some() {
            self.tell(&mut state);
        }
        let now = Instant::now();
        state.measure();
        if state.step != step {
            state.set_step_status(ProgressStatus::Complete);
            state.step_began = now;
        }
        state.step = step;
        state.report.status = ProgressStatus::InProgress;
        state.report.step = step.name();
        state.report.current_step = step.number();
        state.report.items.clear();
        state.report.message = Some(at_most(message, LONGEST_MESSAGE));
        state.set_step_status(ProgressStatus::InProgress);
        state.reach(step.tenths().0);
        self.tell(&mut state);
    }

    /// So much of so much of the step is done.
    pub(super) fn advance(&self, done: u128, whole: u128) {
        let mut state = self.lock();
        let (from, to) = state.step.tenths();
        let share = u128::from(to - from) * done.min(whole) / whole.max(1);
        let reached = from + u32::try_from(share).unwrap_or(0);
        // The last one is the end's.
        if state.reach(reached.min(999)) {
            self.due_within(&mut state, BYTES_EVERY);
        }
    }

    /// What the step works on, as it stands.
    pub(super) fn items(&self, items: Vec<ProgressItem>) {
        let mut state = self.lock();
        let same = |a: &ProgressItem, b: &ProgressItem| a.name == b.name && a.status == b.status;
        let old = &state.report.items;
        let only_bytes =
            old.len() == items.len() && old.iter().zip(&items).all(|(a, b)| same(a, b));
        if *old != items {
            state.report.items = items;
            state.report.items.truncate(MOST_ITEMS);
            let within = if only_bytes { BYTES_EVERY } else { OUTPUT_WITHIN };
            self.due_within(&mut state, within);
        }
    }

    /// How one thing that the step works on stands.
    pub(super) fn item(&self, name: &str, status: ProgressStatus) {
        let mut items = self.lock().report.items.clone();
        match items.iter_mut().find(|item| item.name == name) {
            Some(item) => item.status = status,
            None => items.push(item(name, status)),
        }
        self.items(items);
    }

    /// More about the step.
    pub(super) fn message(&self, message: &str) {
        let mut state = self.lock();
        state.report.message = Some(at_most(message, LONGEST_MESSAGE));
        self.due_within(&mut state, OUTPUT_WITHIN);
    }

    /// A line of output.
    pub(super) fn line(&self, line: &str) {
        let mut state = self.lock();
        let bytes = encoded_len(line);
        if state.output_bytes + bytes > MOST_OUTPUT {
            self.tell(&mut state);
        }
        state.output_bytes += bytes;
        state.output.push(line.to_owned());
        state.keep(line);
        self.due_within(&mut state, OUTPUT_WITHIN);
    }

    /// Notes that something was made that stays if the build ends early.
    pub(super) fn made(&self, what: String) {
        self.lock().report.made.push(what);
    }

    /// Notes a container whose service is no longer in the project.
    pub(super) fn removed(&self, container: &str) {
        self.lock().report.removed.push(container.to_owned());
    }

    /// Ends it, unless it has ended.
    pub(super) fn end(&self, outcome: &Result<(), BuildError>) {
        let mut state = self.lock();
        if state.report.status.is_end() {
            return;
        }
        // What was printed comes by itself: the end has words of its own to carry.
        if state.due.is_some() {
            self.tell(&mut state);
        }
        state.measure();
        let (status, message) = match outcome {
            Ok(()) => {
                state.reach(1_000);
                (ProgressStatus::Complete, "the project is up".to_owned())
            }
            Err(BuildError::Cancelled { made, .. }) => (ProgressStatus::Cancelled, told(made)),
            Err(error @ BuildError::Failed { output, .. }) => {
                let mut text = at_most(&error.to_string(), LONGEST_ERROR);
                if !output.is_empty() {
                    text.push_str("\n\nThe last lines of output:");
                }
                for line in output {
                    text.push('\n');
                    text.push_str(&at_most(line, LONGEST_QUOTE));
                }
                state.report.error = Some(text);
                (ProgressStatus::Failed, told(&state.report.made))
            }
        };
        state.report.status = status;
        state.report.message = Some(at_most(&message, LONGEST_MESSAGE));
        state.set_step_status(status);
        for item in &mut state.report.items {
            if !item.status.is_end() {
                item.status = status;
            }
        }
        self.tell(&mut state);
    }

    /// Tells what is due when it is due, for ever.
    pub(super) async fn keep_telling(&self) -> Infallible {
        loop {
            let news = self.shared.news.notified();
            let due = self.lock().due;
            match due {
                None => news.await,
                Some(due) => {
                    tokio::select! {
                        () = sleep_until(due) => {}
                        // It may be due earlier now.
                        () = news => continue,
                    }
                    let mut state = self.lock();
                    if state.due.is_some_and(|due| due <= Instant::now()) {
                        self.tell(&mut state);
                    }
                }
            }
        }
    }

    fn due_within(&self, state: &mut State, time: Duration) {
        let due = Instant::now() + time;
        if state.due.is_none_or(|earlier| due < earlier) {
            state.due = Some(due);
            self.shared.news.notify_one();
        }
    }

    fn tell(&self, state: &mut State) {
        state.due = None;
        state.measure();
        let event = state.event();
        let Some(emitter) = &self.shared.emitter else { return };
        if let Err(error) = emitter.build_progress(&event) {
            let build = &event.build_id;
            tracing::warn!(%build, %error, "how a build stands was not published");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Progress never falls. Gives back whether it rose.
    fn reach(&mut self, tenths: u32) -> bool {
        let rises = tenths > self.tenths;
        if rises {
            self.tenths = tenths;
            self.report.progress = f64::from(tenths) / 10.0;
        }
        rises
    }

    fn measure(&mut self) {
        if self.report.status.is_end() {
            return;
        }
        let millis =
            |since: Instant| u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.report.elapsed_ms = millis(self.began);
        let elapsed = millis(self.step_began);
        if let Some(step) = self.step_report() {
            step.elapsed_ms = Some(elapsed);
        }
    }

    fn set_step_status(&mut self, status: ProgressStatus) {
        if let Some(step) = self.step_report() {
            step.status = status;
        }
    }

    fn step_report(&mut self) -> Option<&mut super::report::StepReport> {
        let index = usize::try_from(self.step.number() - 1).ok()?;
        self.report.steps.get_mut(index)
    }

    fn keep(&mut self, line: &str) {
        self.kept_bytes += line.len();
        let logs = &mut self.report.logs;
        logs.push_back(line.to_owned());
        while logs.len() > LINES_KEPT || self.kept_bytes > BYTES_KEPT {
            let Some(oldest) = logs.pop_front() else { return };
            self.kept_bytes -= oldest.len();
            self.report.logs_dropped += 1;
        }
    }

    fn event(&mut self) -> BuildProgress {
        let BuildReport { build_id, status, progress, step, current_step, total_steps, .. } =
            &self.report;
        self.output_bytes = 0;
        BuildProgress {
            build_id: build_id.clone(),
            step: (*step).to_owned(),
            status: *status,
            progress: *progress,
            current_step: *current_step,
            total_steps: *total_steps,
            message: self.report.message.clone(),
            logs: std::mem::take(&mut self.output),
            logs_dropped: None,
            error: self.report.error.clone(),
            elapsed_ms: Some(self.report.elapsed_ms),
            items: self.report.items.clone(),
        }
    }
}

/// A thing that a step works on.
pub(super) fn item(name: &str, status: ProgressStatus) -> ProgressItem {
    let name = at_most(name, LONGEST_NAME);
    ProgressItem { name, status, current_bytes: None, total_bytes: None }
}

/// How long output waits for more of it, and how many bytes of it as JSON an event has at most.
const OUTPUT_WITHIN: Duration = Duration::from_millis(100);
const MOST_OUTPUT: usize = 64 * 1024;

/// How often bytes are told: an event has all items.
const BYTES_EVERY: Duration = Duration::from_millis(500);

/// An event is 256 KiB as JSON at most, of which these may take what output leaves.
const MOST_ITEMS: usize = 512;
const LONGEST_NAME: usize = 128;
const LONGEST_MESSAGE: usize = 4_096;
const LONGEST_ERROR: usize = 4 * 1024;
const LONGEST_QUOTE: usize = 400;

/// How much output a report has.
const LINES_KEPT: usize = 2_000;
const BYTES_KEPT: usize = 1024 * 1024;
