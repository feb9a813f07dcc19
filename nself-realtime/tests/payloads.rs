//! What each built-in payload refuses: every range and length at its edge, by the name of the field.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::fmt::Debug;

use nself_realtime::Payload;
use nself_realtime::event::{
    BuildProgress, DeployProgress, DockerStats, EngineStatus, LogsStream, Notification, Presence,
    QueryResult, RoomStatus, ServiceStatus,
};
use serde_json::{Value, json};

/// Sets the field that a JSON pointer names, and says what the payload's type makes of it.
fn with<P: Payload>(base: &Value, pointer: &str, value: Value) -> Result<(), String> {
    let mut changed = base.clone();
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    changed.pointer_mut(parent).unwrap()[field] = value;
    let payload: P = serde_json::from_value(changed).map_err(|error| error.to_string())?;
    payload.check().map_err(|error| error.to_string())
}

/// That a field takes the one value and refuses the other, with an error that names it.
fn edge<P: Payload>(base: &Value, pointer: &str, good: Value, bad: Value, name: &str) {
    assert_eq!(with::<P>(base, pointer, good), Ok(()), "{} {pointer}", P::TYPE);
    let error = with::<P>(base, pointer, bad).unwrap_err();
    let expected = format!("{}: {name}: ", P::TYPE);
    assert!(error.starts_with(&expected), "{error} instead of {expected}");
}

fn longest<P: Payload>(base: &Value, pointer: &str, bytes: usize, name: &str) {
    // Two bytes a character: it is bytes that are counted.
    let (good, bad) = ("é".repeat(bytes / 2), format!("{}x", "é".repeat(bytes / 2)));
    edge::<P>(base, pointer, json!(good), json!(bad), name);
}

fn not_empty<P: Payload>(base: &Value, pointer: &str, name: &str) {
    edge::<P>(base, pointer, json!("x"), json!(""), name);
}

fn most<P: Payload>(base: &Value, pointer: &str, items: usize, item: &Value, name: &str) {
    let list = |n: usize| Value::from(vec![item.clone(); n]);
    edge::<P>(base, pointer, list(items), list(items + 1), name);
}

/// That a name which is none never becomes a payload.
fn named<P: Payload + Debug>(base: &Value, pointer: &str) {
    assert_eq!(with::<P>(base, pointer, json!("x".repeat(256))), Ok(()));
    for bad in ["", "a\u{7}b", &"x".repeat(257)] {
        assert!(with::<P>(base, pointer, json!(bad)).is_err(), "{} {pointer}", P::TYPE);
    }
}

#[test]
fn service_status_keeps_its_limits() {
    type P = ServiceStatus;
    let port = json!({"container": 80, "host": 8080, "address": "::1", "protocol": "tcp"});
    let base = json!({
        "service": "web", "status": "running", "containerId": "c", "ports": [port],
        "health": {"status": "healthy", "output": "ok"},
    });
    named::<P>(&base, "/service");
    named::<P>(&base, "/containerId");
    longest::<P>(&base, "/image", 512, "image");
    longest::<P>(&base, "/message", 4_096, "message");
    longest::<P>(&base, "/health/output", 4_096, "health.output");
    most::<P>(&base, "/ports", 256, &port, "ports");
    longest::<P>(&base, "/ports/0/address", 64, "ports[0].address");
    longest::<P>(&base, "/ports/0/protocol", 8, "ports[0].protocol");
    assert!(with::<P>(&base, "/status", json!("fine")).is_err());
    assert!(with::<P>(&base, "/ports/0/host", json!(65_536)).is_err());
}

#[test]
fn build_progress_keeps_its_limits() {
    type P = BuildProgress;
    let item = json!({"name": "layer", "status": "pending"});
    let base = json!({
        "buildId": "b", "step": "s", "status": "in-progress", "progress": 1.5,
        "currentStep": 1, "totalSteps": 2, "logs": ["l"], "items": [item],
    });
    named::<P>(&base, "/buildId");
    not_empty::<P>(&base, "/step", "step");
    longest::<P>(&base, "/step", 256, "step");
    edge::<P>(&base, "/progress", json!(0), json!(-0.5), "progress");
    edge::<P>(&base, "/progress", json!(100), json!(100.5), "progress");
    edge::<P>(&base, "/currentStep", json!(1_000), json!(1_001), "currentStep");
    edge::<P>(&base, "/totalSteps", json!(1_000), json!(1_001), "totalSteps");
    longest::<P>(&base, "/message", 4_096, "message");
    longest::<P>(&base, "/error", 16_384, "error");
    most::<P>(&base, "/logs", 4_096, &json!(""), "logs");
    edge::<P>(&base, "/logs", json!(["x"]), json!(["x".repeat(65_537)]), "logs[0]");
    most::<P>(&base, "/items", 1_024, &item, "items");
    longest::<P>(&base, "/items/0/name", 512, "items[0].name");
    not_empty::<P>(&base, "/items/0/name", "items[0].name");
}

#[test]
fn deploy_progress_keeps_its_limits() {
    type P = DeployProgress;
    let base = json!({
        "deployId": "d", "environment": "live", "stage": "s", "status": "pending",
        "progress": 0.0, "logs": [],
    });
    named::<P>(&base, "/deployId");
    not_empty::<P>(&base, "/environment", "environment");
    longest::<P>(&base, "/environment", 128, "environment");
    not_empty::<P>(&base, "/stage", "stage");
    longest::<P>(&base, "/stage", 256, "stage");
    edge::<P>(&base, "/progress", json!(0), json!(-1), "progress");
    edge::<P>(&base, "/progress", json!(100), json!(101), "progress");
    most::<P>(&base, "/logs", 4_096, &json!(""), "logs");
    edge::<P>(&base, "/logs", json!(["x"]), json!(["x".repeat(65_537)]), "logs[0]");
    longest::<P>(&base, "/error", 16_384, "error");
}

#[test]
fn logs_stream_keeps_its_limits() {
    type P = LogsStream;
    let time = "2026-01-31T12:00:00.123456789Z";
    let line =
        json!({"kind": "line", "service": "web", "time": time, "line": "", "source": "stdout"});
    named::<P>(&line, "/service");
    edge::<P>(&line, "/line", json!("x".repeat(262_144)), json!("x".repeat(262_145)), "line");
    assert!(with::<P>(&line, "/time", json!("yesterday")).is_err());
    assert!(with::<P>(&line, "/source", json!("stdin")).is_err());
    assert!(with::<P>(&line, "/level", json!("loud")).is_err());
    let marker =
        json!({"kind": "marker", "service": "web", "time": time, "marker": "lost", "text": ""});
    longest::<P>(&marker, "/text", 4_096, "text");
    assert!(with::<P>(&marker, "/marker", json!("found")).is_err());
    assert!(with::<P>(&marker, "/kind", json!("verse")).is_err());
}

#[test]
fn docker_stats_keep_their_limits() {
    type P = DockerStats;
    let base = json!({"containerId": "c", "containerName": "n", "stats": {"cpu": 200.0}});
    named::<P>(&base, "/containerId");
    named::<P>(&base, "/containerName");
    named::<P>(&base, "/service");
    edge::<P>(&base, "/stats/cpu", json!(0), json!(-0.1), "stats.cpu");
    edge::<P>(&base, "/stats/memoryPercent", json!(0), json!(-1), "stats.memoryPercent");
    assert!(with::<P>(&base, "/stats/memory", json!(-1)).is_err());
}

#[test]
fn query_results_keep_their_limits() {
    type P = QueryResult;
    let field = json!({"name": "id", "dataType": "int8"});
    let base = json!({
        "queryId": "q", "fields": [field], "rows": [[1]], "rowCount": 10_001, "done": true,
        "error": {"code": "c", "message": "m"},
    });
    named::<P>(&base, "/queryId");
    most::<P>(&base, "/rows", 10_000, &json!([1]), "rows");
    longest::<P>(&base, "/fields/0/name", 1_024, "fields[0].name");
    longest::<P>(&base, "/fields/0/dataType", 256, "fields[0].dataType");
    not_empty::<P>(&base, "/fields/0/dataType", "fields[0].dataType");
    longest::<P>(&base, "/error/code", 64, "error.code");
    not_empty::<P>(&base, "/error/code", "error.code");
    longest::<P>(&base, "/error/message", 16_384, "error.message");
    edge::<P>(&base, "/error/position", json!(1), json!(0), "error.position");
    let mut empty = base.clone();
    empty["rows"] = json!([]);
    most::<P>(&empty, "/fields", 1_664, &field, "fields");
}

#[test]
fn notifications_keep_their_limits() {
    type P = Notification;
    let base = json!({
        "id": "n", "severity": "info", "title": "t", "action": {"label": "l", "href": "/"},
    });
    named::<P>(&base, "/id");
    not_empty::<P>(&base, "/title", "title");
    longest::<P>(&base, "/title", 256, "title");
    longest::<P>(&base, "/body", 16_384, "body");
    not_empty::<P>(&base, "/action/label", "action.label");
    longest::<P>(&base, "/action/label", 64, "action.label");
    let path = |bytes: usize| json!(format!("/{}", "x".repeat(bytes - 1)));
    edge::<P>(&base, "/action/href", path(1_024), path(1_025), "action.href");
    edge::<P>(&base, "/action/href", json!("/a"), json!("//a"), "action.href");
}

#[test]
fn states_keep_their_limits() {
    let engine = json!({"engine": "docker", "status": "online"});
    named::<EngineStatus>(&engine, "/engine");
    longest::<EngineStatus>(&engine, "/version", 128, "version");
    longest::<EngineStatus>(&engine, "/apiVersion", 32, "apiVersion");
    longest::<EngineStatus>(&engine, "/message", 4_096, "message");
    let room = json!({"room": "shop", "state": "open"});
    longest::<RoomStatus>(&room, "/title", 256, "title");
    assert!(with::<RoomStatus>(&room, "/room", json!("No room")).is_err());
    let presence = json!({"sessionId": "s", "user": "ann", "state": "join"});
    named::<Presence>(&presence, "/sessionId");
    named::<Presence>(&presence, "/user");
    longest::<Presence>(&presence, "/page", 512, "page");
    assert!(with::<Presence>(&presence, "/state", json!("rest")).is_err());
}
