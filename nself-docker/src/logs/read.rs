//! Reads a piece of a log that has an end. What goes silent in the midst of it is given up: a half-dead
//! connection never says so. What the engine itself cannot read ends it.

use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::timeout;

use super::assemble::{Assembler, RawLine};
use crate::engine::{Engine, EngineError, LogQuery};

/// What a piece of a log came in.
pub(super) struct Piece {
    /// How many frames: as many as were asked for, and there may be more before them.
    pub(super) frames: u32,
    /// Why the engine could not read on, if it said so: there may be more behind it, too.
    pub(super) failed: Option<EngineError>,
}

/// Hands the lines of a log to `take`, in the engine's order. `over` says that nobody will print to the
/// log any more, so that its unfinished last line is one.
pub(super) async fn read_lines(
    engine: &dyn Engine,
    container: &str,
    query: LogQuery,
    over: bool,
    mut take: impl FnMut(RawLine),
) -> Result<Piece, EngineError> {
    let mut frames = engine.logs(container, query);
    let (mut assembler, mut lines) = (Assembler::default(), Vec::new());
    let mut piece = Piece { frames: 0, failed: None };
    loop {
        let frame = timeout(SILENCE, frames.next()).await;
        let frame = match frame.map_err(|_| EngineError::Timeout { after: SILENCE })? {
            Some(Err(failed @ EngineError::ReadingFailed { .. })) => {
                piece.failed = Some(failed);
                break;
            }
            Some(frame) => frame?,
            None => break,
        };
        piece.frames += 1;
        assembler.handle(&frame, &mut lines);
        lines.drain(..).for_each(&mut take);
    }
    if over {
        assembler.finish(&mut lines);
        lines.drain(..).for_each(&mut take);
    }
    Ok(piece)
}

/// How long an engine may say nothing in the midst of an answer.
const SILENCE: Duration = Duration::from_secs(20);
