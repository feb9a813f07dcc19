//! Long polling: when it answers, with how much, and what it refuses.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it fails")]

use std::time::Duration;

use futures::FutureExt;
use nself_realtime::auth::{Identity, Lease};
use nself_realtime::event::{LogLine, LogsStream, ServiceState, ServiceStatus, Source};
use nself_realtime::transport::RoomError;
use nself_realtime::transport::poll::{PollError, PollRequest};
use nself_realtime::{Emitter, Hub, Name, NanoTimestamp, RoomName, Server, SessionConfig};
use serde_json::{Value, json};
use tokio::time::Instant;

fn server() -> (Server, Emitter) {
    let hub = Hub::new();
    let shop = hub.open_room(&RoomName::new("shop").unwrap());
    (Server::new(hub, SessionConfig::default()), shop)
}

fn status(room: &Emitter, service: &str) {
    let service = Name::new(service).unwrap();
    room.service_status(&ServiceStatus::new(service, ServiceState::Running)).unwrap();
}

fn line(room: &Emitter, text: &str) {
    let (service, time) = (Name::new("web").unwrap(), NanoTimestamp::from_unix_nanos(0).unwrap());
    let line = LogLine::new(service, time, Source::Stdout, text);
    room.log(&LogsStream::Line(line)).unwrap();
}

fn request(body: &Value) -> PollRequest {
    PollRequest::from_json(body.to_string().as_bytes()).unwrap()
}

async fn rooms(server: &Server, body: &Value) -> Vec<Value> {
    let guest = Identity::guest();
    let answer = server.poll(&guest, request(body)).await.unwrap();
    let mut answer: Value = serde_json::from_slice(&answer).unwrap();
    answer["rooms"].as_array_mut().unwrap().drain(..).collect()
}

async fn poll(server: &Server, subscription: Value) -> Value {
    rooms(server, &json!({"subscriptions": [subscription]})).await.remove(0)
}

async fn cursor(server: &Server) -> Value {
    poll(server, json!({"room": "shop"})).await["cursor"].clone()
}

#[tokio::test(start_paused = true)]
async fn without_a_cursor_the_snapshot_comes_at_once() {
    let (server, shop) = server();
    status(&shop, "web");
    status(&shop, "web");
    let before = Instant::now();
    let mut room = poll(&server, json!({"room": "shop"})).await;
    assert_eq!(before.elapsed(), Duration::ZERO);
    let epoch = room["epoch"].as_str().unwrap().to_owned();
    assert_eq!(room["cursor"], format!("{epoch}.2"));
    assert!(room["snapshot"][0]["timestamp"].take().is_string());
    assert_eq!(
        room,
        json!({"room": "shop", "epoch": epoch, "cursor": format!("{epoch}.2"), "recovered": "fresh",
            "snapshot": [{"type": "service:status", "seq": 2, "timestamp": null,
                "data": {"service": "web", "status": "running"}}],
            "gaps": [], "events": [], "more": false})
    );
}

#[tokio::test(start_paused = true)]
async fn an_event_is_answered_after_100_ms_with_what_came_meanwhile() {
    let (server, shop) = server();
    let since = cursor(&server).await;
    let before = Instant::now();
    let ask = poll(&server, json!({"room": "shop", "since": since}));
    let publish = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        status(&shop, "web");
        tokio::time::sleep(Duration::from_millis(99)).await;
        status(&shop, "db");
    };
    let (room, ()) = tokio::join!(ask, publish);
    assert_eq!(before.elapsed(), Duration::from_millis(3_100));
    assert_eq!(room["events"].as_array().unwrap().len(), 2);
    assert_eq!((&room["recovered"], &room["more"]), (&json!("full"), &json!(false)));
}

#[tokio::test(start_paused = true)]
async fn what_the_filters_do_not_match_ends_no_wait_but_moves_the_cursor() {
    let (server, shop) = server();
    let since = cursor(&server).await;
    // Also when it is more than the newest events that are held in one piece.
    for n in 0..5_000 {
        line(&shop, &n.to_string());
    }
    let before = Instant::now();
    let subscription = json!({"room": "shop", "since": since, "filters": [{"keys": ["db"]}]});
    let body = json!({"waitMs": 5_000, "subscriptions": [subscription]});
    let ask = rooms(&server, &body);
    let publish = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        line(&shop, "another");
    };
    let (answer, ()) = tokio::join!(ask, publish);
    assert_eq!(before.elapsed(), Duration::from_secs(5));
    assert!(answer[0]["cursor"].as_str().unwrap().ends_with(".5001"));
    assert_eq!((&answer[0]["events"], &answer[0]["gaps"]), (&json!([]), &json!([])));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_who_does_not_want_to() {
    let (server, shop) = server();
    let since = cursor(&server).await;
    status(&shop, "web");
    let before = Instant::now();
    let body = json!({"waitMs": 0, "subscriptions": [{"room": "shop", "since": since}]});
    assert_eq!(rooms(&server, &body).await[0]["events"][0]["seq"], 1);
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_answer_has_at_most_2000_events_and_the_next_goes_on_there() {
    let (server, shop) = server();
    let mut since = cursor(&server).await;
    for n in 0..3_500 {
        line(&shop, &n.to_string());
    }
    let mut seqs = Vec::new();
    for (count, more) in [(2_000, true), (1_500, false)] {
        let room = poll(&server, json!({"room": "shop", "since": since})).await;
        let events = room["events"].as_array().unwrap();
        assert_eq!((events.len(), &room["more"]), (count, &json!(more)));
        seqs.extend(events.iter().map(|event| event["seq"].as_u64().unwrap()));
        since = room["cursor"].clone();
    }
    assert_eq!(seqs, (1..=3_500).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_mebibyte_is_shared_by_the_rooms() {
    let (server, shop) = server();
    let yard = server.hub().open_room(&RoomName::new("yard").unwrap());
    let ask = |since: &Value, other: &Value| json!({"subscriptions": [{"room": "shop", "since": since}, {"room": "yard", "since": other}]});
    let start = rooms(&server, &ask(&Value::Null, &Value::Null)).await;
    for room in [&shop, &yard] {
        for _ in 0..9 {
            line(room, &"x".repeat(100_000));
        }
    }
    let answer = rooms(&server, &ask(&start[0]["cursor"], &start[1]["cursor"])).await;
    let counts = answer.iter().map(|room| room["events"].as_array().unwrap().len());
    assert_eq!(counts.collect::<Vec<_>>(), [5, 5]);
    assert!(answer.iter().all(|room| room["more"] == true));
}

#[tokio::test(start_paused = true)]
async fn a_gap_ends_where_the_answer_ends() {
    let (server, shop) = server();
    let mut since = cursor(&server).await;
    for n in 0..9_000 {
        line(&shop, &n.to_string());
    }
    let (mut missed, mut got, mut more) = (0, 0, true);
    while more {
        let room = poll(&server, json!({"room": "shop", "since": since})).await;
        for gap in room["gaps"].as_array().unwrap() {
            missed += gap["missed"].as_u64().unwrap();
        }
        got += room["events"].as_array().unwrap().len() as u64;
        // More comes while this one reads, and more is lost to it.
        if got == 2_000 {
            for n in 0..3_000 {
                line(&shop, &n.to_string());
            }
        }
        (since, more) = (room["cursor"].clone(), room["more"] == true);
    }
    assert_eq!(got + missed, 12_000);
    assert!(missed > 9_000 - 4_096, "{missed}");
}

#[tokio::test(start_paused = true)]
async fn a_room_that_is_not_there_or_closes_is_named() {
    let guest = Identity::guest();
    let (server, _shop) = server();
    let since = cursor(&server).await;
    let field = |index: usize| format!("/subscriptions/{index}/room");
    let nowhere = RoomName::new("nowhere").unwrap();
    let unknown = PollError { error: RoomError::UnknownRoom { room: nowhere }, field: field(1) };
    let both = json!({"subscriptions": [{"room": "shop"}, {"room": "nowhere"}]});
    assert_eq!(server.poll(&guest, request(&both)).await, Err(unknown.clone()));
    assert_eq!(unknown.error.code().as_str(), "unknown_room");
    let room = RoomName::new("shop").unwrap();
    let ask =
        server.poll(&guest, request(&json!({"subscriptions": [{"room": "shop", "since": since}]})));
    let close = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.hub().close_room(&room);
    };
    let (answer, ()) = tokio::join!(ask, close);
    assert_eq!(answer, Err(PollError { error: RoomError::UnknownRoom { room }, field: field(0) }));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_drains_answers_at_once() {
    let (server, _shop) = server();
    let since = cursor(&server).await;
    let before = Instant::now();
    let ask = poll(&server, json!({"room": "shop", "since": since}));
    let drain = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(server.drain(Duration::from_secs(5)).await);
    };
    let (room, ()) = tokio::join!(ask, drain);
    assert_eq!((&room["cursor"], before.elapsed()), (&since, Duration::from_secs(1)));
    poll(&server, json!({"room": "shop", "since": since})).await;
    assert_eq!(before.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_poll_is_refused_once_its_sign_in_has_ended() {
    let (server, shop) = server();
    let room = RoomName::new("shop").unwrap();
    let signed_out = RoomError::SignedOut { room: room.clone() };
    let withdrawn = RoomError::Forbidden { room };
    for error in [signed_out.clone(), withdrawn.clone()] {
        let since = cursor(&server).await;
        let body = json!({"subscriptions": [{"room": "shop", "since": since}]});
        let lease = Lease::endless();
        let identity = Identity::new(Name::new("ann").unwrap(), lease.clone());
        let before = Instant::now();
        let ending = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if error == withdrawn {
                lease.withdraw();
            } else {
                lease.end();
            }
            status(&shop, "web");
        };
        let (answer, ()) = tokio::join!(server.poll(&identity, request(&body)), ending);
        let error = error.clone();
        let refused = Err(PollError { error, field: "/subscriptions/0/room".to_owned() });
        assert_eq!((&answer, before.elapsed()), (&refused, Duration::from_secs(1)));
        assert_eq!(server.poll(&identity, request(&body)).await, refused, "nor is a later one");
    }
    assert_eq!(signed_out.code().as_str(), "unauthorized");
}

#[tokio::test(start_paused = true)]
async fn a_poll_is_demand_while_it_waits_and_nothing_once_it_is_dropped() {
    let guest = Identity::guest();
    let (server, _shop) = server();
    let since = cursor(&server).await;
    let (demand, room) = (server.hub().demand(), RoomName::new("shop").unwrap());
    let mut ask = Box::pin(
        server.poll(&guest, request(&json!({"subscriptions": [{"room": "shop", "since": since}]}))),
    );
    assert!(ask.as_mut().now_or_never().is_none());
    assert!(demand.wants::<LogsStream>(&room, "web"));
    assert_eq!(server.connections(), 1);
    drop(ask);
    assert!(!demand.wants::<LogsStream>(&room, "web"));
    assert_eq!(server.connections(), 0);
}
