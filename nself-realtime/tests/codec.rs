//! What comes from outside never panics, is never guessed at, and what is read is written back the same.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it fails")]

use std::task::Waker;
use std::time::Instant;

use nself_realtime::auth::{Access, Identity};
use nself_realtime::clock::{Clock, SystemClock};
use nself_realtime::transport::poll::PollRequest;
use nself_realtime::transport::sse::EventsRequest;
use nself_realtime::{
    Cursor, Epoch, EventType, Filter, Hub, MAX_SEQ, Name, NanoTimestamp, Peer, RawEvent, RoomName,
    SessionConfig, Timestamp, Transmit,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const TYPES: &[&str] =
    &["hello", "subscribe", "unsubscribe", "ack", "presence", "auth", "ping", "pong"];
const WORDS: &[&str] = &[
    "filters",
    "types",
    "keys",
    "tail",
    "since",
    "cursor",
    "token",
    "page",
    "shop",
    "logs:stream",
    "abcdefgh.1",
    "session",
    "secret",
    "idle",
];

/// A connection, and everything that it was answered.
struct Client {
    peer: Peer,
    now: Instant,
}

impl Client {
    fn new() -> Self {
        let hub = Hub::new();
        hub.open_room(&RoomName::new("shop").unwrap());
        let now = SystemClock.now();
        let (config, access) = (SessionConfig::default(), Access::default());
        let mut client = Self { peer: Peer::new(hub, config, access, Identity::guest(), now), now };
        client.answers();
        client
    }

    fn answers(&mut self) -> Vec<Value> {
        let mut out = Vec::new();
        while self.peer.poll_transmit(self.now, Waker::noop(), &mut out) == Transmit::Frames {}
        out.iter().map(|frame| serde_json::from_slice(frame).unwrap()).collect()
    }

    fn say(&mut self, text: &str) -> Vec<Value> {
        self.peer.handle_text(self.now, text);
        self.answers()
    }
}

/// Frames as clients send them.
fn frames() -> impl Strategy<Value = String> {
    let id = proptest::option::of(any::<u64>());
    (proptest::sample::select(TYPES), id, proptest::option::of(json_values())).prop_map(
        |(frame_type, id, data)| {
            let mut frame = json!({"type": frame_type, "room": "shop"});
            if let Some(id) = id {
                frame["id"] = json!(id);
            }
            if let Some(data) = data {
                frame["data"] = data;
            }
            frame.to_string()
        },
    )
}

/// JSON with the words of the protocol in it.
fn json_values() -> impl Strategy<Value = Value> {
    let word = proptest::sample::select(WORDS);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::hash_map(word.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The same with a few bytes replaced.
fn damaged(frame: String, at: usize, by: &[u8]) -> String {
    let mut bytes = frame.into_bytes();
    let at = at % bytes.len();
    let end = bytes.len().min(at + by.len());
    bytes.splice(at..end, by.iter().copied());
    String::from_utf8_lossy(&bytes).into_owned()
}

fn cursors() -> impl Strategy<Value = Cursor> {
    (any::<u64>(), 0..=MAX_SEQ)
        .prop_map(|(bits, seq)| Cursor { epoch: Epoch::from_random(bits), seq })
}

fn filters() -> impl Strategy<Value = Filter> {
    let types = proptest::collection::vec("[a-z]{1,9}(:[a-z]{1,9}){0,2}", 0..4);
    let keys = proptest::collection::vec("[^\\p{Cc}]{1,40}", 0..4);
    (proptest::option::of(types), proptest::option::of(keys), proptest::option::of(0..=2_000_u32))
        .prop_map(|(types, keys, tail)| Filter {
            types: types.map(|list| list.iter().map(|t| EventType::new(t).unwrap()).collect()),
            keys: keys.map(|list| list.iter().map(|key| Name::new(key).unwrap()).collect()),
            tail,
        })
}

proptest! {
    #[test]
    fn a_frame_that_was_damaged_is_answered_and_the_connection_lives(
        frame in frames(),
        at in any::<usize>(),
        by in proptest::collection::vec(any::<u8>(), 0..4),
    ) {
        let mut client = Client::new();
        client.say(&damaged(frame, at, &by));
        // A token is looked at first.
        if client.peer.wants_input() {
            let pong = client.say(r#"{"type":"ping","id":7}"#);
            prop_assert_eq!(&pong.last().unwrap()["id"], &json!(7));
        }
    }

    #[test]
    fn whatever_is_no_frame_is_an_error_with_a_code(text in "\\PC*") {
        prop_assume!(!text.trim_start().starts_with('{'));
        let answers = Client::new().say(&text);
        prop_assert_eq!(&answers[0]["data"]["code"], &json!("invalid_frame"));
    }

    #[test]
    fn arbitrary_requests_over_http_are_read_or_refused(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        value in json_values(),
        query in "\\PC{0,80}",
    ) {
        for refused in [
            PollRequest::from_json(&body).err(),
            PollRequest::from_json(value.to_string().as_bytes()).err(),
            PollRequest::from_query(&query).err(),
            EventsRequest::from_query(&query).err(),
        ].into_iter().flatten() {
            prop_assert!(!refused.message().is_empty() && refused.field().is_some());
        }
    }

    #[test]
    fn cursors_and_filters_are_read_as_they_were_written(
        cursor in cursors(),
        filter in filters(),
    ) {
        prop_assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        let text = serde_json::to_string(&filter).unwrap();
        prop_assert_eq!(serde_json::from_str::<Filter>(&text).unwrap(), filter);
    }

    #[test]
    fn times_are_read_as_they_were_written(nanos in 0..4_102_444_800_000_000_000_i128) {
        let text = NanoTimestamp::from_unix_nanos(nanos).unwrap().to_string();
        prop_assert_eq!(text.parse::<NanoTimestamp>().unwrap().unix_nanos(), nanos);
        let ms = nanos / 1_000_000 * 1_000_000;
        let text = Timestamp::from_unix_nanos(ms).unwrap().to_string();
        prop_assert_eq!(text.parse::<Timestamp>().unwrap().unix_nanos(), ms);
    }

    #[test]
    fn an_event_of_any_type_goes_through_unharmed(data in json_values(), seq in 1..=MAX_SEQ) {
        let text = format!(
            r#"{{"type":"later:thing","seq":{seq},"timestamp":"2026-01-31T12:00:00.123Z","data":{data}}}"#
        );
        let event: RawEvent = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(serde_json::to_string(&event).unwrap(), text);
    }
}
