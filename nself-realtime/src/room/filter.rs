//! What of a room a reader wants: types, keys, and how much of what is kept.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::hot::Entry;
use super::keys::{KeyId, Keys, Slot};
use crate::{EventType, Name};

/// How many filters a subscription to one room may have.
pub(crate) const MAX_FILTERS: usize = 32;
/// How many keys a filter may name.
pub(crate) const MAX_KEYS: usize = 256;
/// The longest tail of a ring that may be asked for, in events per key.
pub(crate) const MAX_TAIL: u32 = 2_000;
/// The tail of a ring that comes unasked, in events per key.
pub(super) const DEFAULT_TAIL: u32 = 100;

/// Selects events of a room: those whose type is among `types` and whose key is among `keys`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// The types; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<EventType>>,
    /// The keys, for every one of the types; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Vec<Name>>,
    /// How many of the newest events of each ring a snapshot has, at most 2,000; absent: 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<u32>,
}

impl Filter {
    /// Everything.
    pub fn all() -> Self {
        Self::default()
    }

    /// Everything of one type; nothing if that is no [`EventType`], as nothing of it is published.
    pub fn of<P: crate::Payload>() -> Self {
        Self { types: Some(EventType::new(P::TYPE).into_iter().collect()), ..Self::default() }
    }

    /// The same, for these keys only.
    pub fn keys(mut self, keys: impl IntoIterator<Item = Name>) -> Self {
        self.keys = Some(keys.into_iter().collect());
        self
    }

    /// The same, with that many events of each ring in the snapshot, at most 2,000.
    pub fn tail(mut self, events: u32) -> Self {
        self.tail = Some(events.min(MAX_TAIL));
        self
    }

    pub(crate) fn matches(&self, event_type: &str, key: &str) -> bool {
        self.types.as_ref().is_none_or(|types| types.iter().any(|t| t.as_str() == event_type))
            && self.keys.as_ref().is_none_or(|keys| keys.iter().any(|k| k.as_str() == key))
    }
}

/// Stands for a list of filters that some readers of a room have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FilterId(u64);

/// The lists of filters in use in a room, each held once and with a memory of which keys it matches,
/// so that matching an event costs one look into a table.
#[derive(Debug, Default)]
pub(super) struct Filters {
    by_list: HashMap<Vec<Filter>, FilterId>,
    lists: HashMap<FilterId, FilterList>,
    next: u64,
}

#[derive(Debug)]
struct FilterList {
    list: Vec<Filter>,
    readers: usize,
    // Per key: the life of the key's slot that was looked at, and the longest tail of the filters
    // that match it, `None` where none does.
    memo: Vec<(u32, Option<u32>)>,
}

impl Filters {
    pub(super) fn add(&mut self, list: Vec<Filter>) -> FilterId {
        if let Some(known) = self.by_list.get(&list).copied() {
            if let Some(entry) = self.lists.get_mut(&known) {
                entry.readers += 1;
            }
            return known;
        }
        let id = FilterId(self.next);
        self.next += 1;
        self.by_list.insert(list.clone(), id);
        self.lists.insert(id, FilterList { list, readers: 1, memo: Vec::new() });
        id
    }

    pub(super) fn remove(&mut self, id: FilterId) {
        if let Some(entry) = self.lists.get_mut(&id) {
            entry.readers -= 1;
            if entry.readers == 0 {
                self.by_list.remove(&entry.list);
                self.lists.remove(&id);
            }
        }
    }

    /// Forgets which keys were looked at: they are others now.
    pub(super) fn forget_keys(&mut self) {
        for list in self.lists.values_mut() {
            list.memo = Vec::new();
        }
    }

    /// Whether any reader wants that.
    pub(super) fn wants(&self, event_type: &str, key: &str) -> bool {
        self.by_list.keys().flatten().any(|filter| filter.matches(event_type, key))
    }

    /// A look-up that answers for one list.
    pub(super) fn matcher<'a>(&'a mut self, id: FilterId, keys: &'a Keys) -> Option<Matcher<'a>> {
        self.lists.get_mut(&id).map(|list| Matcher { list, keys })
    }
}

/// Answers which keys a list of filters matches.
pub(super) struct Matcher<'a> {
    list: &'a mut FilterList,
    keys: &'a Keys,
}

impl Matcher<'_> {
    pub(super) fn matches(&mut self, id: KeyId) -> bool {
        self.tail(id).is_some()
    }

    /// Whether that event is wanted: its key is, and it is not from before a shorter tail.
    pub(super) fn wants(&mut self, entry: &Entry) -> bool {
        self.tail(entry.key).is_some_and(|tail| entry.history.is_none_or(|more| more < tail))
    }

    /// The tail that is wanted of that key, `None` if the key is not wanted.
    pub(super) fn tail(&mut self, id: KeyId) -> Option<u32> {
        let slot = self.keys.slot(id)?;
        match self.list.memo.get(id.index()) {
            Some((life, tail)) if *life == slot.life() => *tail,
            _ => self.look(id, slot.life()),
        }
    }

    #[cold]
    fn look(&mut self, id: KeyId, life: u32) -> Option<u32> {
        let slot = self.keys.slot(id)?;
        let tail = tail_of(&self.list.list, slot);
        if self.list.memo.len() <= id.index() {
            // Lives begin at 1: these are not looked at yet.
            self.list.memo.resize(id.index() + 1, (0, None));
        }
        if let Some(place) = self.list.memo.get_mut(id.index()) {
            *place = (life, tail);
        }
        tail
    }
}

fn tail_of(list: &[Filter], slot: &Slot) -> Option<u32> {
    list.iter()
        .filter(|filter| filter.matches(slot.event_type(), slot.key()))
        .map(|filter| filter.tail.unwrap_or(DEFAULT_TAIL))
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{LogsStream, ServiceStatus};

    #[test]
    fn types_and_keys_must_both_match() {
        let web = Filter::of::<LogsStream>().keys([Name::new("web").unwrap()]);
        assert!(web.matches("logs:stream", "web"));
        assert!(!web.matches("logs:stream", "db"));
        assert!(!web.matches("service:status", "web"));
        assert!(Filter::all().matches("anything", "at all"));
    }

    #[test]
    fn of_what_is_no_type_nothing_is_read() {
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Odd;
        impl crate::Payload for Odd {
            const TYPE: &'static str = "No Type";
            const DELIVERY: crate::Delivery = crate::Delivery::Immediate;
            const RETENTION: crate::Retention = crate::Retention::Latest;

            fn key(&self) -> &'static str {
                "odd"
            }
        }
        assert!(!Filter::of::<Odd>().matches("service:status", "web"));
    }

    #[test]
    fn equal_lists_are_held_once_and_go_with_their_last_reader() {
        let mut filters = Filters::default();
        let a = filters.add(vec![Filter::of::<ServiceStatus>()]);
        let b = filters.add(vec![Filter::of::<ServiceStatus>()]);
        assert_eq!(a, b);
        filters.remove(a);
        assert!(filters.wants("service:status", "web"));
        filters.remove(b);
        assert!(!filters.wants("service:status", "web"));
    }
}
