//! Events as frames: each event is encoded once when it is published, each frame is put together once
//! for all readers that stand at the same place with the same filters.

use std::collections::VecDeque;
use std::io::Write;
use std::ops::Range;

use bytes::Bytes;

use super::filter::FilterId;
use super::hot::Entry;
use super::keys::Keys;
use super::read::Space;
use crate::RoomName;
use crate::proto::server_frame::{GapData, Loss};

/// What comes before and after an event's body costs at most that much.
const EVENT_OVERHEAD: usize = 96;

/// The length of an event inside a frame, to the byte or a little more.
pub(super) fn size_of(entry: &Entry) -> usize {
    entry.body.len() + EVENT_OVERHEAD
}

/// A frame of events, and where in it they stand, separated by commas.
#[derive(Debug, Clone, Default)]
#[cfg_attr(
    not(feature = "poll"),
    expect(dead_code, reason = "the frame alone is enough where whole frames are carried")
)]
pub(crate) struct EventsFrame {
    /// The whole frame.
    pub(crate) bytes: Bytes,
    /// When the oldest event in it was published, in nanoseconds since 1970.
    pub(crate) oldest: u64,
    /// How many events it has.
    pub(crate) events: usize,
    list: Range<usize>,
}

#[cfg(feature = "poll")]
impl EventsFrame {
    /// The events alone.
    pub(crate) fn list(&self) -> Bytes {
        self.bytes.slice(self.list.clone())
    }
}

/// What is missing for a reader.
#[derive(Debug, Clone)]
pub(crate) struct Gap {
    /// The frame that tells it.
    pub(crate) frame: Bytes,
    /// The position of the last event that it counts.
    #[cfg_attr(
        not(feature = "sse"),
        expect(
            dead_code,
            reason = "the frame says it, too; this is for those who carry another form"
        )
    )]
    pub(crate) to: u64,
    /// Why they are gone.
    pub(crate) why: Loss,
    #[cfg_attr(not(any(test, feature = "poll")), expect(dead_code, reason = "as for events"))]
    data: Range<usize>,
}

#[cfg(any(test, feature = "poll"))]
impl Gap {
    /// The data alone.
    pub(crate) fn data(&self) -> Bytes {
        self.frame.slice(self.data.clone())
    }
}

/// Tells what is missing.
pub(super) fn gap(room: &RoomName, data: &GapData<'_>) -> Gap {
    // Names of rooms have no character that JSON would escape, and nothing in the data can fail.
    let mut frame = format!(r#"{{"type":"gap","room":"{room}","data":"#).into_bytes();
    let begin = frame.len();
    let _ = serde_json::to_writer(&mut frame, data);
    let range = begin..frame.len();
    frame.push(b'}');
    Gap { frame: frame.into(), to: data.to, why: data.why, data: range }
}

/// One event with its room, or two or more as a batch.
pub(super) fn events(room: &RoomName, keys: &Keys, entries: &[Entry]) -> EventsFrame {
    if let [entry] = entries {
        let mut frame = Vec::with_capacity(size_of(entry) + room.as_str().len());
        event(&mut frame, Some(room), keys, entry);
        let list = 0..frame.len();
        return EventsFrame { bytes: frame.into(), oldest: entry.published, events: 1, list };
    }
    list("batch", room, None, keys, entries)
}

/// A part of what is kept.
pub(super) fn snapshot(
    room: &RoomName,
    id: Option<u64>,
    keys: &Keys,
    entries: &[Entry],
) -> EventsFrame {
    list("snapshot", room, id, keys, entries)
}

fn list(
    kind: &str,
    room: &RoomName,
    id: Option<u64>,
    keys: &Keys,
    entries: &[Entry],
) -> EventsFrame {
    let mut frame = Vec::with_capacity(160 + entries.iter().map(size_of).sum::<usize>());
    // Names have no character that JSON would escape; writing to memory cannot fail.
    let _ = write!(frame, r#"{{"type":"{kind}","room":"{room}","#);
    if let Some(id) = id {
        let _ = write!(frame, r#""id":{id},"#);
    }
    frame.extend_from_slice(br#""events":["#);
    let start = frame.len();
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 {
            frame.push(b',');
        }
        event(&mut frame, None, keys, entry);
    }
    let list = start..frame.len();
    frame.extend_from_slice(b"]}");
    let oldest = entries.iter().map(|entry| entry.published).min().unwrap_or(0);
    EventsFrame { bytes: frame.into(), oldest, events: entries.len(), list }
}

fn event(frame: &mut Vec<u8>, room: Option<&RoomName>, keys: &Keys, entry: &Entry) {
    let event_type = keys.slot(entry.key).map_or("", |slot| slot.event_type());
    frame.extend_from_slice(br#"{"type":""#);
    frame.extend_from_slice(event_type.as_bytes());
    if let Some(room) = room {
        frame.extend_from_slice(br#"","room":""#);
        frame.extend_from_slice(room.as_str().as_bytes());
    }
    let _ = write!(frame, r#"","seq":{},"#, entry.seq);
    frame.extend_from_slice(&entry.body);
}

/// The frames that were made last.
#[derive(Debug, Default)]
pub(super) struct FrameCache {
    frames: VecDeque<CachedFrame>,
}

/// A frame, and for whom it is right: readers with these filters at that place, as long as the log
/// has not gone on (unless the frame was full anyway).
#[derive(Debug, Clone)]
pub(super) struct CachedFrame {
    pub(super) filter: FilterId,
    pub(super) from: u64,
    pub(super) space: Space,
    pub(super) head: u64,
    pub(super) to: u64,
    pub(super) events: usize,
    pub(super) cut: bool,
    pub(super) frame: EventsFrame,
}

/// A room's readers come in at most that many groups at a time before frames are made twice.
const FRAMES: usize = 8;

impl FrameCache {
    pub(super) fn find(
        &self,
        filter: FilterId,
        from: u64,
        space: Space,
        head: u64,
    ) -> Option<&CachedFrame> {
        self.frames.iter().find(|frame| {
            (frame.filter, frame.from, frame.space) == (filter, from, space)
                && (frame.cut || frame.head == head)
        })
    }

    pub(super) fn add(&mut self, frame: CachedFrame) {
        if self.frames.len() >= FRAMES {
            self.frames.pop_front();
        }
        self.frames.push_back(frame);
    }

    pub(super) fn forget(&mut self, filter: FilterId) {
        self.frames.retain(|frame| frame.filter != filter);
    }
}
