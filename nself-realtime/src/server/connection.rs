//! The loop around one peer: what the socket gives goes in, what the peer gives goes out, one write
//! at a time.

use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::{Sleep, sleep_until};

use super::Server;
use super::connected::Connected;
use crate::auth::{Access, AuthError, Identity};
use crate::hub::{Hub, Peer, Transmit};
use crate::proto::CloseCode;
use crate::stats::Transport;

/// A message-oriented transport.
pub(crate) trait Socket {
    /// What goes wrong with it.
    type Error: std::error::Error;

    /// A text message as it gives it.
    type Text: AsRef<str>;

    /// What kind of transport it is.
    fn transport(&self) -> Transport;

    /// The next message; `None` once the other side is gone.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Incoming<Self::Text>>>;

    /// Queues a frame for writing.
    fn queue(&mut self, frame: Bytes) -> Result<(), Self::Error>;

    /// Ready when everything that was queued has been taken by the operating system.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>>;

    /// Queues the end of the connection.
    fn queue_close(&mut self, code: CloseCode) -> Result<(), Self::Error>;

    /// Ends our side and reads on, without heed, until the other side has ended, too: who closes with
    /// bytes unread takes the close frame away from the other side.
    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// How many bytes the operating system has taken so far.
    fn written(&self) -> u64;
}

/// What a socket gives.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "websocket"),
    expect(dead_code, reason = "within a program nothing but text comes")
)]
pub(crate) enum Incoming<T> {
    /// A text message.
    Text(T),
    /// A sign of life.
    Alive,
    /// The other side broke the rules of the transport.
    Broken(CloseCode),
}

/// The other side has that long to take the close and to end its side.
const LINGER: Duration = Duration::from_secs(1);

/// Serves one connection until it ends.
// No `async fn`: what those are given they hold twice, and a quiet connection is little else than that.
pub(super) fn run<S: Socket>(
    mut socket: S,
    peer: Peer,
    hub: Hub,
    access: Access,
    stalled_after: Duration,
    mut draining: watch::Receiver<bool>,
) -> impl Future<Output = ()> {
    let connected = Connected::new(hub, socket.transport());
    let mut connection =
        Connection { peer, out: Vec::new(), flushing: None, stalled_after, authenticating: None };
    async move {
        let hub = connected.hub();
        let driving = drive(&mut connection, &mut socket, hub, &access, &mut draining);
        // A panic ends this connection and nothing else: what it shares is behind locks that forgive one.
        let end = AssertUnwindSafe(driving).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!("a connection is closed: its code panicked");
            hub.counters().closed(CloseCode::Internal);
            // The peer may have stopped halfway, so it is not asked for a last frame.
            End::Closed(CloseCode::Internal)
        });
        if let End::Closed(code) = end
            && socket.queue_close(code).is_ok()
        {
            let closed = poll_fn(|cx| match ready!(socket.poll_flush(cx)) {
                Ok(()) => socket.poll_finish(cx),
                Err(_) => Poll::Ready(()),
            });
            // Who does not end its side in time is left.
            let _ = tokio::time::timeout(LINGER, closed).await;
        }
        tracing::debug!(?end, "connection ended");
    }
}

async fn drive<S: Socket>(
    connection: &mut Connection,
    socket: &mut S,
    hub: &Hub,
    access: &Access,
    draining: &mut watch::Receiver<bool>,
) -> End {
    let clock = hub.clock();
    let mut drain = pin!(async {
        // An error means that the server itself is gone: that is an end, too.
        let _ = draining.wait_for(|draining| *draining).await;
    });
    let mut drained = false;
    let mut sleep = pin!(sleep_until(connection.peer.poll_timeout().into()));
    poll_fn(|cx| {
        if !drained && drain.as_mut().poll(cx).is_ready() {
            drained = true;
            let retry_after = Server::retry_after(hub.random_bits());
            connection.peer.close(CloseCode::Restart, Some(retry_after));
        }
        connection.poll(socket, access, cx, || clock.now(), sleep.as_mut())
    })
    .await
}

/// How a connection ended.
#[derive(Debug)]
enum End {
    /// By us, with this code.
    Closed(CloseCode),
    /// The other side is gone, or takes nothing any more.
    Gone,
}

struct Connection {
    peer: Peer,
    authenticating: Option<BoxFuture<'static, Result<Identity, AuthError>>>,
    out: Vec<Bytes>,
    // Since when a write waits, and how many bytes had been taken then.
    flushing: Option<(Instant, u64)>,
    stalled_after: Duration,
}

impl Connection {
    fn poll<S: Socket>(
        &mut self,
        socket: &mut S,
        access: &Access,
        cx: &mut Context<'_>,
        now: impl Fn() -> Instant,
        mut sleep: Pin<&mut Sleep>,
    ) -> Poll<End> {
        loop {
            while self.peer.wants_input() {
                match socket.poll_receive(cx) {
                    Poll::Ready(Some(Incoming::Text(text))) => {
                        self.peer.handle_text(now(), text.as_ref());
                    }
                    Poll::Ready(Some(Incoming::Alive)) => self.peer.handle_alive(now()),
                    Poll::Ready(Some(Incoming::Broken(code))) => self.peer.close(code, None),
                    Poll::Ready(None) => return Poll::Ready(End::Gone),
                    Poll::Pending => break,
                }
            }
            if let Some(token) = self.peer.poll_token() {
                self.authenticating = Some(access.authenticate(token));
            }
            if let Some(authenticating) = &mut self.authenticating
                && let Poll::Ready(outcome) = authenticating.as_mut().poll(cx)
            {
                self.authenticating = None;
                self.peer.handle_authenticated(outcome);
                continue;
            }
            let now = now();
            if let Some(end) = self.poll_write(socket, cx, now) {
                return Poll::Ready(end);
            }
            let deadline = self.deadline();
            // Most deadlines move on with every write: the timer follows when it has run out.
            if deadline < sleep.deadline().into_std() || sleep.is_elapsed() {
                sleep.as_mut().reset(deadline.into());
            }
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            // It may have run out since, and before the deadline.
            if sleep.deadline().into_std() == deadline {
                self.peer.handle_timeout(now.max(deadline));
            }
        }
    }

    /// Writes until there is nothing to write or the socket takes no more.
    fn poll_write<S: Socket>(
        &mut self,
        socket: &mut S,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Option<End> {
        loop {
            if let Some((since, written)) = self.flushing {
                match socket.poll_flush(cx) {
                    Poll::Ready(Ok(())) => {
                        self.flushing = None;
                        self.peer.handle_written();
                    }
                    Poll::Ready(Err(_)) => return Some(End::Gone),
                    Poll::Pending if socket.written() > written => {
                        self.flushing = Some((now, socket.written()));
                        return None;
                    }
                    // It takes nothing, so it cannot be told either.
                    Poll::Pending if now >= since + self.stalled_after => return Some(End::Gone),
                    Poll::Pending => return None,
                }
            }
            match self.peer.poll_transmit(now, cx.waker(), &mut self.out) {
                Transmit::Frames => {
                    for frame in self.out.drain(..) {
                        if socket.queue(frame).is_err() {
                            return Some(End::Gone);
                        }
                    }
                    self.flushing = Some((now, socket.written()));
                }
                Transmit::Idle => return None,
                Transmit::Close(code) => return Some(End::Closed(code)),
            }
        }
    }

    fn deadline(&self) -> Instant {
        match self.flushing {
            // Nothing else is due while a write waits.
            Some((since, _)) => since + self.stalled_after,
            None => self.peer.poll_timeout(),
        }
    }
}
