//! The log of a service as a stream of its lines.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::Stream;

use super::{Delivery, Events, Gap, ReadError};
use crate::event::{Event, LogLine, LogMarker, LogsStream, Source};
use crate::{Name, NanoTimestamp};

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
    /// nothing known stands at the beginning of what it has.
    Break,
    /// There is no such room now. The stream goes on when it is open again.
    Closed,
}

/// The log of a service: each line once, also across restarts of the server.
#[derive(Debug)]
pub struct Logs {
    events: Events<LogsStream>,
    known: Known,
    waiting: VecDeque<LogEntry>,
}

impl Logs {
    pub(super) fn new(events: Events<LogsStream>) -> Self {
        Self { events, known: Known::default(), waiting: VecDeque::new() }
    }

    fn take(&mut self, delivery: Delivery<Event<LogsStream>>) {
        match delivery {
            Delivery::Snapshot { events, reset, .. } => {
                let entries = events.into_iter().map(|event| event.data).collect();
                self.waiting.extend(self.known.merge(entries, reset));
            }
            Delivery::Events { events, .. } => {
                for event in events {
                    self.known.note(&event.data);
                    self.waiting.push_back(entry(event.data));
                }
            }
            Delivery::Gap { gap, .. } => self.waiting.push_back(LogEntry::Gap(gap)),
            Delivery::Closed { .. } => self.waiting.push_back(LogEntry::Closed),
        }
    }
}

impl Stream for Logs {
    type Item = Result<LogEntry, ReadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(entry) = self.waiting.pop_front() {
                return Poll::Ready(Some(Ok(entry)));
            }
            match ready!(Pin::new(&mut self.events).poll_next(cx)) {
                Some(Ok(delivery)) => self.take(delivery),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

fn entry(event: LogsStream) -> LogEntry {
    match event {
        LogsStream::Line(line) => LogEntry::Line(line),
        LogsStream::Marker(marker) => LogEntry::Marker(marker),
    }
}

/// A line's place in its stream: of one container and source, times never fall.
type Place = (NanoTimestamp, u32);

/// The last line of each stream that was told.
#[derive(Debug, Default)]
struct Known {
    lines: HashMap<(Option<Name>, Source), Place>,
    markers: Option<NanoTimestamp>,
}

impl Known {
    fn note(&mut self, event: &LogsStream) {
        match event {
            LogsStream::Line(line) => {
                let stream = (line.container_id.clone(), line.source);
                self.lines.insert(stream, (line.time, line.n));
            }
            LogsStream::Marker(marker) => self.markers = Some(marker.time),
        }
    }

    /// What of a new log is not known yet; where the old one does not reach into it, after a break.
    fn merge(&mut self, events: Vec<LogsStream>, reset: bool) -> Vec<LogEntry> {
        let torn = reset && !self.lines.is_empty() && !events.iter().any(|event| self.has(event));
        let mut entries = Vec::new();
        if torn && !events.is_empty() {
            entries.push(LogEntry::Break);
        }
        for event in events {
            if !self.has(&event) {
                self.note(&event);
                entries.push(entry(event));
            }
        }
        entries
    }

    fn has(&self, event: &LogsStream) -> bool {
        match event {
            LogsStream::Line(line) => {
                let stream = (line.container_id.clone(), line.source);
                self.lines.get(&stream).is_some_and(|last| (line.time, line.n) <= *last)
            }
            LogsStream::Marker(marker) => self.markers.is_some_and(|last| marker.time <= last),
        }
    }
}
