//! What cannot be done is answered with what is wrong, and costs nothing else.

use std::time::Duration;

use nself_realtime::RoomName;
use nself_realtime::event::ServiceState;
use serde_json::{Value, json};

use crate::world::{World, seqs, shop, subscribe, types};

#[test]
fn since_on_an_added_subscribe_is_refused() {
    let world = World::new();
    let mut connection = world.connect();
    connection.ask(&subscribe(&json!({})));
    let again = subscribe(&json!({"since": "abcdefgh.1"}));
    assert_eq!(connection.error(&again), ("bad_request".into(), "/data/since".into()));
}

#[test]
fn requests_that_cannot_be_met_are_answered_and_nothing_else_is_lost() {
    let world = World::new();
    let mut connection = world.connect();
    connection.ask(&subscribe(&json!({})));
    let nowhere = json!({"type": "subscribe", "room": "nowhere"});
    assert_eq!(connection.error(&nowhere), ("unknown_room".into(), "/room".into()));
    assert_eq!(world.hub.rooms(), [shop(), RoomName::system()], "a name creates nothing");
    let leave = json!({"type": "unsubscribe", "room": "nowhere"});
    assert_eq!(connection.error(&leave).0, "not_found");
    connection.peer.handle_text(world.clock.now(), "{not json");
    assert_eq!(connection.frames()[0]["data"]["code"], "invalid_frame");
    let pong = connection.ask(&json!({"type": "ping", "id": 7}));
    assert_eq!((&pong[0]["type"], &pong[0]["id"]), (&json!("pong"), &json!(7)));
    assert_eq!(pong[0]["data"]["serverTime"], "1970-01-01T00:00:00.000Z");
    world.status("web", ServiceState::Running);
    assert_eq!(seqs(&connection.frames()), [1]);
}

#[test]
fn the_65th_room_is_refused() {
    let world = World::new();
    let mut connection = world.connect();
    for n in 0..65 {
        let room = format!("room-{n}");
        world.hub.open_room(&RoomName::new(&room).unwrap());
        let frames = connection.ask(&json!({"type": "subscribe", "room": room}));
        if n < 64 {
            assert_eq!(frames[0]["type"], "subscribed");
        } else {
            assert_eq!(frames[0]["data"]["code"], "too_many_subscriptions");
        }
    }
}

#[test]
fn what_is_over_the_limit_is_answered_with_its_id_and_may_be_sent_again() {
    let world = World::new();
    let mut connection = world.connect();
    for _ in 0..200 {
        connection.ask(&json!({"type": "pong"}));
    }
    let refused = connection.ask(&subscribe(&json!({}))).remove(0);
    assert_eq!((&refused["id"], &refused["data"]["code"]), (&json!(1), &json!("rate_limited")));
    for other in ["{not json", r#"{"type":"pong","data":[1]}"#, "[1]"] {
        connection.peer.handle_text(world.clock.now(), other);
        let refused = connection.frames().remove(0);
        assert_eq!(
            (&refused["id"], &refused["data"]["code"]),
            (&Value::Null, &json!("rate_limited"))
        );
    }
    let wait = refused["data"]["retryAfterMs"].as_u64().unwrap();
    world.clock.advance(Duration::from_millis(wait));
    assert_eq!(types(&connection.ask(&subscribe(&json!({})))), ["subscribed", "ready"]);
}
