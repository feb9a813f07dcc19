//! The log of a service as a stream of its lines.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::Stream;
use futures::future::BoxFuture;

use super::history::Archive;
use super::log_memory::{LogMemory, Tear};
use super::{Delivery, Events, Gap, ReadError};
use crate::event::{Event, LogLine, LogMarker, LogsStream};
use crate::{Name, RoomName};

/// What stands in a log, one after the other.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum LogEntry {
    /// A line that the service printed.
    Line(LogLine),
    /// Something that happened to the log itself.
    Marker(LogMarker),
    /// Lines that are gone for this reader.
    Gap(Gap),
    /// The server began its log anew, and between the entries around this one lines may be missing:
    /// neither what it tells nor its history reaches back to what was told, or the history cannot be had.
    Break,
    /// There is no such room now. The stream goes on when it is open again.
    Closed,
}

/// The log of a service: each line once, also across restarts of the server.
///
/// A server that was started again tells its log anew. Where that does not reach back to the lines that
/// were told, those between are asked of the server's history, 10,000 at most, within 15 s
/// ([`history_url`](super::ClientBuilder::history_url)). What it does not have is a [`LogEntry::Break`].
///
/// # Cancel safety
///
/// Dropping a `next` that is not ready loses nothing: a question under way belongs to the stream.
pub struct Logs {
    events: Events<LogsStream>,
    room: RoomName,
    service: Name,
    archive: Arc<Archive>,
    memory: LogMemory,
    asking: Option<Asking>,
    waiting: VecDeque<LogEntry>,
}

/// What came after a tear waits for what lies in it. Meanwhile nothing more is taken in.
struct Asking {
    events: Vec<LogsStream>,
    answer: BoxFuture<'static, (Tear, Option<Vec<LogLine>>)>,
}

impl Logs {
    pub(super) fn new(
        events: Events<LogsStream>,
        archive: Arc<Archive>,
        room: RoomName,
        service: Name,
    ) -> Self {
        let (memory, waiting) = (LogMemory::default(), VecDeque::new());
        Self { events, room, service, archive, memory, asking: None, waiting }
    }

    fn take(&mut self, delivery: Delivery<Event<LogsStream>>) {
        let events = match delivery {
            Delivery::Snapshot { events, reset, .. } => {
                if reset {
                    self.memory.handle_reset();
                }
                events
            }
            Delivery::Events { events, .. } => events,
            Delivery::Gap { gap, .. } => return self.waiting.push_back(LogEntry::Gap(gap)),
            Delivery::Closed { .. } => return self.waiting.push_back(LogEntry::Closed),
        };
        let events: Vec<_> = events.into_iter().map(|event| event.data).collect();
        match self.memory.find_tear(&events) {
            None => self.waiting.extend(self.memory.take(events)),
            Some(tear) => self.asking = Some(self.ask(tear, events)),
        }
    }

    fn ask(&self, tear: Tear, events: Vec<LogsStream>) -> Asking {
        let (archive, room) = (Arc::clone(&self.archive), self.room.clone());
        let service = self.service.clone();
        let answer = async move {
            let lines = archive.ask(&room, &service, &tear).await;
            (tear, lines)
        };
        Asking { events, answer: Box::pin(answer) }
    }
}

impl Stream for Logs {
    type Item = Result<LogEntry, ReadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(entry) = self.waiting.pop_front() {
                return Poll::Ready(Some(Ok(entry)));
            }
            if let Some(asking) = &mut self.asking {
                let (tear, lines) = ready!(asking.answer.as_mut().poll(cx));
                let events = self.asking.take().map(|asking| asking.events).unwrap_or_default();
                let entries = match lines {
                    Some(lines) => self.memory.mend(&tear, lines, events),
                    None => self.memory.break_off(events),
                };
                self.waiting.extend(entries);
                continue;
            }
            match ready!(Pin::new(&mut self.events).poll_next(cx)) {
                Some(Ok(delivery)) => self.take(delivery),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logs")
            .field("room", &self.room)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}
