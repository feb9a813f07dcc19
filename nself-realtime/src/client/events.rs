//! Events of a room as a stream.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::Stream;
use futures::channel::mpsc;

use super::feed::{Batch, Queue, Raw, Reading, Typed};
use super::scope::Scope;
use super::shared::Interest;
use super::{Client, Delivery, ReadError};
use crate::event::Event;
use crate::{Filter, Payload, RoomName};

/// What a room says in events of one type, in order; ends when the client does.
///
/// First comes a snapshot. Gaps, resets and the room's end are told in their places.
#[derive(Debug)]
pub struct Events<P> {
    receiver: mpsc::Receiver<Batch<P>>,
    waiting: VecDeque<Result<Delivery<Event<P>>, ReadError>>,
    _interest: Interest,
}

impl<P: Payload + Send + 'static> Events<P> {
    pub(super) fn new(client: &Client, room: &RoomName, filter: Filter) -> Self {
        let (queue, receiver) = Queue::new();
        let feed = Typed { scope: Scope::new(filter.clone()), queue };
        let reading = Reading::new(room.clone(), filter, feed);
        Self { receiver, waiting: VecDeque::new(), _interest: client.read(reading) }
    }
}

// Nothing in it is pinned.
impl<P> Unpin for Events<P> {}

impl<P> Stream for Events<P> {
    type Item = Result<Delivery<Event<P>>, ReadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.waiting.pop_front() {
                return Poll::Ready(Some(item));
            }
            match ready!(Pin::new(&mut self.receiver).poll_next(cx)) {
                Some(batch) => self.waiting.extend(batch),
                None => return Poll::Ready(None),
            }
        }
    }
}

/// What a room says, in events of all types, their data unread; ends when the client does.
#[derive(Debug)]
pub struct RawEvents {
    receiver: mpsc::Receiver<Result<Delivery, ReadError>>,
    _interest: Interest,
}

impl RawEvents {
    pub(super) fn new(client: &Client, room: &RoomName, filter: Filter) -> Self {
        let (queue, receiver) = Queue::new();
        let reading = Reading::new(room.clone(), filter, Raw(queue));
        Self { receiver, _interest: client.read(reading) }
    }
}

impl Stream for RawEvents {
    type Item = Result<Delivery, ReadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.receiver).poll_next(cx)
    }
}
