//! WebSocket, RFC 6455, over tokio-tungstenite.
//!
//! Made for many quiet connections: few bytes to read what a client says, and none to write; see `outgoing.rs`.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode as WireCloseCode;
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig};

use super::outgoing::Outgoing;
use crate::auth::Identity;
use crate::proto::{CloseCode, SessionConfig};
use crate::server::{Incoming, Server, Socket};
use crate::stats::Transport;

/// The name of the protocol in `Sec-WebSocket-Protocol`.
pub const SUBPROTOCOL: &str = "nself.v1";

/// What a client says is mostly shorter; for a longer message the buffer grows.
const READ_BUFFER_BYTES: usize = 512;
/// What tungstenite writes by itself, pongs and the close, fits in.
const MAX_WRITE_BUFFER_BYTES: usize = 64 * 1024;

impl Server {
    /// Serves one connection of that client whose handshake is done, until it ends. To be polled from a task of its
    /// own.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the connection without a close frame.
    pub async fn serve_websocket<T>(&self, io: T, identity: Identity)
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let io = Outgoing::new(io);
        let config = websocket_config(self.config());
        let stream = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        self.serve(WebSocket(stream), identity).await;
    }
}

fn websocket_config(config: &SessionConfig) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES)
        .max_message_size(Some(config.max_message_bytes))
        .max_frame_size(Some(config.max_message_bytes))
}

struct WebSocket<T>(WebSocketStream<Outgoing<T>>);

impl<T: AsyncRead + AsyncWrite + Unpin> Socket for WebSocket<T> {
    type Error = Error;
    type Text = Utf8Bytes;

    fn transport(&self) -> Transport {
        Transport::WebSocket
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Incoming<Utf8Bytes>>> {
        Pin::new(&mut self.0).poll_next(cx).map(|message| match message? {
            Ok(Message::Text(text)) => Some(Incoming::Text(text)),
            Ok(Message::Binary(_)) => Some(Incoming::Broken(CloseCode::Unsupported)),
            Ok(_) => Some(Incoming::Alive),
            Err(error) => broken_rule(&error).map(Incoming::Broken),
        })
    }

    fn queue(&mut self, frame: Bytes) -> Result<(), Error> {
        self.0.get_mut().queue(frame);
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn queue_close(&mut self, code: CloseCode) -> Result<(), Error> {
        let close =
            CloseFrame { code: WireCloseCode::from(code.code()), reason: code.reason().into() };
        Pin::new(&mut self.0).start_send(Message::Close(Some(close)))
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let io = self.0.get_mut().io();
        // A second shutdown is ready at once.
        if ready!(Pin::new(&mut *io).poll_shutdown(cx)).is_err() {
            return Poll::Ready(());
        }
        let mut scratch = [0; 1024];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut *io).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }

    fn written(&self) -> u64 {
        self.0.get_ref().written()
    }
}

/// Which rule the other side broke; `None` if it is merely gone.
fn broken_rule(error: &Error) -> Option<CloseCode> {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => Some(CloseCode::TooBig),
        Error::Utf8(_) => Some(CloseCode::InvalidUtf8),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Protocol(_) => Some(CloseCode::ProtocolError),
        _ => None,
    }
}
