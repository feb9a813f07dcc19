//! Reads a YAML file into a tree with places, within a budget that no honest file exceeds.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::budget::Budget;
use serde_saphyr::options::{AliasLimits, NonFiniteFloatPolicy};
use serde_saphyr::{Error, Options, Spanned};

use super::number;
use super::tree::{Entry, Node, Place, Scalar, Value};

/// Why a file is no YAML that is read here, and where.
#[derive(Debug)]
pub(super) struct SyntaxError {
    pub(super) place: Place,
    pub(super) message: String,
}

/// Reads one document. Merge keys and aliases are resolved; an empty document is null.
pub(super) fn parse(source: &str, file: usize) -> Result<Node, SyntaxError> {
    match serde_saphyr::from_str_with_options::<Raw>(source, options()) {
        Ok(raw) => Ok(Reading { source, file }.node(raw)),
        Err(error) => {
            let location = error.location();
            let at = |get: fn(serde_saphyr::Location) -> u64| location.map_or(1, get).max(1);
            let place = Place { file, line: at(|l| l.line()), column: at(|l| l.column()) };
            Err(SyntaxError { place, message: message_of(&error) })
        }
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: budget(),
        alias_limits: alias_limits(),
        // As Compose: `yes` and `on` are text.
        strict_booleans: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    }
}

fn budget() -> Option<Budget> {
    serde_saphyr::budget! {
        max_documents: 1,
        max_depth: MAX_DEPTH,
        flow_nesting_limit: MAX_DEPTH,
        max_nodes: MAX_NODES,
        max_aliases: MAX_ALIASES,
        max_anchors: MAX_ALIASES,
        max_merge_keys: MAX_ALIASES,
        // A file of a hundred services may use one anchor in each of them.
        enforce_alias_anchor_ratio: false,
    }
}

fn alias_limits() -> AliasLimits {
    serde_saphyr::alias_limits! {
        max_total_replayed_events: MAX_NODES,
        max_replay_stack_depth: 8,
    }
}

/// The parser's words, without the place (it is told apart) and without its own settings.
fn message_of(error: &Error) -> String {
    let text = error.without_snippet().to_string();
    let text = text.split_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    if let Some((key, _)) = text.split_once(", set DuplicateKeyPolicy") {
        return format!("{key}; remove one of the two");
    }
    if text.starts_with("unsupported tag") {
        return format!("{text}: tags such as !reset and !override are not supported by nself");
    }
    if text.starts_with("budget breached: Documents") {
        return "a second document begins; leave one in the file".to_owned();
    }
    if text.starts_with("budget breached") || text.contains("limit exceeded") {
        return format!(
            "{text}; a Compose file may have {MAX_NODES} values, {MAX_DEPTH} levels and {MAX_ALIASES} aliases"
        );
    }
    if text.starts_with("recursive references") {
        return "an anchor contains an alias of itself".to_owned();
    }
    if text.starts_with("cannot deserialize null into string") {
        return "a key is null; put it in quotes, or remove it".to_owned();
    }
    text.to_owned()
}

struct Reading<'s> {
    source: &'s str,
    file: usize,
}

impl Reading<'_> {
    fn node(&self, Raw(raw): Raw) -> Node {
        let written = || {
            let span = raw.defined.span();
            let start = usize::try_from(span.byte_offset()?).ok()?;
            let len = usize::try_from(span.byte_len()?).ok()?;
            self.source.get(start..start.checked_add(len)?)
        };
        let value = match raw.value {
            RawValue::Null => Value::Null,
            RawValue::Text(text) => Value::Scalar(Scalar { text, written: None }),
            RawValue::Number(parsed) => Value::Scalar(match written() {
                Some(written) => {
                    let text =
                        number::as_compose_prints(written).unwrap_or_else(|| written.to_owned());
                    let written = (text != written).then(|| written.to_owned());
                    Scalar { text, written }
                }
                None => Scalar { text: parsed, written: None },
            }),
            RawValue::Sequence(items) => {
                Value::Sequence(items.into_iter().map(|item| self.node(item)).collect())
            }
            RawValue::Mapping(entries) => Value::Mapping(
                entries
                    .into_iter()
                    .map(|(key, value)| Entry {
                        place: self.place(&key.defined),
                        key: key.value,
                        value: self.node(value),
                    })
                    .collect(),
            ),
        };
        Node { place: self.place(&raw.defined), value }
    }

    fn place(&self, location: &serde_saphyr::Location) -> Place {
        Place { file: self.file, line: location.line().max(1), column: location.column().max(1) }
    }
}

struct Raw(Spanned<RawValue>);

enum RawValue {
    Null,
    Text(String),
    Number(String),
    Sequence(Vec<Raw>),
    Mapping(Vec<(Spanned<String>, Raw)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = RawValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }

    fn visit_none<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<RawValue, E> {
        Ok(RawValue::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<RawValue, E> {
        Ok(RawValue::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<RawValue, E> {
        Ok(RawValue::Number(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<RawValue, E> {
        Ok(RawValue::Number(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<RawValue, E> {
        Ok(RawValue::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<RawValue, E> {
        Ok(RawValue::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<RawValue, E> {
        Ok(RawValue::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<RawValue, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(RawValue::Sequence(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<RawValue, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(RawValue::Mapping(entries))
    }
}

const MAX_DEPTH: usize = 32;
const MAX_NODES: usize = 20_000;
const MAX_ALIASES: usize = 100;
