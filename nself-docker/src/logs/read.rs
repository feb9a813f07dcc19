//! Reads a piece of a log that has an end. What goes silent in the midst of it is given up: a half-dead
//! connection never says so.

use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::timeout;

use super::assemble::{Assembler, RawLine};
use crate::engine::{Engine, EngineError, LogQuery};

/// Hands the lines of a log to `take`, in the engine's order, and gives back how many frames they came
/// in: as many as were asked for, and there may be more before them. `over` says that nobody will print
/// to the log any more, so that its unfinished last line is one.
pub(super) async fn read_lines(
    engine: &dyn Engine,
    container: &str,
    query: LogQuery,
    over: bool,
    mut take: impl FnMut(RawLine),
) -> Result<u32, EngineError> {
    let mut frames = engine.logs(container, query);
    let (mut assembler, mut lines) = (Assembler::default(), Vec::new());
    let mut count = 0;
    loop {
        let frame = timeout(SILENCE, frames.next()).await;
        let Some(frame) = frame.map_err(|_| EngineError::Timeout { after: SILENCE })? else {
            break;
        };
        count += 1;
        assembler.handle(&frame?, &mut lines);
        lines.drain(..).for_each(&mut take);
    }
    if over {
        assembler.finish(&mut lines);
        lines.drain(..).for_each(&mut take);
    }
    Ok(count)
}

/// How long an engine may say nothing in the midst of an answer.
const SILENCE: Duration = Duration::from_secs(20);
