//! What cannot be done is answered with what is wrong, and costs nothing else.

use nself_realtime::RoomName;
use nself_realtime::event::ServiceState;
use serde_json::json;

use crate::world::{World, seqs, shop, subscribe};

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
