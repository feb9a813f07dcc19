//! What of all that rooms say is for one reader: typed, each event once.

use std::marker::PhantomData;

use crate::client::{Delivery, Gap};
use crate::event::{Event, RawEvent};
use crate::{Filter, Payload, RoomName};

/// Reads one room through one filter.
#[derive(Debug)]
pub(super) struct Scope<P> {
    pub(super) filter: Filter,
    /// Up to where it was told; `None` before its snapshot.
    position: Option<u64>,
    payload: PhantomData<fn() -> P>,
}

/// An event whose data is not what its type is made of.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) seq: u64,
    pub(super) error: serde_json::Error,
}

/// Typed events, and what could not be read among them.
#[derive(Debug)]
pub(super) struct Told<P> {
    pub(super) delivery: Option<Delivery<Event<P>>>,
    pub(super) unreadable: Vec<Unreadable>,
}

impl<P: Payload> Scope<P> {
    /// Everything of one type that the filter lets through.
    pub(super) fn new(filter: Filter) -> Self {
        Self { filter, position: None, payload: PhantomData }
    }

    /// What of a delivery is for this reader.
    pub(super) fn take(&mut self, delivery: &Delivery) -> Told<P> {
        let mut unreadable = Vec::new();
        let delivery = self.read(delivery, &mut unreadable);
        Told { delivery, unreadable }
    }

    fn read(
        &mut self,
        delivery: &Delivery,
        unreadable: &mut Vec<Unreadable>,
    ) -> Option<Delivery<Event<P>>> {
        match delivery {
            Delivery::Snapshot { room, filters, events, cursor, reset } => {
                // Who has one already needs another only if the log is another.
                if !filters.contains(&self.filter) || (self.position.is_some() && !reset) {
                    return None;
                }
                self.position = Some(cursor.seq);
                Some(Delivery::Snapshot {
                    room: room.clone(),
                    filters: vec![self.filter.clone()],
                    events: self.events(room, events, 0, unreadable),
                    cursor: *cursor,
                    reset: *reset,
                })
            }
            Delivery::Events { room, events, live } => {
                let position = self.position?;
                let events = self.events(room, events, position, unreadable);
                if let Some(last) = events.last() {
                    self.position = Some(position.max(last.seq));
                }
                let (room, live) = (room.clone(), *live);
                (!events.is_empty()).then_some(Delivery::Events { room, events, live })
            }
            Delivery::Gap { room, gap } => {
                self.position?;
                let gap = self.gap(gap)?;
                Some(Delivery::Gap { room: room.clone(), gap })
            }
            Delivery::Closed { room } => Some(Delivery::Closed { room: room.clone() }),
        }
    }

    fn events(
        &self,
        room: &RoomName,
        events: &[RawEvent],
        after: u64,
        unreadable: &mut Vec<Unreadable>,
    ) -> Vec<Event<P>> {
        let mut read = Vec::new();
        for event in events.iter().filter(|event| event.seq > after) {
            match event.data::<P>() {
                Some(Ok(data)) if self.filter.matches(P::TYPE, data.key()) => {
                    let RawEvent { seq, timestamp, .. } = *event;
                    read.push(Event { room: room.clone(), seq, timestamp, data });
                }
                None | Some(Ok(_)) => {}
                Some(Err(error)) => unreadable.push(Unreadable { seq: event.seq, error }),
            }
        }
        read
    }

    /// What of a gap is missing here. A part that stands for several keys may be, as a whole.
    fn gap(&self, gap: &Gap) -> Option<Gap> {
        let keys = self.filter.keys.as_ref();
        let of: Vec<_> = gap
            .of
            .iter()
            .filter(|part| part.event_type.as_str() == P::TYPE)
            .filter(|part| match (&part.key, keys) {
                (Some(key), Some(keys)) => keys.contains(key),
                _ => true,
            })
            .cloned()
            .collect();
        let missed = of.iter().map(|part| part.missed).sum();
        (!of.is_empty()).then_some(Gap { missed, of, ..*gap })
    }
}
