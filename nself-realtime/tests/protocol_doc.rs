//! `docs/protocol.md` says what the code does: its tables are compared with the types, its limits with
//! what a connection answers, and its examples are read and answered.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it fails"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::task::Waker;
use std::time::{Duration, Instant};

use nself_realtime::auth::{Access, Identity};
use nself_realtime::clock::{Clock, SystemClock};
use nself_realtime::event::{
    BuildProgress, DeployProgress, DockerStats, EngineStatus, LogLine, LogsStream, Notification,
    Presence, QueryResult, RoomStatus, ServiceStatus, Source, Stats,
};
use nself_realtime::transport::poll::PollRequest;
use nself_realtime::{
    CloseCode, Cursor, Delivery, ErrorCode, Hub, MAX_EVENT_BYTES, Name, NanoTimestamp, Payload,
    Peer, Retention, RoomName, Server, SessionConfig, Transmit, schema,
};
use serde_json::{Value, json};

fn doc() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocol.md")).unwrap()
}

/// The rows of the table with that head, without their back quotes.
fn table(head: &str) -> Vec<Vec<String>> {
    let doc = doc();
    let mut lines = doc.lines().skip_while(|line| *line != head);
    assert!(lines.next().is_some(), "no table begins with {head}");
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells = row.trim_matches('|').split(" | ");
        cells.map(|cell| cell.trim().replace('`', "")).collect()
    })
    .collect()
}

fn words(cell: &str) -> BTreeSet<String> {
    cell.split_whitespace().map(str::to_owned).collect()
}

fn number(text: &str) -> u64 {
    text.replace(',', "").parse().unwrap()
}

/// A number with its thousands apart.
fn grouped(number: usize) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", grouped(number / 1_000), number % 1_000),
    }
}

fn size(bytes: usize) -> String {
    if bytes.is_multiple_of(1 << 20) {
        format!("{} MiB", bytes >> 20)
    } else {
        format!("{} KiB", bytes >> 10)
    }
}

fn event_row<P: Payload>(key: &str) -> Vec<String> {
    let delivery = match P::DELIVERY {
        Delivery::Immediate => "immediate",
        Delivery::Batched => "batched",
        Delivery::FlowControlled => "flow-controlled",
        other => panic!("{other:?} has no word in the document"),
    };
    let kept = match P::RETENTION {
        Retention::Latest => "the latest of each key".to_owned(),
        Retention::Ring { events, bytes } => {
            format!("the newest {} of each key, {}", grouped(events), size(bytes))
        }
        Retention::Runs { keys, bytes } => {
            format!("all of the {keys} newest keys, {}", size(bytes))
        }
        Retention::Newest { keys } => format!("the latest of the {keys} newest keys"),
        Retention::UntilAcknowledged => "until acknowledged".to_owned(),
        other => panic!("{other:?} has no words in the document"),
    };
    vec![P::TYPE.to_owned(), key.to_owned(), delivery.to_owned(), kept]
}

#[test]
fn the_events_have_the_delivery_and_the_retention_of_their_types() {
    let expected = [
        event_row::<ServiceStatus>("service"),
        event_row::<BuildProgress>("buildId"),
        event_row::<DeployProgress>("deployId"),
        event_row::<LogsStream>("service"),
        event_row::<DockerStats>("containerId"),
        event_row::<QueryResult>("queryId"),
        event_row::<Notification>("id"),
        event_row::<EngineStatus>("engine"),
        event_row::<RoomStatus>("room"),
        event_row::<Presence>("sessionId"),
    ];
    assert_eq!(table("| type | key | delivery | kept for later readers |"), expected);
    let types: BTreeSet<&str> = schema::all().into_iter().map(|(name, _)| name).collect();
    let told: BTreeSet<&str> = expected.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(told, types, "every type has a schema and a row");
}

#[test]
fn the_fields_are_those_of_the_schemas() {
    let schemas: BTreeMap<_, _> = schema::all().into_iter().collect();
    let mut told = BTreeSet::new();
    for row in table("| type | required | optional |") {
        let (event_type, variant) = row[0].split_once(" (").unwrap_or((&row[0], ""));
        let schema = &schemas[event_type];
        let kind = json!(variant.trim_end_matches(')'));
        let variants = schema["oneOf"].as_array().into_iter().flatten();
        let variant = variants.into_iter().find(|v| v["properties"]["kind"]["const"] == kind);
        let definition = variant.and_then(|v| v["$ref"].as_str()?.rsplit('/').next());
        let parts = match definition {
            Some(name) => vec![variant.unwrap(), &schema["$defs"][name]],
            None => vec![schema],
        };
        let names = |list: &Value| -> Vec<String> {
            list.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
        };
        let required: BTreeSet<String> =
            parts.iter().flat_map(|part| names(&part["required"])).collect();
        let all: BTreeSet<String> = parts
            .iter()
            .flat_map(|part| part["properties"].as_object().unwrap().keys().cloned())
            .collect();
        let optional: BTreeSet<String> = all.difference(&required).cloned().collect();
        assert_eq!((words(&row[1]), words(&row[2])), (required, optional), "{}", row[0]);
        told.insert(event_type.to_owned());
    }
    assert_eq!(told.len(), schemas.len());
}

#[test]
fn the_codes_are_those_of_the_code() {
    let closes: BTreeSet<String> = CloseCode::ALL.map(|code| code.code().to_string()).into();
    let told = table("| close | meaning | the client |");
    assert_eq!(told.iter().map(|row| row[0].clone()).collect::<BTreeSet<_>>(), closes);
    for row in told {
        let stops = row[2].starts_with("stops") || row[2].starts_with("stays");
        let terminal = (4_500..5_000).contains(&number(&row[0])) || number(&row[0]) < 1_010;
        assert_eq!(stops, terminal, "{row:?} is advice of its range");
    }
    let errors: BTreeSet<String> = ErrorCode::ALL.map(|code| code.as_str().to_owned()).into();
    let told = table("| error | meaning | the client |");
    assert_eq!(told.into_iter().map(|row| row[0].clone()).collect::<BTreeSet<_>>(), errors);
}

#[test]
fn the_defaults_are_those_of_a_session() {
    let config = SessionConfig::default();
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap();
    let count = |n: usize| u64::try_from(n).unwrap();
    let expected = [
        ("heartbeatMs", ms(config.heartbeat)),
        ("heartbeatTimeoutMs", ms(config.heartbeat_timeout)),
        ("maxMessageBytes", count(config.max_message_bytes)),
        ("rooms of a connection", count(config.max_rooms)),
        ("longest wait for company, ms", ms(config.pacing.max_wait)),
        ("events that are company enough", count(config.pacing.max_events)),
        ("shortest time between two flushes of batched events, ms", ms(config.pacing.min_gap)),
        ("flushes of immediate events in 100 ms", count(config.pacing.burst)),
        ("bytes of a flush", count(config.pacing.max_bytes)),
    ];
    let told: Vec<(String, u64)> = table("| setting | default |")
        .into_iter()
        .map(|row| (row[0].clone(), number(&row[1])))
        .collect();
    assert_eq!(told, expected.map(|(name, value)| (name.to_owned(), value)));
    let connection = Client::new(&Hub::new());
    let welcome = &connection.welcome["data"];
    for (name, value) in &told[..3] {
        assert_eq!(welcome[name], *value, "{name}");
    }
}

/// A connection on a time of its own.
struct Client {
    peer: Peer,
    now: Instant,
    welcome: Value,
    closed: Option<CloseCode>,
}

impl Client {
    fn new(hub: &Hub) -> Self {
        let now = SystemClock.now();
        let (config, access) = (SessionConfig::default(), Access::default());
        let peer = Peer::new(hub.clone(), config, access, Identity::guest(), now);
        let mut client = Self { peer, now, welcome: Value::Null, closed: None };
        client.welcome = client.frames().remove(0);
        client
    }

    fn frames(&mut self) -> Vec<Value> {
        let mut frames = Vec::new();
        loop {
            match self.peer.poll_transmit(self.now, Waker::noop(), &mut frames) {
                Transmit::Frames => self.peer.handle_written(),
                Transmit::Idle => break,
                Transmit::Close(code) => {
                    self.closed = Some(code);
                    break;
                }
            }
        }
        frames.iter().map(|frame| serde_json::from_slice(frame).unwrap()).collect()
    }

    fn say(&mut self, text: &str) -> Vec<Value> {
        self.peer.handle_text(self.now, text);
        self.frames()
    }

    /// The code of the error that answers, if one does.
    fn error(&mut self, text: &str) -> Option<String> {
        let frames = self.say(text);
        let error = frames.iter().find(|frame| frame["type"] == "error")?;
        Some(error["data"]["code"].as_str().unwrap().to_owned())
    }

    /// How many pings of `most` are answered before one is refused or the connection ends.
    fn pings(&mut self, most: u64) -> u64 {
        let answered = |_: &u64| self.say(r#"{"type":"ping"}"#).iter().any(|f| f["type"] == "pong");
        u64::try_from((0..most).take_while(answered).count()).unwrap()
    }
}

fn hub() -> Hub {
    let hub = Hub::new();
    hub.open_room(&RoomName::new("shop").unwrap());
    hub
}

fn subscribe(data: &Value) -> String {
    json!({"type": "subscribe", "room": "shop", "data": data}).to_string()
}

/// That the request with `n` is taken, and with one more is answered by the error.
fn at_most(n: u64, request: impl Fn(usize) -> String, error: ErrorCode) {
    let n = usize::try_from(n).unwrap();
    assert_eq!(Client::new(&hub()).error(&request(n)), None);
    let refused = Client::new(&hub()).error(&request(n + 1));
    assert_eq!(refused.as_deref(), Some(error.as_str()), "{n}");
}

#[test]
fn the_limits_are_those_that_a_connection_keeps() {
    let mut limits: BTreeMap<String, u64> = table("| limit | value |")
        .into_iter()
        .map(|row| (row[0].clone(), number(&row[1])))
        .collect();
    let mut limit = |name: &str| limits.remove(name).unwrap_or_else(|| panic!("no limit {name}"));

    let rooms = limit("rooms of a connection");
    let many = Hub::new();
    let mut client = Client::new(&many);
    for room in 0..=rooms {
        many.open_room(&RoomName::new(format!("room-{room}")).unwrap());
        let subscribe = json!({"type": "subscribe", "room": format!("room-{room}")}).to_string();
        let expected = (room == rooms).then_some("too_many_subscriptions");
        assert_eq!(client.error(&subscribe).as_deref(), expected);
    }

    let bad = ErrorCode::BadRequest;
    let filters = limit("filters of a room");
    at_most(filters, |n| subscribe(&json!({"filters": vec![json!({}); n]})), bad);
    let types = limit("types of a filter");
    at_most(types, |n| subscribe(&json!({"types": vec!["a:b"; n]})), bad);
    at_most(limit("keys of a filter"), |n| subscribe(&json!({"keys": vec!["k"; n]})), bad);
    at_most(limit("tail"), |n| subscribe(&json!({"tail": n})), bad);
    let page = |n: usize| json!({"type": "presence", "data": {"page": "x".repeat(n)}}).to_string();
    at_most(limit("bytes of page"), page, bad);
    let depth = usize::try_from(limit("depth of JSON")).unwrap();
    let nested = |n: usize| {
        let (open, close) = ("[".repeat(n - 1), "]".repeat(n - 1));
        format!(r#"{{"type":"ping","data":{open}{close}}}"#)
    };
    assert_eq!(Client::new(&hub()).error(&nested(depth)).as_deref(), Some("bad_request"));
    assert_eq!(Client::new(&hub()).error(&nested(depth + 1)).as_deref(), Some("invalid_frame"));

    assert_eq!(newest_of_a_ring(), limit("tail if absent"));
    assert_eq!(u64::try_from(MAX_EVENT_BYTES).unwrap(), limit("bytes of an event"));
    check_rates(
        limit("messages at once"),
        limit("messages a second"),
        Duration::from_secs(limit("seconds that rate_limited may be ignored")),
    );
    let invalid = limit("invalid frames that close");
    check_invalid_frames(invalid, Duration::from_secs(limit("seconds in which they are counted")));
    assert_eq!(limits, BTreeMap::new(), "a limit that nothing checks");
}

/// How many events of a ring a snapshot has if no tail is asked for.
fn newest_of_a_ring() -> u64 {
    let hub = hub();
    let shop = hub.open_room(&RoomName::new("shop").unwrap());
    let name = Name::new("web").unwrap();
    for _ in 0..300 {
        let (container_id, container_name) = (name.clone(), name.clone());
        let stats = Stats::default();
        shop.docker_stats(&DockerStats { container_id, container_name, service: None, stats })
            .unwrap();
    }
    let frames = Client::new(&hub).say(r#"{"type":"subscribe","room":"shop"}"#);
    let snapshots = frames.iter().filter(|frame| frame["type"] == "snapshot");
    let events: usize = snapshots.map(|frame| frame["events"].as_array().unwrap().len()).sum();
    u64::try_from(events).unwrap()
}

fn check_rates(at_once: u64, a_second: u64, patience: Duration) {
    let mut client = Client::new(&hub());
    assert_eq!(client.pings(1_000), at_once);
    client.now += Duration::from_secs(1);
    assert_eq!(client.pings(1_000), a_second);

    let mut client = Client::new(&hub());
    client.pings(1_000);
    let over = client.now;
    while client.closed.is_none() {
        client.now += Duration::from_millis(1);
        client.pings(1_000);
    }
    assert_eq!((client.closed, client.now - over), (Some(CloseCode::RateLimited), patience));
}

fn check_invalid_frames(most: u64, window: Duration) {
    let after = |pause: Duration| {
        let mut client = Client::new(&hub());
        for _ in 1..most {
            client.say("{");
        }
        assert_eq!(client.closed, None);
        client.now += pause;
        client.say("{");
        client.closed
    };
    assert_eq!(
        after(window.saturating_sub(Duration::from_millis(1))),
        Some(CloseCode::InvalidFrames)
    );
    assert_eq!(after(window), None);
}

#[tokio::test(start_paused = true)]
async fn the_limits_of_a_poll_are_those_that_a_server_keeps() {
    let mut limits: BTreeMap<String, u64> = table("| limit of a poll | value |")
        .into_iter()
        .map(|row| (row[0].clone(), number(&row[1])))
        .collect();
    let mut limit = |name: &str| limits.remove(name).unwrap_or_else(|| panic!("no limit {name}"));

    let read = |body: &Value| PollRequest::from_json(body.to_string().as_bytes());
    let rooms = |n: u64| {
        let rooms: Vec<Value> = (0..n).map(|n| json!({"room": format!("room-{n}")})).collect();
        read(&json!({ "subscriptions": rooms }))
    };
    let most = limit("rooms");
    assert!(rooms(most).is_ok() && rooms(most + 1).is_err());
    let wait = |ms| read(&json!({"waitMs": ms, "subscriptions": [{"room": "shop"}]}));
    let most = limit("waitMs");
    assert!(wait(most).is_ok() && wait(most + 1).is_err());

    let hub = hub();
    let shop = hub.open_room(&RoomName::new("shop").unwrap());
    let server = Server::new(hub, SessionConfig::default());
    let poll = async |since: Option<String>| {
        let body = json!({"subscriptions": [{"room": "shop", "since": since}]});
        let answer = server.poll(&Identity::guest(), read(&body).unwrap()).await.unwrap();
        serde_json::from_slice::<Value>(&answer).unwrap()["rooms"][0].clone()
    };
    let cursor = |room: &Value| Some(room["cursor"].as_str().unwrap().to_owned());
    let events = |room: &Value| u64::try_from(room["events"].as_array().unwrap().len()).unwrap();

    let start = cursor(&poll(None).await);
    let before = tokio::time::Instant::now();
    assert_eq!(events(&poll(start.clone()).await), 0);
    assert_eq!(before.elapsed().as_millis(), u128::from(limit("waitMs if absent")));

    let most = limit("events of an answer");
    for _ in 0..=most {
        shop.log(&line("short")).unwrap();
    }
    let before = tokio::time::Instant::now();
    let full = poll(start).await;
    let company = u128::from(limit("milliseconds that the first event waits for company"));
    assert_eq!((events(&full), before.elapsed().as_millis()), (most, company));

    let rest = cursor(&poll(cursor(&full)).await);
    let bytes = 100_000;
    for _ in 0..20 {
        shop.log(&line(&"x".repeat(bytes))).unwrap();
    }
    let room = limit("bytes of events of an answer") / u64::try_from(bytes).unwrap();
    assert_eq!(events(&poll(rest).await), room);
    assert_eq!(limits, BTreeMap::new(), "a limit that nothing checks");
}

fn line(text: &str) -> LogsStream {
    let (service, time) = (Name::new("web").unwrap(), NanoTimestamp::from_unix_nanos(0).unwrap());
    LogsStream::Line(LogLine::new(service, time, Source::Stdout, text))
}

#[test]
fn the_frames_from_a_client_are_all_known() {
    for row in table("| frame | meaning | answer |") {
        let name = row[0].split_whitespace().next().unwrap();
        let error = Client::new(&hub()).error(&json!({"type": name}).to_string());
        assert_ne!(error.as_deref(), Some("unknown_type"), "{name}");
    }
}

#[test]
fn the_examples_are_read_and_the_mistakes_answered_as_they_say() {
    let doc = doc();
    let lines: Vec<&str> = doc.lines().collect();
    let mut checked = BTreeSet::new();
    for (index, line) in lines.iter().enumerate() {
        if let Some(request) = line.strip_prefix("→ ") {
            let next = lines[index + 1].strip_prefix("← ").map(|next| -> Value { read(next) });
            let expected = next.filter(|frame| frame["type"] == "error");
            let answers = Client::new(&hub()).say(request);
            let error = answers.into_iter().find(|frame| frame["type"] == "error");
            match expected {
                Some(expected) => assert_eq!(error, Some(expected), "{request}"),
                None => assert!(!is_mistake(error.as_ref()), "{request}: {error:?}"),
            }
        } else if let Some(frame) = line.strip_prefix("← ") {
            check_events(&read(frame), &mut checked);
        } else if line.starts_with('{') {
            check_events(&read(line), &mut checked);
        }
    }
    assert!(checked.len() == 3, "{checked:?}");
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Whether a request was not understood; that there is nothing to answer it with is no mistake of it.
fn is_mistake(error: Option<&Value>) -> bool {
    let code = error.and_then(|error| error["data"]["code"].as_str());
    matches!(code, Some("invalid_frame" | "unknown_type" | "bad_request"))
}

/// Checks every event in a frame, and every cursor.
fn check_events(value: &Value, checked: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("seq") {
                let event_type = value["type"].as_str().unwrap();
                check_event(event_type, &value["data"]);
                checked.insert(event_type.to_owned());
            }
            if let Some(cursor) = fields.get("cursor") {
                assert!(cursor.as_str().unwrap().parse::<Cursor>().is_ok(), "{cursor}");
            }
            fields.values().for_each(|field| check_events(field, checked));
        }
        Value::Array(items) => items.iter().for_each(|item| check_events(item, checked)),
        _ => {}
    }
}

fn check_event(event_type: &str, data: &Value) {
    fn holds<P: Payload>(data: &Value, key: &str) {
        let payload: P = serde_json::from_value(data.clone()).unwrap();
        payload.check().unwrap();
        assert_eq!(data[key], payload.key(), "the key of {}", P::TYPE);
        assert_eq!(&serde_json::to_value(&payload).unwrap(), data, "fields that {} lacks", P::TYPE);
    }
    let rows = table("| type | key | delivery | kept for later readers |");
    let row = rows.iter().find(|row| row[0] == event_type).unwrap();
    match event_type {
        ServiceStatus::TYPE => holds::<ServiceStatus>(data, &row[1]),
        LogsStream::TYPE => holds::<LogsStream>(data, &row[1]),
        QueryResult::TYPE => holds::<QueryResult>(data, &row[1]),
        other => panic!("an example of {other} that nothing checks"),
    }
}
