//! Answers that go on, a line of JSON each, read from the engine without bollard: its models lack fields
//! by which engines tell of failures.

use std::collections::VecDeque;

use bytes::{Buf as _, BytesMut};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::time::timeout;

use super::ANSWER_WITHIN;
use super::raw::{Question, Raw};
use crate::engine::endpoint::Endpoint;
use crate::engine::{EngineError, Frames};

/// Reads a line.
type Parse<T> = fn(&[u8]) -> Result<T, EngineError>;

/// Asks the question at the first poll, and reads its answer. Only a question without a body has to be
/// answered in time: the other's body may take as long as it takes.
pub(super) fn open<T: Send + 'static>(
    endpoint: Endpoint,
    question: Question,
    parse: Parse<T>,
) -> Frames<T> {
    stream::once(async move {
        let answer = if question.has_body() {
            Raw::ask(&endpoint, question).await?
        } else {
            let answer = timeout(ANSWER_WITHIN, Raw::ask(&endpoint, question)).await;
            answer.unwrap_or(Err(EngineError::Timeout { after: ANSWER_WITHIN }))?
        };
        let reading = Reading { answer, endpoint, lines: Lines::default(), over: false, parse };
        Ok(stream::try_unfold(reading, async |mut reading| {
            Ok(reading.next().await?.map(|frame| (frame, reading)))
        }))
    })
    .try_flatten()
    .boxed()
}

struct Reading<T> {
    answer: Raw,
    endpoint: Endpoint,
    lines: Lines,
    over: bool,
    parse: Parse<T>,
}

impl<T> Reading<T> {
    async fn next(&mut self) -> Result<Option<T>, EngineError> {
        loop {
            if let Some(line) = self.lines.whole.pop_front() {
                return (self.parse)(&line).map(Some);
            }
            if self.over {
                return Ok(None);
            }
            if let Some(chunk) = self.answer.chunk(&self.endpoint).await? {
                self.lines.handle(&chunk)?;
            } else {
                self.over = true;
                self.lines.finish();
            }
        }
    }
}

/// Cuts bytes into lines that are not empty.
#[derive(Default)]
struct Lines {
    whole: VecDeque<BytesMut>,
    rest: BytesMut,
}

impl Lines {
    fn handle(&mut self, chunk: &[u8]) -> Result<(), EngineError> {
        self.rest.extend_from_slice(chunk);
        while let Some(at) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line = self.rest.split_to(at);
            self.rest.advance(1);
            self.take(line);
        }
        if self.rest.len() > LONGEST_LINE {
            let message = format!("a line of the answer is longer than {LONGEST_LINE} bytes");
            return Err(EngineError::Unreadable { message });
        }
        Ok(())
    }

    fn finish(&mut self) {
        let line = self.rest.split();
        self.take(line);
    }

    fn take(&mut self, line: BytesMut) {
        if !line.trim_ascii().is_empty() {
            self.whole.push_back(line);
        }
    }
}

/// What an engine says of a layer takes some hundred bytes; a build may print a page at once.
const LONGEST_LINE: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_anywhere_and_bounded() {
        let mut lines = Lines::default();
        for chunk in ["{\"a", "\":1}\r\n\r\n{", "}\n{\"b\"", ":2}"] {
            lines.handle(chunk.as_bytes()).unwrap();
        }
        lines.finish();
        assert_eq!(lines.whole, [&b"{\"a\":1}\r"[..], b"{}", b"{\"b\":2}"]);
        let endless = vec![b'x'; LONGEST_LINE + 1];
        assert!(matches!(lines.handle(&endless), Err(EngineError::Unreadable { .. })));
    }
}
