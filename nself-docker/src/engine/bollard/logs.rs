//! The log of a container, read from the engine without bollard: its decoder holds what a terminal
//! prints back until a newline, without any bound, and reserves as much as a frame says that it is
//! long.

use std::collections::VecDeque;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::timeout;

use super::ANSWER_WITHIN;
use super::demux::Demux;
use super::raw::{Question, Raw};
use crate::engine::endpoint::Endpoint;
use crate::engine::{EngineError, Frames, LogFrame, LogQuery};

/// Opens a log. The request goes out at the first poll.
pub(super) fn open(endpoint: Endpoint, id: &str, query: LogQuery) -> Frames<LogFrame> {
    let target = target(id, query);
    stream::once(async move {
        let reading = timeout(ANSWER_WITHIN, Reading::begin(&endpoint, &target)).await;
        let reading = reading.unwrap_or(Err(EngineError::Timeout { after: ANSWER_WITHIN }))?;
        Ok(reading.frames(endpoint))
    })
    .try_flatten()
    .boxed()
}

fn target(id: &str, query: LogQuery) -> String {
    let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
    let LogQuery { tail, since_unix_seconds, follow } = query;
    format!(
        // Times are also what tells frames from what a terminal prints: a line begins with a digit.
        "/containers/{id}/logs?stdout=true&stderr=true&timestamps=true\
         &follow={follow}&tail={tail}&since={since_unix_seconds}"
    )
}

struct Reading {
    answer: Raw,
    demux: Demux,
    frames: VecDeque<LogFrame>,
    /// What follows the frames that have come.
    error: Option<EngineError>,
}

impl Reading {
    async fn begin(endpoint: &Endpoint, target: &str) -> Result<Self, EngineError> {
        let answer = Raw::ask(endpoint, Question::new(Method::GET, target.to_owned())).await?;
        Ok(Self { answer, demux: Demux::default(), frames: VecDeque::new(), error: None })
    }

    fn frames(self, endpoint: Endpoint) -> Frames<LogFrame> {
        // It is moved with every frame.
        let boxed = Box::new((self, endpoint));
        stream::try_unfold(boxed, async |mut boxed| {
            let (reading, endpoint) = &mut *boxed;
            let frame = reading.next(endpoint).await?;
            Ok(frame.map(|frame| (frame, boxed)))
        })
        .boxed()
    }

    async fn next(&mut self, endpoint: &Endpoint) -> Result<Option<LogFrame>, EngineError> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Ok(Some(frame));
            }
            if let Some(error) = self.error.take() {
                return Err(error);
            }
            let Some(chunk) = self.answer.chunk(endpoint).await? else { return Ok(None) };
            self.error = self.demux.handle(chunk, &mut self.frames).err();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_bounded_and_its_container_cannot_lead_elsewhere() {
        let query = LogQuery::new(2_000).since(17);
        assert_eq!(
            target("../../x?y", query.following()),
            "/containers/%2E%2E%2F%2E%2E%2Fx%3Fy/logs?stdout=true&stderr=true&timestamps=true\
             &follow=true&tail=2000&since=17"
        );
        assert!(target("c", query).ends_with("&follow=false&tail=2000&since=17"));
    }
}
