//! Long polling: one request for all rooms, answered when something came, with the same cursors as
//! every other transport.
//!
//! The answer is `{"rooms":[{room, epoch, cursor, recovered, snapshot, gaps, events, more}…]}`; the
//! next request has each room's `cursor` as its `since`.
//!
//! # Falling behind
//!
//! An answer has at most 2,000 events or 1 MiB, shared by the rooms that have something to say, and a
//! snapshot whole. A room that has more says so in `more`; one for which nothing was left is not in
//! the answer, and keeps its cursor. What is gone by then is counted by a gap that ends at `cursor`.
//!
//! # Draining
//!
//! A server that drains answers at once with what there is.
//!
//! # Leaving
//!
//! A poll that waits when its sign-in ends is refused, with [`RoomError::SignedOut`], or
//! [`RoomError::Forbidden`] if the rights were withdrawn.

use std::future::poll_fn;
use std::io::Write;
use std::task::{Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;

use super::RoomError;
pub use super::poll_request::PollRequest;
use super::poll_request::Subscription;
use crate::RoomName;
use crate::auth::Identity;
use crate::hub::{Due, Found, Visit};
use crate::proto::CloseCode;
use crate::room::{EventsFrame, Gap, Space};
use crate::server::{Connected, Server};
use crate::stats::{Counters, Transport};

/// How long an answer waits for more, once there is something to answer.
const GATHER: Duration = Duration::from_millis(100);
/// The most events of an answer.
const MAX_EVENTS: usize = 2_000;
/// The most bytes of events of an answer, or one event more.
const MAX_BYTES: usize = 1024 * 1024;

/// Why a poll cannot be answered: one of its rooms cannot be read. Without that room the same request
/// can be made again, at once; after [`RoomError::SignedOut`] no room can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct PollError {
    /// What is wrong with the room.
    pub error: RoomError,
    /// Where the request names it: the name of a query parameter, or a JSON pointer into the body.
    pub field: String,
}

impl Server {
    /// Answers a poll of that client, as JSON: at once if a snapshot is asked for, else when something came that the
    /// filters match, or with the advanced cursors when the time is over.
    ///
    /// # Errors
    ///
    /// [`PollError`]: nothing was taken; the same request can be made again.
    ///
    /// # Cancel safety
    ///
    /// Dropping it leaves nothing behind: the client still has its cursors. Of a stream, asking alone makes
    /// it the reader, and acknowledges up to its cursor.
    pub async fn poll(
        &self,
        identity: &Identity,
        request: PollRequest,
    ) -> Result<Bytes, PollError> {
        let _connected = Connected::new(self.hub().clone(), Transport::Poll);
        let PollRequest { subscriptions, wait } = request;
        let (mut visits, mut fields) = (Vec::new(), Vec::new());
        for Subscription { room, field, filters, since } in subscriptions {
            if !self.access().may_read(identity, &room) {
                return Err(PollError { error: RoomError::Forbidden { room }, field });
            }
            match self.hub().visit(&room, filters, since) {
                Some(visit) => visits.push(visit),
                None => {
                    return Err(PollError { error: RoomError::UnknownRoom { room }, field });
                }
            }
            fields.push(field);
        }
        let left = tokio::select! {
            biased;
            code = self.lease_end(identity.lease()) => Some(code),
            () = self.wait_for_news(&mut visits, wait) => None,
        };
        if let Some(code) = left
            && let Some((visit, field)) = visits.iter().zip(&fields).next()
        {
            return Err(refused(code, visit.name().clone(), field.clone()));
        }
        let counters = self.hub().counters();
        let answer = answer(&visits, fields, counters)?;
        Counters::add(&counters.frames_out, 1);
        Counters::add(&counters.bytes_out, answer.len());
        Ok(answer)
    }

    async fn wait_for_news(&self, visits: &mut [Visit], wait: Duration) {
        let mut draining = self.follow_drain();
        let due = poll_fn(|cx| look(visits, cx.waker()));
        let due = tokio::select! {
            biased;
            due = due => due,
            // An error means that the server itself is gone: that is an end, too.
            _ = draining.wait_for(|draining| *draining) => Due::AtOnce,
            () = sleep(wait) => Due::AtOnce,
        };
        if due == Due::News {
            tokio::select! {
                biased;
                _ = draining.wait_for(|draining| *draining) => {}
                () = sleep(GATHER.min(wait)) => {}
            }
        }
    }
}

/// Who has left is told nothing of what came meanwhile.
fn refused(code: CloseCode, room: RoomName, field: String) -> PollError {
    let error = match code {
        CloseCode::Withdrawn => RoomError::Forbidden { room },
        _ => RoomError::SignedOut { room },
    };
    PollError { error, field }
}

/// Ready when any of the rooms has something to say.
fn look(visits: &mut [Visit], waker: &Waker) -> Poll<Due> {
    let mut due = Due::Nothing;
    for visit in visits {
        match visit.look(waker) {
            Due::Nothing => {}
            Due::News => due = Due::News,
            Due::AtOnce => return Poll::Ready(Due::AtOnce),
        }
    }
    if due == Due::Nothing { Poll::Pending } else { Poll::Ready(due) }
}

fn answer(visits: &[Visit], fields: Vec<String>, counters: &Counters) -> Result<Bytes, PollError> {
    let mut body = br#"{"rooms":["#.to_vec();
    let (mut bytes, mut events) = (MAX_BYTES, MAX_EVENTS);
    let mut told = Vec::new();
    for (index, (visit, field)) in visits.iter().zip(fields).enumerate() {
        if bytes == 0 || events == 0 {
            break;
        }
        // An equal share for each of those who follow; what one leaves is for the others.
        let sharing = visits.len() - index;
        let space =
            Space { bytes: bytes / sharing, events: (events / sharing).max(1), one_larger: true };
        let room = visit.name();
        let closed = || PollError { error: RoomError::UnknownRoom { room: room.clone() }, field };
        let found = visit.take(space).ok_or_else(closed)?;
        if index > 0 {
            body.push(b',');
        }
        let before = body.len();
        append(&mut body, room, &found);
        bytes = bytes.saturating_sub(body.len() - before);
        events = events.saturating_sub(found.count);
        told.push(found);
    }
    // Not before all of them could be read: else none of it is told.
    for found in &told {
        found.count_out(counters);
    }
    body.extend_from_slice(b"]}");
    Ok(body.into())
}

fn append(body: &mut Vec<u8>, room: &RoomName, found: &Found) {
    let Found { recovered, cursor, snapshot, gaps, events, more, .. } = found;
    let (epoch, recovered) = (cursor.epoch, recovered.as_str());
    // Names and cursors have no character that JSON would escape; writing to memory cannot fail.
    let _ = write!(
        body,
        r#"{{"room":"{room}","epoch":"{epoch}","cursor":"{cursor}","recovered":"{recovered}","snapshot":["#
    );
    append_list(body, snapshot.iter().map(EventsFrame::list));
    body.extend_from_slice(br#"],"gaps":["#);
    append_list(body, gaps.iter().map(Gap::data));
    body.extend_from_slice(br#"],"events":["#);
    append_list(body, events.as_ref().map(EventsFrame::list));
    let _ = write!(body, r#"],"more":{more}}}"#);
}

fn append_list(body: &mut Vec<u8>, items: impl IntoIterator<Item = Bytes>) {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&item);
    }
}
