//! Everything that was published, in every life of every room: it forgets nothing.

use std::collections::{BTreeMap, BTreeSet};

use nself_realtime::event::RawEvent;
use nself_realtime::{Cursor, Epoch, Payload};

use crate::payload::{Kind, Line, State};

/// An event as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) kind: Kind,
    pub(crate) key: String,
    pub(crate) n: u64,
    pub(crate) removed: bool,
}

impl Published {
    pub(crate) fn read(event: &RawEvent) -> Self {
        match event.event_type.as_str() {
            Line::TYPE => {
                let Line { key, n, .. } = event.data().unwrap().unwrap();
                Self { kind: Kind::Line, key, n, removed: false }
            }
            State::TYPE => {
                let State { key, n, removed } = event.data().unwrap().unwrap();
                Self { kind: Kind::State, key, n, removed }
            }
            other => panic!("nobody published {other}"),
        }
    }
}

/// The logs, by the epochs, of which no two are the same.
#[derive(Debug, Default)]
pub(crate) struct Book {
    logs: BTreeMap<String, Vec<Published>>,
    nothing: Vec<Published>,
}

impl Book {
    /// Notes what was published at that position.
    pub(crate) fn note(&mut self, cursor: Cursor, published: Published) {
        let log = self.logs.entry(cursor.epoch.to_string()).or_default();
        log.push(published);
        assert_eq!(log.len() as u64, cursor.seq, "positions are given out one by one");
    }

    pub(crate) fn at(&self, epoch: Epoch, seq: u64) -> Option<&Published> {
        self.log(epoch).get(usize::try_from(seq).unwrap().checked_sub(1)?)
    }

    /// The positions of the events of a key, up to there.
    pub(crate) fn of_key(&self, epoch: Epoch, kind: Kind, key: &str, up_to: u64) -> Vec<u64> {
        let of_key = |(seq, published): (u64, &Published)| {
            ((published.kind, published.key.as_str()) == (kind, key)).then_some(seq)
        };
        (1..=up_to).zip(self.log(epoch)).filter_map(of_key).collect()
    }

    /// The keys that had an event.
    pub(crate) fn keys(&self, epoch: Epoch) -> BTreeSet<(Kind, String)> {
        self.log(epoch).iter().map(|published| (published.kind, published.key.clone())).collect()
    }

    fn log(&self, epoch: Epoch) -> &[Published] {
        self.logs.get(&epoch.to_string()).unwrap_or(&self.nothing)
    }
}
