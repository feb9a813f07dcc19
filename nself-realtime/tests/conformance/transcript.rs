//! The form of a transcript. `tests/transcripts/README.md` explains it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::client::Kind;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transcript {
    pub(crate) name: String,
    #[expect(dead_code, reason = "for readers")]
    pub(crate) rule: String,
    /// Transports that cannot express a step, and which.
    #[serde(default)]
    pub(crate) not: BTreeMap<Kind, String>,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Step {
    Open(String),
    Close(String),
    Restart,
    Publish(Publish),
    Subscribe(Subscribe),
    Add(Value),
    Remove(Value),
    Remember(String),
    Cut(Cut),
    Resume(Resume),
    Expect(Vec<Expected>),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Publish {
    #[serde(default = "shop")]
    pub(crate) room: String,
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    pub(crate) key: String,
    pub(crate) data: Value,
    #[serde(default = "once")]
    pub(crate) times: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subscribe {
    #[serde(default = "shop")]
    pub(crate) room: String,
    #[serde(default = "everything")]
    pub(crate) filters: Vec<Value>,
    pub(crate) since: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Cut {
    Idle,
    Interrupted,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resume {
    pub(crate) over: Option<Kind>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Expected {
    Subscribed(String),
    Snapshot(Vec<Seqs>),
    Gap { missed: u64, of: Vec<MissedOfKey> },
    Events(Vec<Seqs>),
    Ready,
    Closed,
    Error(String),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MissedOfKey {
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    pub(crate) key: String,
    pub(crate) missed: u64,
}

/// One position, or all from one to another.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
pub(crate) enum Seqs {
    One(u64),
    FromTo([u64; 2]),
}

impl Seqs {
    pub(crate) fn all(list: &[Self]) -> Vec<u64> {
        let range = |seqs: &Self| match *seqs {
            Self::One(seq) => seq..=seq,
            Self::FromTo([from, to]) => from..=to,
        };
        list.iter().flat_map(range).collect()
    }
}

fn shop() -> String {
    "shop".to_owned()
}

fn once() -> usize {
    1
}

fn everything() -> Vec<Value> {
    vec![Value::Object(serde_json::Map::new())]
}
