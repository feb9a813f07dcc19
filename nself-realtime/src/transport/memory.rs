//! Frames handed over within one program: the whole protocol without a socket.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::channel::mpsc;
use futures::{SinkExt, Stream, StreamExt};

use crate::auth::Identity;
use crate::proto::CloseCode;
use crate::server::{Incoming, Server, Socket};
use crate::stats::Transport;

/// That many frames may wait on either side.
const CAPACITY: usize = 16;

/// The client's side of a connection within one program: a stream of the server's frames as JSON.
/// Dropping it ends the connection.
#[derive(Debug)]
pub struct MemoryConnection {
    requests: mpsc::Sender<String>,
    frames: mpsc::Receiver<Bytes>,
}

impl Server {
    /// Connects within this program. The connection is served by a task of its own.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn connect(&self) -> MemoryConnection {
        self.connect_as(Identity::guest())
    }

    /// The same for that client.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn connect_as(&self, identity: Identity) -> MemoryConnection {
        let (requests, incoming) = mpsc::channel(CAPACITY);
        let (outgoing, frames) = mpsc::channel(CAPACITY);
        let socket = MemorySocket { incoming, outgoing, queue: VecDeque::new(), taken: 0 };
        let server = self.clone();
        tokio::spawn(async move { server.serve(socket, identity).await });
        MemoryConnection { requests, frames }
    }
}

impl MemoryConnection {
    /// Sends a frame; waits while the server has enough of them. Returns whether the server is still
    /// there.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it is ready, the frame may have been sent or not.
    pub async fn send(&mut self, frame: impl Into<String>) -> bool {
        self.requests.send(frame.into()).await.is_ok()
    }
}

impl Stream for MemoryConnection {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.frames.poll_next_unpin(cx)
    }
}

struct MemorySocket {
    incoming: mpsc::Receiver<String>,
    outgoing: mpsc::Sender<Bytes>,
    queue: VecDeque<Bytes>,
    taken: u64,
}

/// The other side is gone.
#[derive(Debug, thiserror::Error)]
#[error("the other side is gone")]
struct Gone;

impl Socket for MemorySocket {
    type Error = Gone;
    type Text = String;

    fn transport(&self) -> Transport {
        Transport::Memory
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Incoming<String>>> {
        self.incoming.poll_next_unpin(cx).map(|text| text.map(Incoming::Text))
    }

    fn queue(&mut self, frame: Bytes) -> Result<(), Gone> {
        self.queue.push_back(frame);
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        while !self.queue.is_empty() {
            match self.outgoing.poll_ready(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Gone)),
                Poll::Pending => return Poll::Pending,
            }
            if let Some(frame) = self.queue.pop_front() {
                self.taken += u64::try_from(frame.len()).unwrap_or(0);
                if self.outgoing.start_send(frame).is_err() {
                    return Poll::Ready(Err(Gone));
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn queue_close(&mut self, _code: CloseCode) -> Result<(), Gone> {
        // The frame `closing` has said it; the stream ends when this side is dropped.
        Ok(())
    }

    fn poll_finish(&mut self, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn written(&self) -> u64 {
        self.taken
    }
}
