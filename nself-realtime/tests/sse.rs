//! Server-sent events: the form of the messages, and the `id:` to come back with.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use nself_realtime::auth::{Identity, Lease};
use nself_realtime::clock::{Clock, SystemClock, TokioClock};
use nself_realtime::event::{ServiceState, ServiceStatus};
use nself_realtime::transport::RoomError;
use nself_realtime::transport::sse::EventsRequest;
use nself_realtime::{
    Delivery, Emitter, Hub, Name, Payload, Retention, RoomName, Server, SessionConfig, Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// Data that is passed on as it stands.
#[derive(Serialize, Deserialize)]
struct Passed(Box<RawValue>);

impl Payload for Passed {
    const TYPE: &'static str = "test:passed";
    const DELIVERY: Delivery = Delivery::Immediate;
    const RETENTION: Retention = Retention::Ring { events: 2, bytes: 1024 };

    fn key(&self) -> &'static str {
        "passed"
    }
}

fn server() -> (Server, Emitter) {
    let hub = Hub::builder().clock(TokioClock::starting_at(SystemClock.timestamp())).build();
    let shop = hub.open_room(&RoomName::new("shop").unwrap());
    (Server::new(hub, SessionConfig::default()), shop)
}

fn status(room: &Emitter, service: &str) {
    let service = Name::new(service).unwrap();
    room.service_status(&ServiceStatus::new(service, ServiceState::Running)).unwrap();
}

fn pass(room: &Emitter, json: &str) {
    room.emit(&Passed(RawValue::from_string(json.to_owned()).unwrap())).unwrap();
}

fn events(server: &Server, query: &str) -> BoxStream<'static, Bytes> {
    server.events(&Identity::guest(), EventsRequest::from_query(query).unwrap()).unwrap().boxed()
}

async fn text(stream: &mut BoxStream<'static, Bytes>) -> String {
    String::from_utf8(stream.next().await.unwrap().to_vec()).unwrap()
}

/// The value of a field of a message.
fn field<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

async fn ready(stream: &mut BoxStream<'static, Bytes>) -> String {
    loop {
        let text = text(stream).await;
        if let Some(message) = text.split_terminator("\n\n").find(|m| m.contains("event: ready")) {
            return field(message, "id").unwrap().to_owned();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_begins_with_subscribed_and_has_an_id_from_ready_on() {
    let (server, shop) = server();
    status(&shop, "web");
    let mut stream = events(&server, "room=shop");
    let subscribed = text(&mut stream).await;
    assert!(subscribed.starts_with("event: subscribed\ndata: {\"type\":\"subscribed\""));
    let rest = text(&mut stream).await;
    let messages: Vec<&str> = rest.split_terminator("\n\n").collect();
    assert!(messages[0].starts_with("data: {\"type\":\"snapshot\""), "{rest}");
    let ready: Value = serde_json::from_str(field(messages[1], "data").unwrap()).unwrap();
    assert_eq!(field(messages[1], "id"), ready["data"]["cursor"].as_str());
    status(&shop, "db");
    let event = text(&mut stream).await;
    assert!(field(&event, "id").unwrap().ends_with(".2"));
    assert_eq!(field(&event, "event"), None);
}

#[tokio::test(start_paused = true)]
async fn the_last_event_id_wins_over_since() {
    let (server, shop) = server();
    let id = ready(&mut events(&server, "room=shop")).await;
    status(&shop, "web");
    let request = EventsRequest::from_query("room=shop&since=elsewhere.7").unwrap();
    let mut stream =
        server.events(&Identity::guest(), request.last_event_id(&id).unwrap()).unwrap().boxed();
    let subscribed = text(&mut stream).await;
    assert!(subscribed.contains(r#""recovered":"full""#));
    assert_eq!(field(&subscribed, "id"), Some(&*id), "the former one until ready");
    assert!(text(&mut stream).await.contains(r#""seq":1,"#));
    let request = EventsRequest::from_query("room=shop").unwrap();
    assert_eq!(request.clone().last_event_id("").unwrap(), request);
    assert_eq!(request.last_event_id("7").unwrap_err().field(), Some("Last-Event-ID"));
}

#[tokio::test(start_paused = true)]
async fn silence_is_broken_every_15_s_by_a_comment_or_by_a_position_that_moved() {
    let (server, shop) = server();
    let mut stream = events(&server, "room=shop&keys=web");
    let id = ready(&mut stream).await;
    let before = tokio::time::Instant::now();
    assert_eq!(text(&mut stream).await, ":\n\n");
    assert_eq!(before.elapsed(), Duration::from_secs(15));
    status(&shop, "db");
    let (epoch, _) = id.split_once('.').unwrap();
    assert_eq!(text(&mut stream).await, format!("id: {epoch}.1\n\n"));
    assert_eq!(before.elapsed(), Duration::from_secs(30));
    assert_eq!(text(&mut stream).await, ":\n\n");
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_the_stream_with_closing_and_the_time_to_come_back() {
    let (server, _shop) = server();
    let mut stream = events(&server, "room=shop");
    let id = ready(&mut stream).await;
    let drain = server.drain(Duration::from_secs(5));
    let read = async {
        let closing = text(&mut stream).await;
        assert!(stream.next().await.is_none());
        closing
    };
    let (closing, drained) = tokio::join!(read, drain);
    assert!(drained);
    assert_eq!((field(&closing, "event"), field(&closing, "id")), (Some("closing"), Some(&*id)));
    let frame: Value = serde_json::from_str(field(&closing, "data").unwrap()).unwrap();
    let retry: u64 = field(&closing, "retry").unwrap().parse().unwrap();
    assert_eq!(frame["data"]["retryAfterMs"], retry);
    let mut late = events(&server, "room=shop");
    assert!(text(&mut late).await.contains("event: subscribed"));
    assert!(text(&mut late).await.contains("event: closing"));
    assert!(late.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_its_sign_in() {
    let (server, shop) = server();
    let now = server.hub().clock().timestamp().unix_nanos();
    let until = |seconds: i128| Timestamp::from_unix_nanos(now + seconds * 1_000_000_000).unwrap();
    let (expiring, ended, withdrawn) =
        (Lease::until(until(60)), Lease::endless(), Lease::endless());
    let mut closings = Vec::new();
    for lease in [&expiring, &ended, &withdrawn] {
        let identity = Identity::new(Name::new("ann").unwrap(), lease.clone());
        let request = EventsRequest::from_query("room=shop").unwrap();
        let mut stream = server.events(&identity, request).unwrap().boxed();
        let id = ready(&mut stream).await;
        closings.push(async move {
            for _ in 0..10 {
                let message = text(&mut stream).await;
                if message == ":\n\n" {
                    continue;
                }
                assert!(stream.next().await.is_none());
                assert_eq!((field(&message, "id"), field(&message, "retry")), (Some(&*id), None));
                let frame: Value = serde_json::from_str(field(&message, "data").unwrap()).unwrap();
                return (frame["type"].clone(), frame["data"]["code"].clone());
            }
            panic!("it goes on");
        });
    }
    let mut closings = closings.into_iter();
    let before = tokio::time::Instant::now();
    expiring.renew(until(90));
    assert_eq!(closings.next().unwrap().await, ("closing".into(), 4501.into()));
    assert_eq!(before.elapsed(), Duration::from_secs(90));
    ended.end();
    withdrawn.withdraw();
    status(&shop, "web");
    assert_eq!(closings.next().unwrap().await, ("closing".into(), 4501.into()));
    assert_eq!(closings.next().unwrap().await, ("closing".into(), 4503.into()));
    assert_eq!(before.elapsed(), Duration::from_secs(90));
}

#[tokio::test(start_paused = true)]
async fn a_room_that_closes_ends_the_stream() {
    let (server, _shop) = server();
    let mut stream = events(&server, "room=shop");
    ready(&mut stream).await;
    server.hub().close_room(&RoomName::new("shop").unwrap());
    assert!(text(&mut stream).await.starts_with("event: unsubscribed\n"));
    assert!(stream.next().await.is_none());
    let request = EventsRequest::from_query("room=shop").unwrap();
    let unknown = RoomError::UnknownRoom { room: RoomName::new("shop").unwrap() };
    assert_eq!(server.events(&Identity::guest(), request).err(), Some(unknown));
}

#[tokio::test(start_paused = true)]
async fn line_ends_in_passed_on_data_do_not_end_a_message() {
    let (server, shop) = server();
    let mut stream = events(&server, "room=shop");
    ready(&mut stream).await;
    pass(&shop, "{\r\n\"a\":\n1}");
    let message = text(&mut stream).await;
    let data: Vec<&str> = message.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let event: Value = serde_json::from_str(&data.join("\n")).unwrap();
    assert_eq!(event["data"]["a"], 1);
    assert_eq!(message.matches("\n\n").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_id_stays_before_a_gap_until_what_it_counts_is_passed() {
    let (server, shop) = server();
    let mut stream = events(&server, "room=shop&types=test:passed");
    let id = ready(&mut stream).await;
    // All that is wanted is lost, but for the last two.
    for n in 0..100 {
        pass(&shop, &n.to_string());
    }
    for _ in 0..5_000 {
        status(&shop, "web");
    }
    let messages = text(&mut stream).await;
    let messages: Vec<&str> = messages.split_terminator("\n\n").collect();
    assert_eq!((field(messages[0], "event"), field(messages[0], "id")), (Some("gap"), Some(&*id)));
    assert!(messages[0].contains(r#""missed":98"#));
    let (epoch, _) = id.split_once('.').unwrap();
    assert_eq!(field(messages[1], "id"), Some(&*format!("{epoch}.5100")));
    assert!(stream.next().now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn who_falls_out_of_the_ledger_is_reset_and_keeps_the_former_id_until_ready() {
    let (server, shop) = server();
    let mut stream = events(&server, "room=shop");
    let id = ready(&mut stream).await;
    for _ in 0..1_100_000 {
        status(&shop, "web");
    }
    let reset = text(&mut stream).await;
    assert_eq!((field(&reset, "event"), field(&reset, "id")), (Some("reset"), Some(&*id)));
    let (epoch, _) = id.split_once('.').unwrap();
    assert_eq!(ready(&mut stream).await, format!("{epoch}.1100000"));
}
