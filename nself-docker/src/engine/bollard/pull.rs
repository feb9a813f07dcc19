//! The pull of an image, read from the engine without bollard: its model has no `error`, and older
//! engines tell of a failure by that alone.

use std::collections::VecDeque;

use bytes::{Buf as _, BytesMut};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::timeout;

use super::ANSWER_WITHIN;
use super::raw::Raw;
use crate::engine::endpoint::Endpoint;
use crate::engine::{EngineError, Frames, PullFrame};

/// Begins a pull. The request goes out at the first poll.
pub(super) fn open(endpoint: Endpoint, reference: &str) -> Frames<PullFrame> {
    let target = target(reference);
    stream::once(async move {
        let answer = timeout(ANSWER_WITHIN, Raw::ask(&endpoint, Method::POST, &target)).await;
        let answer = answer.unwrap_or(Err(EngineError::Timeout { after: ANSWER_WITHIN }))?;
        let reading = Reading { answer, endpoint, lines: Lines::default(), over: false };
        Ok(stream::try_unfold(reading, async |mut reading| {
            Ok(reading.next().await?.map(|frame| (frame, reading)))
        }))
    })
    .try_flatten()
    .boxed()
}

/// Without a tag an engine would pull all that there are.
fn target(reference: &str) -> String {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    let tag = if name.contains([':', '@']) { "" } else { ":latest" };
    let image = format!("{reference}{tag}");
    format!("/images/create?fromImage={}", utf8_percent_encode(&image, NON_ALPHANUMERIC))
}

struct Reading {
    answer: Raw,
    endpoint: Endpoint,
    lines: Lines,
    over: bool,
}

impl Reading {
    async fn next(&mut self) -> Result<Option<PullFrame>, EngineError> {
        loop {
            if let Some(line) = self.lines.whole.pop_front() {
                return PullFrame::parse(&line).map(Some);
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
            let message = format!("a line of a pull is longer than {LONGEST_LINE} bytes");
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

/// What an engine says of a layer takes some hundred bytes; a refusal may quote a page.
const LONGEST_LINE: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_image_is_asked_for_and_its_name_cannot_lead_elsewhere() {
        for (reference, image) in [
            ("nginx", "nginx%3Alatest"),
            ("127.0.0.1:5000/nginx", "127%2E0%2E0%2E1%3A5000%2Fnginx%3Alatest"),
            ("nginx:1.27", "nginx%3A1%2E27"),
            ("nginx@sha256:00", "nginx%40sha256%3A00"),
            ("x&fromSrc=y", "x%26fromSrc%3Dy%3Alatest"),
        ] {
            assert_eq!(target(reference), format!("/images/create?fromImage={image}"));
        }
    }

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
