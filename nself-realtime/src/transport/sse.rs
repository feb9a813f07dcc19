//! Server-sent events: one room as a stream of messages that every browser reads by itself.
//!
//! First `event: subscribed`; then what is kept or was missed, as messages without an `event:`;
//! `event: ready`; then what comes. `event: gap`, `event: reset` (the log no longer knows the position:
//! a snapshot follows), `event: unsubscribed` (the room has gone) and `event: closing` (the server
//! stops, or the sign-in has ended) come when they come; after the last two the stream ends. The data of each is the frame of
//! that name.
//!
//! # Resuming
//!
//! Every message has the `id:` to come back with, as `Last-Event-ID` or `since`. It stays where it was
//! until `ready`, and from a gap until everything that the gap counts is passed: what came since it
//! last changed comes again, and takes the place of what was received then.
//!
//! # Falling behind
//!
//! The stream is read when its consumer asks for more. One that asks rarely costs a cursor, and is
//! told what is gone by then.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::Stream;
use futures::future::BoxFuture;
use futures::stream::unfold;
use tokio::sync::watch;
use tokio::time::{Sleep, sleep_until};

use super::request::Query;
use super::sse_message::{Bookmark, Messages};
use super::{InvalidRequest, RoomError};
use crate::auth::Identity;
use crate::clock::Clock;
use crate::hub::{Output, Reader, Step};
use crate::proto::{CloseCode, Flush, Pacer};
use crate::room::{Filter, Space};
use crate::server::{Connected, Server};
use crate::stats::{Counters, Transport};
use crate::{Cursor, RoomName};

/// After that long without a message the client hears that the stream lives.
const SILENCE: Duration = Duration::from_secs(15);

/// Asks for one room as a stream of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventsRequest {
    room: RoomName,
    filters: Vec<Filter>,
    since: Option<Cursor>,
}

impl EventsRequest {
    /// Reads `room=R&types=a,b&keys=k&tail=N&since=C`.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`] with the parameter that is wrong.
    pub fn from_query(query: &str) -> Result<Self, InvalidRequest> {
        let Query { room, filter, since, wait_ms } = Query::parse(query)?;
        if wait_ms.is_some() {
            return Err(InvalidRequest::at("waitMs", "a stream does not wait"));
        }
        Ok(Self { room, filters: vec![filter], since })
    }

    /// Goes on after the message with this `id`, whatever the query says: the value of the header
    /// `Last-Event-ID`, which a browser sends when it comes back.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`]: it is neither empty nor a cursor.
    pub fn last_event_id(mut self, id: &str) -> Result<Self, InvalidRequest> {
        if !id.is_empty() {
            let cursor =
                id.parse().map_err(|error| InvalidRequest::at("Last-Event-ID", format!("{error}")));
            self.since = Some(cursor?);
        }
        Ok(self)
    }
}

impl Server {
    /// The body of a response to that client, with `Content-Type: text/event-stream`: an item is what is to be written
    /// with one write. To be polled within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`RoomError`]: there is nothing to read.
    pub fn events(
        &self,
        identity: &Identity,
        request: EventsRequest,
    ) -> Result<impl Stream<Item = Bytes> + Send + 'static + use<>, RoomError> {
        let EventsRequest { room, filters, since } = request;
        if !self.access().may_read(identity, &room) {
            return Err(RoomError::Forbidden { room });
        }
        let mut outputs = Vec::new();
        let Some(reader) = self.hub().subscribe(&room, filters, since, &mut outputs) else {
            return Err(RoomError::UnknownRoom { room });
        };
        let clock = Arc::clone(self.hub().clock());
        let mut bookmark = Bookmark::new(since);
        let mut first = Messages::default();
        first.append(outputs.drain(..), &mut bookmark, self.hub().counters());
        let stream = EventStream {
            reader,
            outputs,
            bookmark,
            pacer: Pacer::new(self.config().pacing),
            silent_since: clock.now(),
            clock,
            connected: Connected::new(self.hub().clone(), Transport::Events),
            draining: self.follow_drain(),
            lease_end: Box::pin(self.lease_end(identity.lease())),
            sleep: None,
            stage: Stage::Begun(first),
        };
        Ok(unfold(stream, |mut stream| async move {
            stream.next().await.map(|messages| (messages, stream))
        }))
    }
}

/// Reads a room for one stream.
struct EventStream {
    reader: Reader,
    // What the reader gave last; kept for its room.
    outputs: Vec<Output>,
    bookmark: Bookmark,
    pacer: Pacer,
    clock: Arc<dyn Clock>,
    silent_since: Instant,
    connected: Connected,
    draining: watch::Receiver<bool>,
    lease_end: BoxFuture<'static, CloseCode>,
    // Made when it is first needed: there need be no runtime before.
    sleep: Option<Pin<Box<Sleep>>>,
    stage: Stage,
}

enum Stage {
    /// The answer is to be given.
    Begun(Messages),
    Reading,
    /// The last message was given.
    Ended,
}

/// What there is to do.
enum Due {
    /// With this code.
    End(CloseCode),
    Events,
    SignOfLife,
}

impl EventStream {
    /// What is to be written next; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if matches!(self.stage, Stage::Ended) {
            return None;
        }
        if let Stage::Begun(messages) = std::mem::replace(&mut self.stage, Stage::Reading) {
            return Some(self.written(messages));
        }
        loop {
            let Self { draining, lease_end, reader, pacer, clock, sleep, silent_since, .. } = self;
            let speak_at = *silent_since + SILENCE;
            let due = tokio::select! {
                biased;
                // An error means that the server itself is gone: that is an end, too.
                _ = draining.wait_for(|draining| *draining) => Due::End(CloseCode::Restart),
                code = lease_end => Due::End(code),
                due = poll_fn(|cx| poll_due(reader, pacer, &**clock, sleep, speak_at, cx)) => due,
            };
            let now = self.clock.now();
            let mut messages = Messages::default();
            match due {
                Due::End(code) => self.end(code, &mut messages),
                Due::Events => self.read(now, &mut messages),
                Due::SignOfLife => {
                    self.bookmark.move_to(self.reader.cursor());
                    messages.sign_of_life(&mut self.bookmark);
                }
            }
            if !messages.is_empty() {
                self.silent_since = now;
                return Some(self.written(messages));
            }
        }
    }

    fn written(&self, messages: Messages) -> Bytes {
        let bytes = messages.finish();
        Counters::add(&self.connected.hub().counters().bytes_out, bytes.len());
        bytes
    }

    fn read(&mut self, now: Instant, messages: &mut Messages) {
        let space = Space { bytes: self.pacer.max_bytes(), events: usize::MAX, one_larger: true };
        let step = self.reader.step(space, &mut self.outputs);
        self.pacer.flushed(now, step == Step::Cut);
        let counters = self.connected.hub().counters();
        messages.append(self.outputs.drain(..), &mut self.bookmark, counters);
        if step == Step::Closed {
            self.stage = Stage::Ended;
        } else {
            // A gap with nothing after it is passed by the reader alone.
            self.bookmark.move_to(self.reader.cursor());
            messages.bookmark_if_moved(&mut self.bookmark);
        }
    }

    fn end(&mut self, code: CloseCode, messages: &mut Messages) {
        self.stage = Stage::Ended;
        let hub = self.connected.hub();
        hub.counters().closed(code);
        let comes_back = CloseCode::means_return(code.code());
        let retry_after = comes_back.then(|| Server::retry_after(hub.random_bits()));
        messages.closing(code, retry_after, &self.bookmark);
    }
}

/// Ready when events are to be written, or when there were none for too long.
fn poll_due(
    reader: &mut Reader,
    pacer: &mut Pacer,
    clock: &dyn Clock,
    sleep: &mut Option<Pin<Box<Sleep>>>,
    speak_at: Instant,
    cx: &mut Context<'_>,
) -> Poll<Due> {
    let pending = reader.look(cx.waker(), pacer.max_events());
    let (at, due) = match pacer.decide(clock.now(), pending) {
        Flush::Now => return Poll::Ready(Due::Events),
        Flush::At(at) => (at, Due::Events),
        Flush::Idle => (speak_at, Due::SignOfLife),
    };
    let sleep = sleep.get_or_insert_with(|| Box::pin(sleep_until(at.into())));
    if sleep.deadline().into_std() != at {
        sleep.as_mut().reset(at.into());
    }
    sleep.as_mut().poll(cx).map(|()| due)
}
