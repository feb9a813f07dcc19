//! What a client says to its server before the first frame: over HTTP/1.1, as itself.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::Error as WebSocketError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::address::Address;
use super::connect::{Connector, Io};

const READ_BUFFER_BYTES: usize = 4 * 1024;
/// What a client says is short; more waits for nobody.
const MAX_WRITE_BUFFER_BYTES: usize = 1024 * 1024;
/// The longest message that is taken.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;
/// The longest answer over HTTP: what all rooms of a server keep together.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// An open WebSocket.
pub(super) type Socket = WebSocketStream<Box<dyn Io>>;

/// An answer over HTTP, read whole.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Bytes,
}

/// Why no WebSocket was opened.
#[derive(Debug)]
pub(super) enum Unopened {
    /// It was answered, but not with one.
    Refused(Answered),
    /// It was not answered.
    Failed(io::Error),
}

/// How a client introduces itself.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) connector: Connector,
    pub(super) socket: Address,
    pub(super) poll: Address,
    pub(super) headers: HeaderMap,
}

impl Endpoint {
    /// Opens a WebSocket.
    pub(super) async fn open(&self, token: Option<HeaderValue>) -> Result<Socket, Unopened> {
        let address = &self.socket;
        let io = self.connector.open(address).await.map_err(Unopened::Failed)?;
        let request = self.upgrade(address, token).map_err(Unopened::Failed)?;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        match tokio_tungstenite::client_async_with_config(request, io, Some(config)).await {
            Ok((socket, _)) => Ok(socket),
            Err(WebSocketError::Http(response)) => {
                let (parts, body) = response.into_parts();
                Err(Unopened::Refused(Answered {
                    status: parts.status.as_u16(),
                    retry_after: retry_after(&parts.headers),
                    body: body.unwrap_or_default().into(),
                }))
            }
            Err(WebSocketError::Io(error)) => Err(Unopened::Failed(error)),
            Err(error) => Err(Unopened::Failed(io::Error::other(error))),
        }
    }

    fn upgrade(&self, address: &Address, token: Option<HeaderValue>) -> io::Result<Request<()>> {
        let scheme = if address.tls { "wss" } else { "ws" };
        let uri = format!("{scheme}://{}{}", address.authority, address.target);
        let mut request = uri.into_client_request().map_err(io::Error::other)?;
        // The subprotocol is optional, and a server that does not answer to it would be refused.
        self.introduce(address, token, request.headers_mut())?;
        Ok(request)
    }

    fn introduce(
        &self,
        address: &Address,
        token: Option<HeaderValue>,
        headers: &mut HeaderMap,
    ) -> io::Result<()> {
        let origin = HeaderValue::try_from(address.origin()).map_err(io::Error::other)?;
        headers.insert(header::ORIGIN, origin);
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
        if let Some(token) = token {
            headers.insert(header::AUTHORIZATION, token);
        }
        Ok(())
    }
}

/// Asks over a connection that is kept for the next time.
#[derive(Debug)]
pub(super) struct Asker {
    endpoint: Endpoint,
    kept: Option<SendRequest<Full<Bytes>>>,
}

impl Asker {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, kept: None }
    }

    /// Posts JSON, and counts what comes back into `received`.
    pub(super) async fn post(
        &mut self,
        address: &Address,
        token: Option<HeaderValue>,
        body: Bytes,
        received: &AtomicU64,
    ) -> io::Result<Answered> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        self.send(address, token, request, received).await
    }

    /// Gets what is there, and counts what comes back into `received`.
    pub(super) async fn get(
        &mut self,
        address: &Address,
        token: Option<HeaderValue>,
        received: &AtomicU64,
    ) -> io::Result<Answered> {
        self.send(address, token, Request::new(Full::default()), received).await
    }

    async fn send(
        &mut self,
        address: &Address,
        token: Option<HeaderValue>,
        mut request: Request<Full<Bytes>>,
        received: &AtomicU64,
    ) -> io::Result<Answered> {
        *request.uri_mut() = Uri::from(address.target.clone());
        let headers = request.headers_mut();
        let host = HeaderValue::try_from(&address.authority).map_err(io::Error::other)?;
        headers.insert(header::HOST, host);
        self.endpoint.introduce(address, token, headers)?;
        if let Some(mut kept) = self.kept.take()
            && kept.ready().await.is_ok()
        {
            // The server may have closed it while nobody looked: then it is asked anew.
            if let Ok(response) = kept.send_request(request.clone()).await {
                return self.finish(kept, response, received).await;
            }
        }
        let io = self.endpoint.connector.open(address).await?;
        let (mut sender, connection) =
            handshake(TokioIo::new(io)).await.map_err(io::Error::other)?;
        // It ends with its sender, and what goes wrong with it is told to who asked.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        self.finish(sender, response, received).await
    }

    async fn finish(
        &mut self,
        sender: SendRequest<Full<Bytes>>,
        response: Response<Incoming>,
        received: &AtomicU64,
    ) -> io::Result<Answered> {
        let (parts, mut body) = response.into_parts();
        received.fetch_add(1, Ordering::Relaxed);
        let mut read = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(io::Error::other)?.into_data() else { continue };
            if read.len() + data.len() > MAX_ANSWER_BYTES {
                return Err(io::Error::other("the answer is too long"));
            }
            received.fetch_add(1, Ordering::Relaxed);
            read.extend_from_slice(&data);
        }
        self.kept = Some(sender);
        let (status, retry_after) = (parts.status.as_u16(), retry_after(&parts.headers));
        Ok(Answered { status, retry_after, body: read.freeze() })
    }
}

/// Seconds; a date is not understood.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
