//! Where what a client reads goes.

use std::task::{Context, Poll};

use futures::channel::mpsc;
use tokio::sync::watch;

use super::scope::Scope;
use super::{ReadError, View};
use crate::client::{Delivery, ServerError};
use crate::event::Event;
use crate::{Filter, Payload, RoomName};

/// How many deliveries wait for a stream's reader. One is what a frame of the server has, 64 KiB or a
/// larger event, or what a poll or a snapshot has.
const DEPTH: usize = 8;

/// One thing for the readers of a room.
#[derive(Debug, Clone, Copy)]
pub(super) enum Item<'a> {
    Delivery(&'a Delivery),
    /// The server does not deliver the room, or not through this filter.
    Refused(&'a ServerError),
}

/// Takes what a room says.
pub(super) trait Feed: Send {
    /// Takes an item. Where that is pending it has taken nothing, and wakes the task when it may.
    fn poll_take(&mut self, cx: &mut Context<'_>, item: Item<'_>) -> Poll<()>;
}

/// A want of a room, and where it goes.
pub(super) struct Reading {
    pub(super) room: RoomName,
    pub(super) filter: Filter,
    feed: Box<dyn Feed>,
    /// Whether it was given what is kept: a refusal of filters is then about another one like it.
    served: bool,
}

impl Reading {
    pub(super) fn new(room: RoomName, filter: Filter, feed: impl Feed + 'static) -> Self {
        Self { room, filter, feed: Box::new(feed), served: false }
    }

    /// Takes an item of the room, if it is for this reading. Where that is pending it has taken nothing.
    pub(super) fn poll_take(&mut self, cx: &mut Context<'_>, item: Item<'_>) -> Poll<()> {
        match item {
            Item::Refused(error) if !self.is_refused(error) => return Poll::Ready(()),
            _ => std::task::ready!(self.feed.poll_take(cx, item)),
        }
        if let Item::Delivery(Delivery::Snapshot { filters, .. }) = item {
            self.served |= filters.contains(&self.filter);
        }
        Poll::Ready(())
    }

    fn is_refused(&self, error: &ServerError) -> bool {
        error.filters.is_empty() || (!self.served && error.filters.contains(&self.filter))
    }
}

/// Takes nothing: what is read is for the session itself.
#[derive(Debug)]
pub(super) struct Nobody;

impl Feed for Nobody {
    fn poll_take(&mut self, _: &mut Context<'_>, _: Item<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

/// A queue that holds the whole client up when it is full.
pub(super) struct Queue<T> {
    sender: mpsc::Sender<T>,
}

impl<T> Queue<T> {
    pub(super) fn new() -> (Self, mpsc::Receiver<T>) {
        let (sender, receiver) = mpsc::channel(DEPTH);
        (Self { sender }, receiver)
    }

    /// Ready when one item can be put in, or nobody reads any more.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.sender.poll_ready(cx).map(|_| ())
    }

    fn put(&mut self, item: T) {
        // It fails where nobody reads any more.
        let _ = self.sender.try_send(item);
    }
}

/// Deliveries as they came.
pub(super) struct Raw(pub(super) Queue<Result<Delivery, ReadError>>);

impl Feed for Raw {
    fn poll_take(&mut self, cx: &mut Context<'_>, item: Item<'_>) -> Poll<()> {
        std::task::ready!(self.0.poll_ready(cx));
        self.0.put(match item {
            Item::Delivery(delivery) => Ok(delivery.clone()),
            Item::Refused(error) => Err(ReadError::Refused(error.clone())),
        });
        Poll::Ready(())
    }
}

/// What a stream of typed events is told at once.
pub(super) type Batch<P> = Vec<Result<Delivery<Event<P>>, ReadError>>;

/// Deliveries of one type.
pub(super) struct Typed<P> {
    pub(super) scope: Scope<P>,
    pub(super) queue: Queue<Batch<P>>,
}

impl<P: Payload + Send> Feed for Typed<P> {
    fn poll_take(&mut self, cx: &mut Context<'_>, item: Item<'_>) -> Poll<()> {
        std::task::ready!(self.queue.poll_ready(cx));
        let batch: Batch<P> = match item {
            Item::Refused(error) => vec![Err(ReadError::Refused(error.clone()))],
            Item::Delivery(delivery) => {
                let told = self.scope.take(delivery);
                let unreadable = told.unreadable.into_iter().map(|unreadable| {
                    ReadError::Unreadable { seq: unreadable.seq, source: unreadable.error }
                });
                unreadable.map(Err).chain(told.delivery.map(Ok)).collect()
            }
        };
        if !batch.is_empty() {
            self.queue.put(batch);
        }
        Poll::Ready(())
    }
}

/// Keeps a view of what a room says, and tells that it changed. It never holds anything up.
pub(super) struct Viewed<V: View> {
    pub(super) scope: Scope<V::Payload>,
    pub(super) view: watch::Sender<V>,
}

impl<V: View> Feed for Viewed<V> {
    fn poll_take(&mut self, _: &mut Context<'_>, item: Item<'_>) -> Poll<()> {
        let delivery = match item {
            Item::Delivery(delivery) => delivery,
            Item::Refused(error) => {
                self.view.send_modify(|view| view.refuse(error));
                return Poll::Ready(());
            }
        };
        let told = self.scope.take(delivery);
        for unreadable in told.unreadable {
            let (seq, error) = (unreadable.seq, unreadable.error);
            tracing::warn!(seq, %error, "an event that cannot be read is left out of a view");
        }
        if let Some(delivery) = told.delivery {
            self.view.send_modify(|view| view.apply(delivery));
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::event::{LogsStream, ServiceStatus};
    use crate::{Cursor, Epoch};

    /// Counts refusals.
    #[derive(Clone, Default)]
    struct Refusals(Arc<Mutex<usize>>);

    impl Feed for Refusals {
        fn poll_take(&mut self, _: &mut Context<'_>, item: Item<'_>) -> Poll<()> {
            *self.0.lock().unwrap() += usize::from(matches!(item, Item::Refused(_)));
            Poll::Ready(())
        }
    }

    #[test]
    fn a_refused_filter_is_told_to_those_that_wait_for_it_and_a_refused_room_to_all() {
        let room = RoomName::new("shop").unwrap();
        let (status, logs) = (Filter::of::<ServiceStatus>(), Filter::of::<LogsStream>());
        let reading = |filter: &Filter| {
            let refusals = Refusals::default();
            (Reading::new(room.clone(), filter.clone(), refusals.clone()), refusals)
        };
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let (mut served, mut waiting) = (reading(&status), reading(&status));
        let mut other = reading(&logs);
        let snapshot = Delivery::Snapshot {
            room: room.clone(),
            filters: vec![status.clone()],
            events: Vec::new(),
            cursor: Cursor { epoch: Epoch::from_random(1), seq: 0 },
            reset: false,
        };
        assert!(served.0.poll_take(&mut cx, Item::Delivery(&snapshot)).is_ready());
        let mut error = ServerError::new("bad_request", "too many filters");
        error.filters = vec![status];
        let mut refused = |error: &ServerError| {
            [&mut served, &mut waiting, &mut other].map(|(reading, refusals)| {
                assert!(reading.poll_take(&mut cx, Item::Refused(error)).is_ready());
                *refusals.0.lock().unwrap()
            })
        };
        assert_eq!(refused(&error), [0, 1, 0]);
        error.filters.clear();
        assert_eq!(refused(&error), [1, 2, 1]);
    }
}
