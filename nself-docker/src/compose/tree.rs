//! A YAML document with the place of each of its values: what is merged, filled in and read.

/// A place in one of a project's files, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Which file, by its number in the order of reading, from 0.
    pub(super) file: usize,
    pub(super) line: u64,
    pub(super) column: u64,
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Scalar(Scalar),
    Sequence(Vec<Node>),
    /// In the order of the file, each key once.
    Mapping(Vec<Entry>),
}

/// A scalar that is not null. Its text is what Compose would take for it: `1.10` without quotes is `1.1`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scalar {
    pub(super) text: String,
    /// What stands in the file, where that is something else.
    pub(super) written: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn null(place: Place) -> Self {
        Self { place, value: Value::Null }
    }

    pub(super) fn text(place: Place, text: impl Into<String>) -> Self {
        Self { place, value: Value::Scalar(Scalar { text: text.into(), written: None }) }
    }

    /// What stands under a key, if this is a mapping that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Mapping(entries) => {
                entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
            }
            _ => None,
        }
    }

    /// In the words of a message.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Scalar(_) => "a single value",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}
