//! A question to the engine without bollard, whose answer comes as the bytes that it is. Like bollard's,
//! each is a connection of its own, closed by dropping it.

use bytes::Bytes;
use futures::TryStreamExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_util::task::AbortOnDropHandle;

use super::fault;
use crate::engine::endpoint::Endpoint;
use crate::engine::{Context, EngineError};

/// A question, with the bytes that come with it.
pub(super) struct Question {
    method: Method,
    target: String,
    body: Option<Context>,
}

impl Question {
    /// A question without a body.
    pub(super) fn new(method: Method, target: String) -> Self {
        Self { method, target, body: None }
    }

    /// Sends an archive along, as it comes.
    pub(super) fn with_archive(self, archive: Context) -> Self {
        Self { body: Some(archive), ..self }
    }

    pub(super) fn has_body(&self) -> bool {
        self.body.is_some()
    }

    fn into_request(self, host: &str) -> Result<Request<Body>, EngineError> {
        let request = Request::builder().method(self.method).uri(&self.target);
        let request = request.header(hyper::header::HOST, host);
        let request = match self.body {
            Some(archive) => {
                let request = request.header(hyper::header::CONTENT_TYPE, "application/x-tar");
                request.body(StreamBody::new(archive.map_ok(Frame::data)).boxed_unsync())
            }
            None => request.body(Empty::new().map_err(|never| match never {}).boxed_unsync()),
        };
        request
            .map_err(|error| EngineError::Address { message: format!("{}: {error}", self.target) })
    }
}

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// The answer to a question, as far as it has been read.
pub(super) struct Raw {
    body: Incoming,
    _connection: AbortOnDropHandle<()>,
}

impl Raw {
    /// Sends a question and waits for the beginning of its answer.
    pub(super) async fn ask(endpoint: &Endpoint, question: Question) -> Result<Self, EngineError> {
        let found = endpoint.found();
        let of_io = |error: std::io::Error| fault::from_source(&error, endpoint);
        match &found {
            Endpoint::Sockets(paths) => {
                let path = paths.first().cloned().unwrap_or_default();
                let socket = UnixStream::connect(path).await.map_err(of_io)?;
                Self::over(socket, "localhost", question, endpoint).await
            }
            Endpoint::Http(address) => {
                let authority = address.strip_prefix("tcp://").unwrap_or(address);
                let socket = TcpStream::connect(authority).await.map_err(of_io)?;
                Self::over(socket, authority, question, endpoint).await
            }
        }
    }

    async fn over(
        socket: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        host: &str,
        question: Question,
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
                tracing::debug!(%error, "a connection to the engine ended");
            }
        }));
        let request = question.into_request(host)?;
        let response = sender.send_request(request).await.map_err(broken)?;
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        Ok(Self { body: response.into_body(), _connection: connection })
    }

    /// All of it.
    pub(super) async fn whole(self, endpoint: &Endpoint) -> Result<Bytes, EngineError> {
        let whole = Limited::new(self.body, LONGEST_ANSWER).collect().await;
        match whole {
            Ok(whole) => Ok(whole.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => {
                let message = format!("an answer is longer than {LONGEST_ANSWER} bytes");
                Err(EngineError::Unreadable { message })
            }
            Err(error) => Err(fault::from_source(error.as_ref(), endpoint)),
        }
    }

    /// The next bytes; `None` at the end. An answer that is cut is an error.
    pub(super) async fn chunk(
        &mut self,
        endpoint: &Endpoint,
    ) -> Result<Option<Bytes>, EngineError> {
        loop {
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            let frame = frame.map_err(|error| fault::from_source(&error, endpoint))?;
            // Trailers hold nothing.
            if let Ok(chunk) = frame.into_data() {
                return Ok(Some(chunk));
            }
        }
    }
}

/// What the engine says when it does not do what it is asked.
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

/// How many bytes an answer may have that is read as a whole: a hundred thousand containers' list has.
const LONGEST_ANSWER: usize = 256 * 1024 * 1024;

/// How many bytes of a refusal are read.
const LONGEST_REFUSAL: usize = 64 * 1024;
