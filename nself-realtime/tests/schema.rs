//! The checked-in schemas are those of the types, and what they allow goes through the types
//! unharmed.
//!
//! `NSELF_UPDATE_SCHEMA=1 cargo test -p nself-realtime --test schema` writes the files anew.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it fails"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use nself_realtime::event::{
    BuildProgress, DeployProgress, DockerStats, EngineStatus, LogsStream, Notification, Presence,
    QueryResult, RoomStatus, ServiceStatus,
};
use nself_realtime::{NanoTimestamp, Payload, RawEvent, schema};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schema")
}

#[test]
fn the_checked_in_schemas_are_those_of_the_types() {
    let update = std::env::var_os("NSELF_UPDATE_SCHEMA").is_some();
    let mut expected = BTreeSet::new();
    for (event_type, schema) in schema::all() {
        let name = format!("{}.json", event_type.replace(':', "-"));
        let file = folder().join(&name);
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if update {
            fs::write(&file, &text).unwrap();
        }
        let held = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            held == text,
            "{name} is not the schema of its type: run with NSELF_UPDATE_SCHEMA=1"
        );
        expected.insert(name);
    }
    let held: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(held, expected, "a schema without a type");
}

#[test]
fn what_a_schema_allows_goes_through_its_type_unharmed() {
    fn holds<P: Payload>() {
        let schema = schema::all().into_iter().find(|(name, _)| *name == P::TYPE).unwrap().1;
        let config = Config { failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new(config);
        let result = runner.run(&values(&schema, &schema), |value| {
            let read: Result<P, _> = serde_json::from_str(&value.to_string());
            let read = read.map_err(|error| TestCaseError::fail(format!("{error}: {value}")))?;
            let written = serde_json::to_value(&read).unwrap();
            prop_assert!(same(&value, &written), "{value} became {written}");
            let text = serde_json::to_string(&read).unwrap();
            let again: P = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(serde_json::to_string(&again).unwrap(), text);
            prop_assert_eq!(again.key(), read.key());
            Ok(())
        });
        assert!(result.is_ok(), "{}: {result:?}", P::TYPE);
    }
    holds::<BuildProgress>();
    holds::<QueryResult>();
    holds::<DeployProgress>();
    holds::<DockerStats>();
    holds::<EngineStatus>();
    holds::<LogsStream>();
    holds::<Notification>();
    holds::<Presence>();
    holds::<RoomStatus>();
    holds::<ServiceStatus>();
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn an_event_of_any_type_goes_through_unharmed(
        event_type in "[a-z][a-z0-9_-]{0,9}(:[a-z][a-z0-9_-]{0,9}){0,3}",
        seq in 1_u64..=nself_realtime::MAX_SEQ,
        data in anything(),
        spaces in " {0,3}",
    ) {
        let text = format!(
            r#"{{"type":"{event_type}","seq":{seq},"timestamp":"2026-01-31T12:00:00.123Z","data":{{"a":{spaces}{data}}}}}"#
        );
        let event: RawEvent = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(serde_json::to_string(&event).unwrap(), text);
    }
}

/// Any JSON, a few levels deep.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        measured().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::from(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Numbers as they are measured, with three digits after the point.
fn measured() -> impl Strategy<Value = f64> {
    (0..=100_000_i32).prop_map(|thousandths| f64::from(thousandths) / 1_000.0)
}

/// The values that a schema allows, the longest lists and texts apart.
fn values(schema: &Value, root: &Value) -> BoxedStrategy<Value> {
    let mut parts = Vec::new();
    if schema.get("properties").is_some() {
        parts.push(objects(schema, root));
    }
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let name = reference.rsplit('/').next().unwrap();
        parts.push(values(&root["$defs"][name], root));
    }
    if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
        let choices: Vec<_> = choices.iter().map(|choice| values(choice, root)).collect();
        parts.push(proptest::strategy::Union::new(choices).boxed());
    }
    let all = parts.into_iter().reduce(|one, other| (one, other).prop_map(merged).boxed());
    all.unwrap_or_else(|| plain_values(schema, root))
}

fn plain_values(schema: &Value, root: &Value) -> BoxedStrategy<Value> {
    if let Some(constant) = schema.get("const") {
        return Just(constant.clone()).boxed();
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return prop::sample::select(words.clone()).boxed();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("array") => {
            let item = values(schema.get("items").unwrap_or(&Value::Bool(true)), root);
            prop::collection::vec(item, 0..3).prop_map(Value::from).boxed()
        }
        Some("string") => texts(schema),
        Some("boolean") => any::<bool>().prop_map(Value::from).boxed(),
        Some("integer") => {
            let bound = |name: &str| schema.get(name).and_then(Value::as_i64);
            let most = match schema.get("format").and_then(Value::as_str) {
                Some("uint16") => i64::from(u16::MAX),
                Some("uint32") => i64::from(u32::MAX),
                _ => i64::MAX,
            };
            let least = bound("minimum").unwrap_or(i64::MIN);
            (least..=bound("maximum").unwrap_or(most)).prop_map(Value::from).boxed()
        }
        Some("number") => measured().prop_map(Value::from).boxed(),
        Some(other) => panic!("no values of the type {other}"),
        None => anything().boxed(),
    }
}

fn objects(schema: &Value, root: &Value) -> BoxedStrategy<Value> {
    let required = |name: &str| {
        schema["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name))
    };
    let mut all = Just(json!({})).boxed();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let wrap = {
            let name = name.clone();
            move |value| json!({ &name: value })
        };
        let field = values(field, root).prop_map(wrap);
        let field = if required(name) {
            field.boxed()
        } else {
            prop_oneof![Just(json!({})), field].boxed()
        };
        all = (all, field).prop_map(merged).boxed();
    }
    all
}

fn merged((mut into, from): (Value, Value)) -> Value {
    match (&mut into, from) {
        (Value::Object(into), Value::Object(from)) => into.extend(from),
        (into, from) => *into = from,
    }
    into
}

fn texts(schema: &Value) -> BoxedStrategy<Value> {
    let nanos = 1_000_000_000_i128;
    let texts = match (schema.get("format"), schema.get("pattern").and_then(Value::as_str)) {
        (Some(_), _) => (0..4_000_000_000_i128 * nanos)
            .prop_map(|nanos| NanoTimestamp::from_unix_nanos(nanos).unwrap().to_string())
            .boxed(),
        (None, Some(pattern)) => {
            let pattern = pattern.trim_start_matches('^').trim_end_matches('$');
            proptest::string::string_regex(pattern).unwrap().boxed()
        }
        (None, None) => any::<String>().boxed(),
    };
    texts.prop_map(Value::from).boxed()
}

/// Whether a value was written as it was read, but for what is the same as nothing: an empty list,
/// `false`, a count of 0.
fn same(read: &Value, written: &Value) -> bool {
    match (read, written) {
        (Value::Object(read), Value::Object(written)) => {
            written.keys().all(|name| read.contains_key(name))
                && read.iter().all(|(name, value)| match written.get(name) {
                    Some(written) => same(value, written),
                    None => [json!([]), json!(false), json!(0)].contains(value),
                })
        }
        (Value::Array(read), Value::Array(written)) => {
            read.len() == written.len() && read.iter().zip(written).all(|(r, w)| same(r, w))
        }
        _ => read == written,
    }
}
