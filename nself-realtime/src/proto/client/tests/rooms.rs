//! What is asked for, what is told, from where it goes on.

use serde_json::{Value, json};

use super::play::{
    EPOCH, Play, event, gap, live, logs, ready, snapshot, status, subscribed, subscribed_in,
    unasked, welcome,
};
use crate::Filter;
use crate::proto::client::{Delivery, GapCause};

/// Cut off and open again, with what it asks for.
fn resume(play: &mut Play) -> Vec<Value> {
    play.close(1006);
    play.clear();
    play.attempt();
    play.open();
    play.subscribes()
}

fn since(play: &mut Play) -> Value {
    resume(play)[0]["data"]["since"].clone()
}

fn id(subscribe: &Value) -> u64 {
    subscribe["id"].as_u64().unwrap()
}

#[test]
fn a_snapshot_is_told_whole_at_ready_with_what_it_covers() {
    let mut play = Play::new();
    play.read("shop", &[status()]);
    play.welcome();
    let id = play.last_subscribe();
    play.hear(&[subscribed(id, "fresh", 2), snapshot(id, &[event(1)]), snapshot(id, &[event(2)])]);
    assert!(play.tellings().is_empty());
    play.hear(&[ready(id, 2)]);
    assert_eq!(play.tellings(), ["snapshot [1, 2]"]);
    let Delivery::Snapshot { room, filters, cursor, .. } = play.deliveries()[0] else { panic!() };
    assert_eq!((room.as_str(), filters.as_slice()), ("shop", &[status()][..]));
    assert_eq!(cursor.to_string(), format!("{EPOCH}.2"));
}

#[test]
fn what_went_while_a_snapshot_was_given_is_told_after_it() {
    let mut play = Play::new();
    play.read("shop", &[status()]);
    play.welcome();
    let id = play.last_subscribe();
    play.hear(&[subscribed(id, "fresh", 9), snapshot(id, &[event(1)]), gap(2, 7, 3)]);
    play.hear(&[snapshot(id, &[event(8)]), ready(id, 9)]);
    assert_eq!(play.tellings(), ["snapshot [1, 8]", "gap of 3"]);
}

#[test]
fn a_resume_goes_on_after_the_last_live_event() {
    let mut play = Play::reading(&[status()], 10);
    let batch = json!({"type": "batch", "room": "shop", "events": [event(12), event(15)]});
    play.hear(&[live(11), batch]);
    assert_eq!(play.tellings(), ["live [11]", "live [12, 15]"]);
    assert_eq!(since(&mut play), format!("{EPOCH}.15"));
}

#[test]
fn until_ready_the_former_cursor_holds_and_nothing_is_told_twice() {
    let mut play = Play::reading(&[status()], 10);
    let first = id(&resume(&mut play)[0]);
    play.hear(&[welcome(), subscribed(first, "full", 20), live(14), live(20)]);
    assert!(play.tellings().is_empty());
    let asked = resume(&mut play);
    assert_eq!(asked[0]["data"]["since"], format!("{EPOCH}.10"));
    let second = id(&asked[0]);
    play.hear(&[subscribed(second, "full", 20), live(14), live(20), ready(second, 25), live(26)]);
    assert_eq!(play.tellings(), ["missed [14]", "missed [20]", "live [26]"]);
    assert_eq!(since(&mut play), format!("{EPOCH}.26"));
}

#[test]
fn a_cursor_frame_moves_the_cursor_of_a_narrow_reader() {
    let mut play = Play::reading(&[status()], 10);
    let cursor = json!({"cursor": format!("{EPOCH}.9000")});
    play.hear(&[json!({"type": "cursor", "room": "shop", "data": cursor})]);
    assert_eq!(since(&mut play), format!("{EPOCH}.9000"));
}

#[test]
fn after_a_reset_the_snapshot_replaces_and_the_new_epoch_counts() {
    let mut play = Play::reading(&[status()], 10);
    let id = id(&resume(&mut play)[0]);
    let mut ready = ready(id, 3);
    ready["data"]["cursor"] = json!("epoch-two.3");
    play.hear(&[subscribed_in("epoch-two", id, "reset", 3), snapshot(id, &[event(3)]), ready]);
    assert_eq!(play.tellings(), ["reset [3]"]);
    play.hear(&[live(4)]);
    assert_eq!(since(&mut play), "epoch-two.4");
}

#[test]
fn a_reset_without_id_replaces_everything_that_is_read_of_the_room() {
    let mut play = Play::reading(&[status(), logs()], 10);
    let mut ready = unasked(ready(0, 1));
    ready["data"]["cursor"] = json!("epoch-two.1");
    play.hear(&[unasked(subscribed_in("epoch-two", 0, "reset", 1))]);
    play.hear(&[unasked(snapshot(0, &[event(1)])), ready]);
    let Delivery::Snapshot { filters, reset, .. } = play.deliveries()[0] else { panic!() };
    assert_eq!((filters.as_slice(), *reset), (&[status(), logs()][..], true));
    assert_eq!(since(&mut play), "epoch-two.1");
}

#[test]
fn a_reset_in_the_middle_of_catching_up_owes_no_other_ready() {
    let mut play = Play::reading(&[status()], 10);
    let asked = id(&resume(&mut play)[0]);
    play.hear(&[welcome(), subscribed(asked, "full", 20), live(14)]);
    let mut ready = unasked(ready(0, 2));
    ready["data"]["cursor"] = json!("epoch-two.2");
    play.hear(&[unasked(subscribed_in("epoch-two", 0, "reset", 2))]);
    play.hear(&[unasked(snapshot(0, &[event(2)])), ready, live(3)]);
    assert_eq!(play.tellings(), ["missed [14]", "reset [2]", "live [3]"]);
    assert_eq!(since(&mut play), "epoch-two.3");
}

#[test]
fn an_addition_that_a_reset_interrupts_is_told_once() {
    let mut play = Play::reading(&[status()], 10);
    play.read("shop", &[status(), logs()]);
    let added = play.last_subscribe();
    play.hear(&[subscribed(added, "fresh", 12), snapshot(added, &[event(11)])]);
    let at = |mut frame: Value| {
        frame["data"]["cursor"] = json!("epoch-two.2");
        frame
    };
    play.hear(&[unasked(subscribed_in("epoch-two", 0, "reset", 2))]);
    play.hear(&[unasked(snapshot(0, &[event(1)])), at(unasked(ready(0, 2)))]);
    assert!(play.tellings().is_empty(), "the addition's ready is owed");
    play.hear(&[snapshot(added, &[event(2)]), at(ready(added, 2)), live(3)]);
    assert_eq!(play.tellings(), ["reset [1]", "snapshot [2]", "live [3]"]);
}

#[test]
fn a_gap_is_told_with_the_event_after_it_once() {
    let mut play = Play::reading(&[logs()], 10);
    play.hear(&[gap(11, 19, 9)]);
    assert!(play.tellings().is_empty());
    play.hear(&[live(20)]);
    assert_eq!(play.tellings(), ["gap of 9", "live [20]"]);
    let Delivery::Gap { gap: told, .. } = play.deliveries()[0] else { panic!() };
    assert_eq!((told.why, told.of[0].key.as_ref().unwrap().as_str()), (GapCause::Slow, "web"));

    play.hear(&[gap(21, 25, 5)]);
    let id = id(&resume(&mut play)[0]);
    play.hear(&[subscribed(id, "gap", 30), gap(21, 27, 7), live(30), ready(id, 30), live(31)]);
    assert_eq!(play.tellings(), ["gap of 7", "missed [30]", "live [31]"]);
}

#[test]
fn until_a_gap_is_passed_the_cursor_stays_before_it() {
    let mut play = Play::reading(&[logs()], 10);
    play.hear(&[gap(11, 25, 12), live(20)]);
    assert!(play.tellings().is_empty());
    let asked = resume(&mut play);
    assert_eq!(asked[0]["data"]["since"], format!("{EPOCH}.10"));
    let id = id(&asked[0]);
    play.hear(&[subscribed(id, "gap", 30), gap(11, 25, 12), live(20), live(30), ready(id, 30)]);
    assert_eq!(play.tellings(), ["gap of 12", "missed [20]", "missed [30]"]);
}

#[test]
fn a_gap_that_reaches_beyond_ready_is_told_when_it_is_passed() {
    let mut play = Play::reading(&[logs()], 10);
    let id = id(&resume(&mut play)[0]);
    play.hear(&[subscribed(id, "gap", 30), gap(11, 40, 20), live(30), ready(id, 30)]);
    assert!(play.tellings().is_empty());
    play.hear(&[live(41)]);
    assert_eq!(play.tellings(), ["gap of 20", "missed [30]", "live [41]"]);
    assert_eq!(since(&mut play), format!("{EPOCH}.41"));
}

#[test]
fn an_added_filter_is_asked_for_without_cursor_and_its_snapshot_covers_it_alone() {
    let mut play = Play::reading(&[status()], 10);
    play.read("shop", &[status(), logs()]);
    let asked = &play.subscribes()[0];
    assert_eq!(asked["data"], json!({"filters": [logs()]}));
    let id = id(asked);
    play.hear(&[subscribed(id, "fresh", 12), snapshot(id, &[]), ready(id, 12)]);
    let Delivery::Snapshot { filters, .. } = play.deliveries()[0] else { panic!() };
    assert_eq!(filters.as_slice(), [logs()]);
}

#[test]
fn a_filter_that_was_cut_off_before_ready_is_asked_for_afresh_beside_the_resume() {
    let mut play = Play::reading(&[status()], 10);
    play.read("shop", &[status(), logs()]);
    let asked = resume(&mut play);
    assert_eq!(asked.len(), 2);
    let since = format!("{EPOCH}.10");
    assert_eq!(asked[0]["data"], json!({"filters": [status()], "since": since}));
    assert_eq!(asked[1]["data"], json!({"filters": [logs()]}));
    // Cut between the two: nothing was told, so nothing comes twice.
    let (first, second) = (id(&asked[0]), id(&asked[1]));
    play.hear(&[subscribed(first, "full", 11), subscribed(second, "fresh", 11), live(11)]);
    play.hear(&[ready(first, 11), snapshot(second, &[event(9)])]);
    assert!(play.tellings().is_empty());
    let asked = resume(&mut play);
    assert_eq!(asked[0]["data"]["since"], since);
    let (first, second) = (id(&asked[0]), id(&asked[1]));
    play.hear(&[subscribed(first, "full", 11), subscribed(second, "fresh", 11), live(11)]);
    play.hear(&[ready(first, 11), snapshot(second, &[event(9)]), ready(second, 11)]);
    assert_eq!(play.tellings(), ["missed [11]", "snapshot [9]"]);
    assert_eq!(resume(&mut play).len(), 1);
}

#[test]
fn an_equal_filter_is_told_a_snapshot_of_its_own() {
    let mut play = Play::reading(&[logs()], 10);
    play.read("shop", &[logs(), logs()]);
    let id = play.last_subscribe();
    // While the twin is owed its snapshot, the server would take the wrong one away.
    play.read("shop", &[logs()]);
    assert_eq!(play.types(), ["subscribe"]);
    play.hear(&[subscribed(id, "fresh", 12), snapshot(id, &[event(12)]), ready(id, 12)]);
    assert_eq!(play.types(), ["subscribe", "unsubscribe"]);
    assert_eq!(play.tellings().len(), 1);
    play.hear(&[live(13)]);
    assert_eq!(resume(&mut play)[0]["data"]["filters"], json!([logs()]));
}

#[test]
fn a_changed_wish_adds_before_it_removes_and_the_last_one_ends_the_room() {
    let mut play = Play::reading(&[status()], 10);
    play.read("shop", &[logs()]);
    assert_eq!(play.types(), ["subscribe", "unsubscribe"]);
    assert_eq!(play.sent[1]["data"], json!({"types": ["service:status"]}));
    play.clear();
    play.read("shop", &[]);
    assert_eq!(play.types(), ["unsubscribe"]);
    assert!(play.sent[0].get("data").is_none());
    play.hear(&[live(11)]);
    assert!(play.tellings().is_empty());
}

#[test]
fn what_is_left_over_from_an_ended_reading_does_not_disturb_the_next() {
    let mut play = Play::reading(&[status()], 10);
    play.read("shop", &[]);
    play.read("shop", &[logs()]);
    let id = play.last_subscribe();
    play.hear(&[live(11), unasked(subscribed(0, "reset", 11)), unasked(ready(0, 11))]);
    play.hear(&[
        json!({"type": "unsubscribed", "id": 2, "room": "shop", "data": {"reason": "requested"}}),
    ]);
    play.hear(&[subscribed(id, "fresh", 12), snapshot(id, &[event(12)]), ready(id, 12)]);
    assert_eq!(play.tellings(), ["snapshot [12]"]);
}

#[test]
fn an_unknown_room_stays_a_wish_until_system_tells_that_it_is_open() {
    let mut play = Play::new();
    let types = json!({"types": ["room:status"]});
    play.read("system", &[serde_json::from_value(types).unwrap()]);
    play.read("shop", &[status()]);
    play.welcome();
    let asked = play.subscribes();
    let (shop, system) = (id(&asked[0]), id(&asked[1]));
    let unknown = json!({"code": "unknown_room", "message": "no such room"});
    play.hear(&[json!({"type": "error", "id": shop, "data": unknown})]);
    assert!(play.errors().is_empty());
    assert_eq!(play.tellings(), ["shop closed"]);
    let in_system = |mut frame: Value| {
        frame["room"] = json!("system");
        frame
    };
    play.hear(&[in_system(subscribed(system, "fresh", 0)), in_system(ready(system, 0))]);
    play.clear();
    let opened = json!({
        "type": "room:status", "room": "system", "seq": 1,
        "timestamp": "2026-01-31T12:00:00.000Z", "data": {"room": "shop", "state": "open"},
    });
    play.hear(&[opened]);
    assert_eq!(play.subscribes().len(), 1);
    assert_eq!(play.subscribes()[0]["room"], "shop");
}

#[test]
fn what_was_asked_for_in_a_room_that_closed_does_not_stand_for_the_room_that_opens() {
    let mut play = Play::reading(&[status()], 10);
    play.read("system", &[Filter::all()]);
    let system = play.last_subscribe();
    let in_system = |mut frame: Value| {
        frame["room"] = json!("system");
        frame
    };
    play.hear(&[in_system(subscribed(system, "fresh", 0)), in_system(ready(system, 0))]);
    play.read("shop", &[status(), logs()]);
    let added = play.last_subscribe();
    play.clear();
    let closed = json!({"reason": "closed"});
    play.hear(&[json!({"type": "unsubscribed", "room": "shop", "data": closed})]);
    assert_eq!(play.types(), ["unsubscribe", "subscribe", "subscribe"], "it may be open already");
    let asked = id(&play.subscribes()[0]);
    let unknown = json!({"code": "unknown_room", "message": "no such room"});
    play.hear(&[json!({"type": "error", "id": asked, "data": unknown})]);
    assert_eq!(play.tellings(), ["shop closed"]);
    // It reaches the server when the room is open again.
    play.hear(&[subscribed_in("epoch-two", added, "fresh", 0), ready(added, 0)]);
    play.clear();
    let mut opened = json!({
        "type": "room:status", "seq": 1, "timestamp": "2026-01-31T12:00:00.000Z",
        "data": {"room": "shop", "state": "open"},
    });
    opened = in_system(opened);
    play.hear(&[opened]);
    assert_eq!(play.types(), ["unsubscribe", "subscribe", "subscribe"]);
    assert_eq!(play.sent[1]["data"]["since"], format!("{EPOCH}.10"));
}

#[test]
fn a_room_that_is_closed_is_told_and_asked_for_with_the_next_connection() {
    let mut play = Play::reading(&[status()], 10);
    let closed = json!({"type": "unsubscribed", "room": "shop", "data": {"reason": "closed"}});
    play.hear(&[closed]);
    assert_eq!(play.tellings(), ["shop closed"]);
    assert_eq!(since(&mut play), format!("{EPOCH}.10"));
}

#[test]
fn rights_that_are_withdrawn_are_an_error_of_the_room() {
    let mut play = Play::reading(&[status()], 10);
    let reason = json!({"reason": "forbidden"});
    play.hear(&[json!({"type": "unsubscribed", "room": "shop", "data": reason})]);
    assert_eq!(play.errors()[0].code, "forbidden");
    assert_eq!(play.errors()[0].room.as_ref().unwrap().as_str(), "shop");
}

#[test]
fn a_refusal_names_the_filters_if_others_of_the_room_are_served() {
    let refused = json!({"code": "bad_request", "message": "no", "field": "/data/filters"});
    let mut play = Play::reading(&[status()], 10);
    play.read("shop", &[status(), logs()]);
    let id = play.last_subscribe();
    play.hear(&[json!({"type": "error", "id": id, "data": refused}), live(11)]);
    assert_eq!(play.errors()[0].filters, [logs()]);
    assert_eq!(play.tellings(), ["live [11]"]);

    let mut play = Play::new();
    play.read("shop", &[status(), logs()]);
    play.welcome();
    let id = play.last_subscribe();
    play.hear(&[json!({"type": "error", "id": id, "data": refused})]);
    assert_eq!(play.errors()[0].filters, []);
}

#[test]
fn a_rate_limited_subscribe_is_sent_again_after_the_wait_and_the_room_goes_on_meanwhile() {
    let mut play = Play::reading(&[status()], 10);
    play.read("shop", &[status(), logs()]);
    let id = play.last_subscribe();
    let slow = json!({"code": "rate_limited", "message": "slow down", "retryAfterMs": 250});
    play.hear(&[json!({"type": "error", "id": id, "data": slow}), live(11)]);
    assert_eq!(play.tellings(), ["live [11]"]);
    play.clear();
    play.pass(250);
    assert_eq!(play.subscribes()[0]["data"], json!({"filters": [logs()]}));
}

#[test]
fn a_resume_that_was_rate_limited_while_an_addition_gets_through_begins_the_room_again() {
    let mut play = Play::reading(&[status()], 10);
    play.read("shop", &[status(), logs()]);
    let asked = resume(&mut play);
    let (resumed, added) = (id(&asked[0]), id(&asked[1]));
    let slow = json!({"code": "rate_limited", "message": "slow down", "retryAfterMs": 250});
    play.hear(&[welcome(), json!({"type": "error", "id": resumed, "data": slow})]);
    play.hear(&[subscribed(added, "fresh", 12), snapshot(added, &[]), ready(added, 12)]);
    assert!(play.tellings().is_empty());
    play.clear();
    play.pass(250);
    assert_eq!(play.types(), ["unsubscribe", "subscribe", "subscribe"]);
    assert_eq!(play.sent[1]["data"]["since"], format!("{EPOCH}.10"));
    let gone = json!({"code": "not_found", "message": "not subscribed"});
    play.hear(&[json!({"type": "error", "id": play.sent[0]["id"], "data": gone})]);
    assert!(play.errors().is_empty());
}

#[test]
fn what_was_told_of_a_stream_is_acknowledged_up_to_the_cursor() {
    let mut play = Play::reading(&[status()], 10);
    play.hear(&[live(11)]);
    play.session.acknowledge(&crate::RoomName::new("shop").unwrap());
    play.drain();
    let ack = json!({"type": "ack", "room": "shop", "data": {"cursor": format!("{EPOCH}.11")}});
    assert_eq!(play.sent, [ack]);
}

#[test]
fn a_stream_begins_with_its_first_event() {
    let mut play = Play::new();
    play.read("shop", &[status()]);
    play.welcome();
    let id = play.last_subscribe();
    play.hear(&[subscribed(id, "fresh", 2), live(1), live(2), ready(id, 2)]);
    assert_eq!(play.tellings(), ["snapshot []", "missed [1]", "missed [2]"]);
    let Delivery::Snapshot { cursor, .. } = play.deliveries()[0] else { panic!() };
    assert_eq!(cursor.seq, 0);
}
