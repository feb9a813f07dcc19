//! The log of a container, read from the engine without bollard: its decoder holds what a terminal
//! prints back until a newline, without any bound, and reserves as much as a frame says that it is
//! long. Like bollard's, each stream is a connection of its own, closed by dropping it.

use std::collections::VecDeque;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::ANSWER_WITHIN;
use super::demux::Demux;
use super::fault;
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
    body: Incoming,
    demux: Demux,
    frames: VecDeque<LogFrame>,
    /// What follows the frames that have come.
    error: Option<EngineError>,
    _connection: AbortOnDropHandle<()>,
}

impl Reading {
    async fn begin(endpoint: &Endpoint, target: &str) -> Result<Self, EngineError> {
        let found = endpoint.found();
        let of_io = |error: std::io::Error| fault::from_source(&error, endpoint);
        match &found {
            Endpoint::Sockets(paths) => {
                let path = paths.first().cloned().unwrap_or_default();
                let socket = UnixStream::connect(path).await.map_err(of_io)?;
                Self::ask(socket, "localhost", target, endpoint).await
            }
            Endpoint::Http(address) => {
                let authority = address.strip_prefix("tcp://").unwrap_or(address);
                let socket = TcpStream::connect(authority).await.map_err(of_io)?;
                Self::ask(socket, authority, target, endpoint).await
            }
        }
    }

    async fn ask(
        socket: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        host: &str,
        target: &str,
        endpoint: &Endpoint,
    ) -> Result<Self, EngineError> {
        let broken = |error: hyper::Error| fault::from_source(&error, endpoint);
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(READ_AT_ONCE)
            .handshake(TokioIo::new(socket))
            .await
            .map_err(broken)?;
        let connection = AbortOnDropHandle::new(tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the connection of a log ended");
            }
        }));
        let request =
            Request::get(target).header(hyper::header::HOST, host).body(Empty::<Bytes>::new());
        let request = request
            .map_err(|error| EngineError::Address { message: format!("{target}: {error}") })?;
        let response = sender.send_request(request).await.map_err(broken)?;
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        Ok(Self {
            body: response.into_body(),
            demux: Demux::default(),
            frames: VecDeque::new(),
            error: None,
            _connection: connection,
        })
    }

    fn frames(self, endpoint: Endpoint) -> Frames<LogFrame> {
        stream::try_unfold((self, endpoint), async |(mut reading, endpoint)| {
            let frame = reading.next(&endpoint).await?;
            Ok(frame.map(|frame| (frame, (reading, endpoint))))
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
            let Some(chunk) = self.body.frame().await else { return Ok(None) };
            let chunk = chunk.map_err(|error| fault::from_source(&error, endpoint))?;
            // Trailers hold nothing.
            let Ok(chunk) = chunk.into_data() else { continue };
            self.error = self.demux.handle(chunk, &mut self.frames).err();
        }
    }
}

/// What the engine says when it does not give a log.
async fn refusal(response: Response<Incoming>) -> EngineError {
    #[derive(Deserialize)]
    struct Said {
        message: String,
    }

    let status = response.status().as_u16();
    let message = match Limited::new(response.into_body(), LONGEST_REFUSAL).collect().await {
        Ok(body) => {
            let body = body.to_bytes();
            serde_json::from_slice(&body).map_or_else(
                |_| String::from_utf8_lossy(&body).trim().to_owned(),
                |Said { message }| message.trim().to_owned(),
            )
        }
        Err(error) => error.to_string(),
    };
    EngineError::Api { status, message }
}

/// How much is read from the socket at once, at most.
const READ_AT_ONCE: usize = 64 * 1024;

/// How many bytes of a refusal are read.
const LONGEST_REFUSAL: usize = 64 * 1024;

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
