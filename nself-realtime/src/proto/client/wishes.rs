//! What a client wants of one room: its filters, and from which position on each is read. A poll tells
//! the snapshot of an added filter by itself, ahead of the room's position: what lies between is news for
//! the other filters only.

use super::delivery::Gap;
use crate::event::RawEvent;
use crate::{Cursor, Epoch, Filter};

/// Stands for one filter that somebody wants. Equal filters are wants of their own: each is owed a
/// snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WishId(u64);

#[derive(Debug)]
struct Wish {
    id: WishId,
    filter: Filter,
    /// Up to where its snapshot told, once it was.
    settled_at: Option<Cursor>,
}

/// What the server is asked for.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) wishes: Vec<WishId>,
    pub(super) filters: Vec<Filter>,
    pub(super) since: Option<Cursor>,
}

/// What a change of wishes asks for.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) added: Option<Request>,
    pub(super) removed: Vec<Removed>,
}

/// A filter that is no longer wanted.
#[derive(Debug)]
pub(super) struct Removed {
    filter: Filter,
    settled: bool,
}

/// The filters of one room.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    list: Vec<Wish>,
    last: u64,
}

impl Wishes {
    /// Wants exactly these from now on, and says what that changes.
    pub(super) fn set(&mut self, filters: &[Filter]) -> Change {
        let mut left = std::mem::take(&mut self.list);
        let mut added = Vec::new();
        for filter in filters {
            // Of equal ones the one that is settled stays.
            let same = |wish: &Wish| wish.filter == *filter;
            let known = left.iter().position(|wish| same(wish) && wish.is_settled());
            if let Some(index) = known.or_else(|| left.iter().position(same)) {
                self.list.push(left.remove(index));
            } else {
                self.last += 1;
                let id = WishId(self.last);
                added.push(id);
                self.list.push(Wish { id, filter: filter.clone(), settled_at: None });
            }
        }
        let removed = |wish: Wish| Removed { settled: wish.is_settled(), filter: wish.filter };
        let removed = left.into_iter().map(removed).collect();
        let added = self.request(|wish| added.contains(&wish.id), None);
        Change { added, removed }
    }

    /// Those whose snapshot was told.
    pub(super) fn settled(&self, since: Option<Cursor>) -> Option<Request> {
        self.request(Wish::is_settled, since)
    }

    /// Those whose snapshot was not.
    pub(super) fn added(&self) -> Option<Request> {
        self.request(|wish| !wish.is_settled(), None)
    }

    /// All.
    pub(super) fn all(&self, since: Option<Cursor>) -> Option<Request> {
        self.request(|_| true, since)
    }

    /// Those of a request that are still wanted.
    pub(super) fn still_wanted(&self, request: &Request) -> Option<Request> {
        self.request(|wish| request.wishes.contains(&wish.id), request.since)
    }

    fn request(&self, of: impl Fn(&Wish) -> bool, since: Option<Cursor>) -> Option<Request> {
        let of = self.list.iter().filter(|wish| of(wish));
        let (wishes, filters): (Vec<_>, Vec<_>) =
            of.map(|wish| (wish.id, wish.filter.clone())).unzip();
        (!wishes.is_empty()).then_some(Request { wishes, filters, since })
    }

    /// All but those.
    pub(super) fn except(&self, those: &[WishId]) -> Vec<WishId> {
        self.list.iter().map(|wish| wish.id).filter(|id| !those.contains(id)).collect()
    }

    /// The filters of those that are still wanted.
    pub(super) fn filters(&self, of: &[WishId]) -> Vec<Filter> {
        let wanted = self.list.iter().filter(|wish| of.contains(&wish.id));
        wanted.map(|wish| wish.filter.clone()).collect()
    }

    /// Whether any other one is read already.
    pub(super) fn reads_beside(&self, those: &[WishId]) -> bool {
        self.list.iter().any(|wish| wish.is_settled() && !those.contains(&wish.id))
    }

    /// Whether the server might take another one away instead of that: it takes the first filter that
    /// has the same types and keys, and one of the two is owed a snapshot.
    pub(super) fn may_be_mistaken(&self, removed: &Removed) -> bool {
        let mut twins = self.list.iter().filter(|wish| is_twin(&wish.filter, &removed.filter));
        twins.any(|twin| !(twin.is_settled() && removed.settled))
    }

    /// The snapshot of these was told, up to there.
    pub(super) fn settle(&mut self, wishes: &[WishId], at: Cursor) {
        for wish in self.list.iter_mut().filter(|wish| wishes.contains(&wish.id)) {
            wish.settled_at = Some(at);
        }
    }

    /// The events that no snapshot has told yet.
    pub(super) fn news_among(&self, mut events: Vec<RawEvent>, epoch: Epoch) -> Vec<RawEvent> {
        let first = events.first().map_or(u64::MAX, |event| event.seq);
        if self.list.iter().any(|wish| !wish.is_before(first, epoch)) {
            events.retain(|event| {
                let key = event.key();
                self.is_news(event.event_type.as_str(), key.as_deref(), event.seq, epoch)
            });
        }
        events
    }

    /// What of a gap is about events that no snapshot has told yet; `None` if nothing is.
    pub(super) fn news_of(&self, mut gap: Gap, epoch: Epoch) -> Option<Gap> {
        if self.list.iter().any(|wish| !wish.is_before(gap.to, epoch)) {
            let to = gap.to;
            gap.of.retain(|of| {
                let key = of.key.as_ref().map(crate::Name::as_str);
                self.is_news(of.event_type.as_str(), key, to, epoch)
            });
            gap.missed = gap.of.iter().map(|of| of.missed).sum();
        }
        (gap.missed > 0).then_some(gap)
    }

    /// Whether any filter wants that and was not told it by its snapshot. A key that is not known may be
    /// any.
    fn is_news(&self, event_type: &str, key: Option<&str>, seq: u64, epoch: Epoch) -> bool {
        self.list.iter().any(|wish| {
            wish.is_before(seq, epoch) && key.is_none_or(|key| wish.filter.matches(event_type, key))
        })
    }
}

impl Removed {
    pub(super) fn into_filter(self) -> Filter {
        self.filter
    }
}

impl Wish {
    fn is_settled(&self) -> bool {
        self.settled_at.is_some()
    }

    /// Whether its snapshot, if it was told, does not reach to there.
    fn is_before(&self, seq: u64, epoch: Epoch) -> bool {
        self.settled_at.is_none_or(|at| at.epoch != epoch || at.seq < seq)
    }
}

/// Whether the server cannot tell them apart when one is taken away.
fn is_twin(one: &Filter, other: &Filter) -> bool {
    (&one.types, &one.keys) == (&other.types, &other.keys)
}
