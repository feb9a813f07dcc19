//! Messages of a stream of server-sent events, and the position that a client may come back with.

use std::fmt;
use std::io::Write;
use std::time::Duration;

use bytes::Bytes;

use crate::Cursor;
use crate::hub::Output;
use crate::proto::CloseCode;
use crate::proto::server_frame::{ClosingData, ServerFrame};
use crate::stats::Counters;

/// Keeps the position with which a client neither loses an event nor gets a loss counted twice.
#[derive(Debug)]
pub(super) struct Bookmark {
    cursor: Option<Cursor>,
    told: Option<Cursor>,
    subscribed: bool,
    ready: bool,
    // The last event that a gap has counted: until it is passed, the gap is not done with.
    gap_to: u64,
}

impl Bookmark {
    pub(super) fn new(since: Option<Cursor>) -> Self {
        Self { cursor: since, told: since, subscribed: false, ready: false, gap_to: 0 }
    }

    /// Notes that everything up to there was given, counted or not wanted.
    pub(super) fn move_to(&mut self, cursor: Cursor) {
        if self.ready && cursor.seq >= self.gap_to {
            self.cursor = Some(cursor);
        }
    }

    fn begin(&mut self) {
        (self.subscribed, self.ready, self.gap_to) = (true, false, 0);
    }

    fn tell(&mut self) -> Option<Cursor> {
        self.told = self.cursor;
        self.cursor
    }
}

/// Messages that are written with one write.
#[derive(Debug, Default)]
pub(super) struct Messages(Vec<u8>);

impl Messages {
    pub(super) fn append(
        &mut self,
        outputs: impl Iterator<Item = Output>,
        bookmark: &mut Bookmark,
        counters: &Counters,
    ) {
        for output in outputs {
            Counters::add(&counters.frames_out, 1);
            output.count(counters);
            match &output {
                Output::Subscribed(frame) => {
                    let name = if bookmark.subscribed { "reset" } else { "subscribed" };
                    bookmark.begin();
                    self.message(Some(name), bookmark.tell(), frame);
                }
                Output::Snapshot(frame) => self.message(None, bookmark.tell(), &frame.bytes),
                Output::Events(frame, cursor) => {
                    bookmark.move_to(*cursor);
                    self.message(None, bookmark.tell(), &frame.bytes);
                }
                Output::Gap(gap) => {
                    bookmark.gap_to = bookmark.gap_to.max(gap.to);
                    self.message(Some("gap"), bookmark.tell(), &gap.frame);
                }
                Output::Ready { frame, cursor } => {
                    bookmark.ready = true;
                    bookmark.move_to(*cursor);
                    self.message(Some("ready"), bookmark.tell(), frame);
                }
                Output::Closed(frame) => {
                    self.message(Some("unsubscribed"), bookmark.tell(), frame);
                }
            }
        }
    }

    /// Tells a position that was reached without an event.
    pub(super) fn bookmark_if_moved(&mut self, bookmark: &mut Bookmark) {
        if bookmark.cursor != bookmark.told
            && let Some(cursor) = bookmark.tell()
        {
            self.line(format_args!("id: {cursor}\n\n"));
        }
    }

    /// Shows that the stream lives: by the position if it moved, else by a comment.
    pub(super) fn sign_of_life(&mut self, bookmark: &mut Bookmark) {
        self.bookmark_if_moved(bookmark);
        if self.is_empty() {
            self.line(format_args!(":\n\n"));
        }
    }

    /// The stream ends; a browser comes back after that time.
    pub(super) fn closing(
        &mut self,
        code: CloseCode,
        retry_after: Option<Duration>,
        bookmark: &Bookmark,
    ) {
        let retry_after_ms =
            retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        let data = ClosingData { code: code.code(), reason: code.reason(), retry_after_ms };
        if let Some(ms) = retry_after_ms {
            self.line(format_args!("retry: {ms}\n"));
        }
        let frame = ServerFrame::Closing { data }.encode();
        self.message(Some("closing"), bookmark.cursor, &frame);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn finish(self) -> Bytes {
        self.0.into()
    }

    fn message(&mut self, event: Option<&str>, id: Option<Cursor>, data: &[u8]) {
        if let Some(event) = event {
            self.line(format_args!("event: {event}\n"));
        }
        if let Some(id) = id {
            self.line(format_args!("id: {id}\n"));
        }
        // JSON has line ends only between its tokens, where a payload was passed on as it stood.
        for line in data.split(|byte| matches!(byte, b'\n' | b'\r')) {
            self.0.extend_from_slice(b"data: ");
            self.0.extend_from_slice(line);
            self.0.push(b'\n');
        }
        self.0.push(b'\n');
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to memory cannot fail.
        let _ = self.0.write_fmt(line);
    }
}
