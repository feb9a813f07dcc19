//! Pulls an image and tells how far it is: to a function, so that it can go to an emitter, a terminal or
//! a larger run.

mod tally;

use futures::StreamExt as _;

pub use self::tally::{PullProgress, PullTally};
use crate::engine::{Engine, EngineError};

/// Pulls an image. `tell` hears how far it is whenever that changes, and exactly one end, after which
/// it hears nothing: complete, failed, or cancelled if the future is dropped. Then the engine stops too,
/// and keeps the layers that it has.
///
/// # Errors
///
/// What the engine said, or that the connection broke; `tell` has heard it.
pub async fn pull(
    engine: &dyn Engine,
    reference: &str,
    tell: impl FnMut(PullProgress),
) -> Result<(), EngineError> {
    let mut telling = Telling { tally: PullTally::new(reference), told: None, tell };
    telling.tell();
    let mut frames = engine.pull(reference);
    let outcome = loop {
        match frames.next().await {
            Some(Ok(frame)) => {
                telling.tally.handle(&frame);
                telling.tell();
            }
            Some(Err(error)) => break Err(error),
            None => break telling.tally.verdict(),
        }
    };
    match &outcome {
        Ok(()) => telling.tally.complete(),
        // The mends in its text are those of containers.
        Err(EngineError::Api { message, .. }) => telling.tally.fail(message),
        Err(error) => telling.tally.fail(&error.to_string()),
    }
    telling.tell();
    outcome
}

/// Tells what is news. An end is owed: dropped without one, it tells that the pull was cancelled.
struct Telling<F: FnMut(PullProgress)> {
    tally: PullTally,
    told: Option<PullProgress>,
    tell: F,
}

impl<F: FnMut(PullProgress)> Telling<F> {
    fn tell(&mut self) {
        let progress = self.tally.progress();
        if self.told.as_ref() != Some(&progress) {
            self.told = Some(progress.clone());
            (self.tell)(progress);
        }
    }
}

impl<F: FnMut(PullProgress)> Drop for Telling<F> {
    fn drop(&mut self) {
        self.tally.cancel();
        self.tell();
    }
}
