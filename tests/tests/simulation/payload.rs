//! What is published: two types, of each of which every event can be told from every other.

use nself_realtime::{Delivery, Filter, Name, Payload, Retention};
use serde::{Deserialize, Serialize};

/// That many lines of a key are kept.
pub(crate) const RING: usize = 20;

/// Of a ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) key: String,
    pub(crate) n: u64,
    pub(crate) bulk: String,
}

impl Payload for Line {
    const TYPE: &'static str = "sim:line";
    const DELIVERY: Delivery = Delivery::Batched;
    const RETENTION: Retention = Retention::Ring { events: RING, bytes: 64 << 20 };

    fn key(&self) -> &str {
        &self.key
    }
}

/// Of which the latest counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) key: String,
    pub(crate) n: u64,
    pub(crate) removed: bool,
}

impl Payload for State {
    const TYPE: &'static str = "sim:state";
    const DELIVERY: Delivery = Delivery::Immediate;
    const RETENTION: Retention = Retention::Latest;

    fn key(&self) -> &str {
        &self.key
    }

    fn is_removal(&self) -> bool {
        self.removed
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Line,
    State,
}

/// What the readers of the simulation choose from. No two of them match the same event, so it is always
/// known for which of them one was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wish {
    States,
    SomeLines,
    OtherLines,
}

impl Wish {
    pub(crate) const ALL: [Self; 3] = [Self::States, Self::SomeLines, Self::OtherLines];

    pub(crate) fn filter(self) -> Filter {
        let keys =
            |keys: &[&str]| keys.iter().map(|key| Name::new(*key).unwrap()).collect::<Vec<_>>();
        match self {
            Self::States => Filter::of::<State>(),
            Self::SomeLines => Filter::of::<Line>().keys(keys(&["a", "b"])).tail(5),
            Self::OtherLines => Filter::of::<Line>().keys(keys(&["c"])),
        }
    }

    pub(crate) fn of(filter: &Filter) -> Option<Self> {
        Self::ALL.into_iter().find(|wish| wish.filter() == *filter)
    }

    pub(crate) fn matches(self, kind: Kind, key: &str) -> bool {
        match self {
            Self::States => kind == Kind::State,
            Self::SomeLines => kind == Kind::Line && key != "c",
            Self::OtherLines => kind == Kind::Line && key == "c",
        }
    }

    /// How many lines of a key a snapshot has at most.
    pub(crate) fn tail(self) -> usize {
        match self {
            Self::SomeLines => 5,
            Self::States | Self::OtherLines => RING,
        }
    }
}
