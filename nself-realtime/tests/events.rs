//! Server-sent events: what the messages say, and with which position a client comes back.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use nself_realtime::auth::Identity;
use nself_realtime::clock::{Clock, SystemClock};
use nself_realtime::event::{ServiceState, ServiceStatus};
use nself_realtime::transport::sse::EventsRequest;
use nself_realtime::{Emitter, Hub, Name, RoomName, Server, SessionConfig, Timestamp};
use serde_json::{Value, json};

/// The clock of the runtime, which a test holds.
struct RuntimeClock;

impl Clock for RuntimeClock {
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn timestamp(&self) -> Timestamp {
        SystemClock.timestamp()
    }
}

/// A message as a browser would hand it out.
#[derive(Debug, Default, PartialEq)]
struct Message {
    event: String,
    id: String,
    data: String,
}

impl Message {
    fn data(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

struct Client {
    body: Pin<Box<dyn Stream<Item = Bytes> + Send>>,
    text: String,
}

impl Client {
    fn connect(server: &Server, query: &str, last_event_id: &str) -> Self {
        let request = EventsRequest::from_query(query).unwrap().last_event_id(last_event_id);
        let body = server.events(&Identity::guest(), request.unwrap()).unwrap();
        Self { body: Box::pin(body), text: String::new() }
    }

    /// The next message, comments and bare positions included; `None` at the end.
    async fn next(&mut self) -> Option<Message> {
        while !self.text.contains("\n\n") {
            self.text.push_str(str::from_utf8(&self.body.next().await?).unwrap());
        }
        let text = std::mem::take(&mut self.text);
        let (block, rest) = text.split_once("\n\n").unwrap();
        let mut message = Message::default();
        for line in block.lines() {
            let (field, value) = line.split_once(':').unwrap();
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut message.event),
                "id" => value.clone_into(&mut message.id),
                "data" => message.data.push_str(value),
                _ => {}
            }
        }
        rest.clone_into(&mut self.text);
        Some(message)
    }
}

fn server() -> (Server, Emitter) {
    let hub = Hub::builder().clock(RuntimeClock).build();
    let shop = hub.open_room(&RoomName::new("shop").unwrap());
    (Server::new(hub, SessionConfig::default()), shop)
}

fn status(room: &Emitter, service: &str) {
    let service = Name::new(service).unwrap();
    room.service_status(&ServiceStatus::new(service, ServiceState::Running)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_position_is_given_from_ready_on() {
    let (server, shop) = server();
    status(&shop, "web");
    let mut client = Client::connect(&server, "room=shop", "");
    let subscribed = client.next().await.unwrap();
    assert_eq!((subscribed.event.as_str(), subscribed.id.as_str()), ("subscribed", ""));
    assert_eq!(subscribed.data()["data"]["recovered"], "fresh");
    let snapshot = client.next().await.unwrap();
    assert_eq!((snapshot.event.as_str(), snapshot.id.as_str()), ("", ""));
    assert_eq!(snapshot.data()["events"][0]["data"]["service"], "web");
    let ready = client.next().await.unwrap();
    assert_eq!(ready.event, "ready");
    assert_eq!(ready.data()["data"]["cursor"], ready.id);
    status(&shop, "db");
    let event = client.next().await.unwrap();
    assert!(event.id.ends_with(".2") && event.data()["seq"] == 2, "{event:?}");
}

#[tokio::test(start_paused = true)]
async fn last_event_id_wins_over_since_and_nothing_comes_twice() {
    let (server, shop) = server();
    let mut client = Client::connect(&server, "room=shop", "");
    client.next().await.unwrap();
    let start = client.next().await.unwrap().id;
    for n in 0..5 {
        status(&shop, &format!("service-{n}"));
    }
    let third = start.replace(".0", ".3");
    let mut client = Client::connect(&server, &format!("room=shop&since={start}"), &third);
    let subscribed = client.next().await.unwrap();
    assert_eq!(subscribed.data()["data"]["recovered"], "full");
    assert_eq!(subscribed.id, third, "the former one until ready");
    let missed = client.next().await.unwrap();
    let seqs: Vec<_> =
        missed.data()["events"].as_array().unwrap().iter().map(|e| e["seq"].clone()).collect();
    assert_eq!((seqs, missed.id), (vec![json!(4), json!(5)], third));
    assert_eq!(client.next().await.unwrap().id, start.replace(".0", ".5"));
}

#[tokio::test(start_paused = true)]
async fn silence_is_broken_every_fifteen_seconds() {
    let (server, shop) = server();
    let mut client = Client::connect(&server, "room=shop&types=docker:stats", "");
    for _ in 0..2 {
        client.next().await.unwrap();
    }
    let before = tokio::time::Instant::now();
    assert_eq!(client.next().await.unwrap(), Message::default(), "a comment");
    assert_eq!(before.elapsed(), Duration::from_secs(15));
    status(&shop, "not asked for");
    let moved = client.next().await.unwrap();
    assert!(moved.id.ends_with(".1") && moved.data.is_empty(), "{moved:?}");
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_the_stream_and_says_when_to_come_back() {
    let (server, _shop) = server();
    let mut client = Client::connect(&server, "room=shop", "");
    for _ in 0..2 {
        client.next().await.unwrap();
    }
    let drained = tokio::spawn({
        let server = server.clone();
        async move { server.drain(Duration::from_secs(1)).await }
    });
    let closing = client.next().await.unwrap();
    assert_eq!(
        (closing.event.as_str(), &closing.data()["data"]["code"]),
        ("closing", &json!(1012))
    );
    assert_eq!(client.next().await, None);
    drop(client);
    assert!(drained.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_room_that_closes_ends_the_stream() {
    let (server, shop) = server();
    let mut client = Client::connect(&server, "room=shop", "");
    for _ in 0..2 {
        client.next().await.unwrap();
    }
    server.hub().close_room(shop.room());
    assert_eq!(client.next().await.unwrap().event, "unsubscribed");
    assert_eq!(client.next().await, None);
}

#[test]
fn what_cannot_be_read_is_named() {
    for (query, field) in [
        ("types=docker:stats", "room"),
        ("room=No", "room"),
        ("room=shop&since=x", "since"),
        ("room=shop&tail=2001", "tail"),
        ("room=shop&waitMs=1", "waitMs"),
        ("room=shop&bogus=1", "bogus"),
    ] {
        let error = EventsRequest::from_query(query).unwrap_err();
        assert!(
            error.to_string().contains(field) || format!("{error:?}").contains(field),
            "{error:?}"
        );
    }
    let request = EventsRequest::from_query("room=shop").unwrap();
    assert!(request.last_event_id("nonsense").is_err());
}
