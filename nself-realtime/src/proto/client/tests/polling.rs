//! Away for long: polls, and back.

use std::time::Duration;

use serde_json::{Value, json};

use super::play::{
    EPOCH, Play, event, gap, live, logs, poll_room, ready, snapshot, status, subscribed, welcome,
};
use crate::proto::client::{Answer, ConnectionState, Delivery};

fn since(poll: &(u64, Value)) -> &Value {
    &poll.1["subscriptions"][0]["since"]
}

/// The delay until the next poll, in milliseconds.
fn next_poll(play: &mut Play) -> u128 {
    let (count, before) = (play.polls.len(), play.now);
    play.pass_until(0);
    while play.polls.len() == count {
        play.pass_until(1);
        assert!(play.now - before < Duration::from_mins(1), "no poll");
    }
    (play.now - before).as_millis()
}

#[test]
fn after_5_s_without_a_connection_all_rooms_are_polled_from_their_cursors() {
    let mut play = Play::reading(&[status()], 10);
    play.read("attic", &[logs()]);
    play.close(1006);
    play.pass_until(4_999);
    assert!(play.polls.is_empty());
    play.pass_until(1);
    let body = json!({"waitMs": 0, "subscriptions": [
        {"room": "attic", "filters": [logs()]},
        {"room": "shop", "filters": [status()], "since": format!("{EPOCH}.10")},
    ]});
    assert_eq!(play.polls.len(), 1);
    assert_eq!(play.polls[0].1, body);
}

#[test]
fn a_first_visit_that_no_connection_reaches_is_answered_by_a_poll() {
    let mut play = Play::new();
    play.read("shop", &[status()]);
    play.close(1006);
    play.pass_until(5_000);
    play.answer(&json!([poll_room("fresh", 3, &[1, 3], &[])]));
    assert_eq!(play.tellings(), ["snapshot [1, 3]"]);
    assert_eq!(play.state(), &ConnectionState::Polling);
    play.pass_until(0);
    assert_eq!(play.polls[1].1["waitMs"], 20_000);
    assert_eq!(since(&play.polls[1]), &json!(format!("{EPOCH}.3")));
}

#[test]
fn the_state_is_polling_once_a_poll_is_answered_and_attempts_go_on() {
    let mut play = Play::reading(&[status()], 10);
    play.close(1006);
    play.pass_until(5_000);
    assert!(matches!(play.state(), ConnectionState::Reconnecting { .. }));
    let connects = play.connects;
    play.answer(&json!([poll_room("full", 12, &[], &[11, 12])]));
    assert_eq!(play.tellings(), ["missed [11, 12]"]);
    assert_eq!(play.state(), &ConnectionState::Polling);
    play.pass_until(20_000);
    assert_eq!(play.state(), &ConnectionState::Polling);
    assert!(play.connects > connects + 1, "{} attempts", play.connects - connects);
}

#[test]
fn what_a_waiting_poll_brings_is_live_and_the_next_one_follows_at_once() {
    let mut play = Play::polling(&[status()], 10);
    play.pass_until(0);
    assert_eq!(play.polls[0].1["waitMs"], 20_000);
    play.answer(&json!([poll_room("full", 11, &[], &[11])]));
    assert_eq!(play.tellings(), ["live [11]"]);
    assert_eq!(next_poll(&mut play), 0);
    assert_eq!(since(&play.polls[1]), &json!(format!("{EPOCH}.11")));
}

#[test]
fn a_server_that_answers_at_once_with_nothing_is_not_hammered() {
    let mut play = Play::polling(&[status()], 10);
    play.pass_until(0);
    play.answer(&json!([poll_room("full", 10, &[], &[])]));
    assert_eq!(next_poll(&mut play), 1_000);
}

#[test]
fn gaps_and_resets_of_polls_are_told() {
    let mut play = Play::polling(&[logs()], 10);
    play.pass_until(0);
    let mut room = poll_room("gap", 30, &[], &[30]);
    room["gaps"] = json!([gap(11, 29, 19)["data"]]);
    play.answer(&json!([room]));
    play.pass_until(0);
    let mut room = poll_room("reset", 2, &[1, 2], &[]);
    room["cursor"] = json!("epoch-two.2");
    play.answer(&json!([room]));
    assert_eq!(play.tellings(), ["gap of 19", "live [30]", "reset [1, 2]"]);
    next_poll(&mut play);
    assert_eq!(since(play.polls.last().unwrap()), &json!("epoch-two.2"));
}

#[test]
fn the_connection_goes_on_from_where_polling_stood_at_welcome() {
    let mut play = Play::polling(&[status()], 10);
    play.pass_until(0);
    let first = play.polls[0].0;
    play.attempt();
    play.open();
    assert!(play.subscribes().is_empty(), "polls go on until the connection is sure");
    play.answer_to(first, &json!([poll_room("full", 12, &[], &[12])]));
    play.pass(0);
    let second = play.polls.last().unwrap().0;
    assert_ne!(first, second);
    play.hear(&[welcome()]);
    assert_eq!(play.cancelled, [second]);
    assert_eq!(play.subscribes()[0]["data"]["since"], format!("{EPOCH}.12"));
    // The answer was under way: the connection tells the same, once.
    play.answer_to(second, &json!([poll_room("full", 13, &[], &[13])]));
    let id = play.last_subscribe();
    play.hear(&[subscribed(id, "full", 13), live(13), ready(id, 13)]);
    assert_eq!(play.tellings(), ["live [12]", "missed [13]"]);
    assert_eq!(play.state(), &ConnectionState::Live);
    play.pass(30_000);
    assert_eq!(play.polls.last().unwrap().0, second, "no more polls");
}

#[test]
fn a_connection_lost_before_ready_goes_back_to_polls_from_the_same_place() {
    let mut play = Play::polling(&[status()], 10);
    play.attempt();
    play.welcome();
    let id = play.last_subscribe();
    play.hear(&[subscribed(id, "full", 12), live(12)]);
    play.clear();
    play.close(1006);
    play.pass_until(5_000);
    assert_eq!(play.polls.len(), 1);
    assert_eq!(since(&play.polls[0]), &json!(format!("{EPOCH}.10")));
    play.answer(&json!([poll_room("full", 12, &[], &[12])]));
    assert_eq!(play.tellings(), ["missed [12]"]);
}

#[test]
fn a_half_dead_connection_does_not_stop_the_polls() {
    let mut play = Play::polling(&[status()], 10);
    play.pass_until(0);
    play.attempt();
    play.open();
    let polls = play.polls.len();
    play.answer(&json!([poll_room("full", 11, &[], &[11])]));
    play.pass(0);
    play.answer(&json!([poll_room("full", 12, &[], &[12])]));
    assert_eq!(play.tellings(), ["live [11]", "live [12]"]);
    assert!(play.polls.len() > polls);
    play.pass(5_000);
    assert_eq!(play.state(), &ConnectionState::Polling);
}

#[test]
fn polls_that_fail_are_unreachable_and_are_tried_again_with_backoff() {
    let mut play = Play::reading(&[status()], 10);
    play.close(1006);
    play.pass_until(5_000);
    let mut delays = Vec::new();
    for _ in 0..5 {
        let (id, _) = *play.polls.last().unwrap();
        play.session.handle_poll_failure(id, play.now);
        play.drain();
        assert!(matches!(play.state(), ConnectionState::Unreachable { .. }));
        delays.push(next_poll(&mut play) / 1_000);
    }
    assert_eq!(delays, [1, 2, 4, 8, 16]);
    play.answer(&json!([poll_room("full", 11, &[], &[11])]));
    assert_eq!(play.state(), &ConnectionState::Polling);
    assert_eq!(play.tellings(), ["missed [11]"]);
}

#[test]
fn a_poll_without_a_sign_of_life_is_given_up_and_one_that_trickles_is_not() {
    let mut play = Play::reading(&[status()], 10);
    play.close(1006);
    play.pass_until(5_000);
    let (id, _) = play.polls[0];
    for _ in 0..4 {
        play.pass_until(4_000);
        play.session.handle_poll_progress(id, play.now);
    }
    assert!(play.cancelled.is_empty());
    play.pass_until(4_999);
    assert!(play.cancelled.is_empty());
    play.pass_until(1);
    assert_eq!(play.cancelled, [id]);
    assert!(matches!(play.state(), ConnectionState::Unreachable { .. }));
}

#[test]
fn a_signed_out_poll_is_the_end() {
    let mut play = Play::polling(&[status()], 10);
    play.pass_until(0);
    play.refuse(401, &json!({"code": "unauthorized", "message": "sign in"}));
    assert_eq!(play.state(), &ConnectionState::SignedOut);
    let (connects, polls) = (play.connects, play.polls.len());
    play.pass(100_000);
    assert_eq!((play.connects, play.polls.len()), (connects, polls));
}

#[test]
fn what_a_refusal_says_of_the_wait_is_kept() {
    let mut play = Play::polling(&[status()], 10);
    play.pass_until(0);
    let busy = json!({"code": "rate_limited", "message": "busy", "retryAfterMs": 7_000});
    play.refuse(429, &busy);
    assert!(matches!(play.state(), ConnectionState::Unreachable { .. }));
    // Not even a new wish is a reason to ask before.
    play.read("attic", &[status()]);
    assert_eq!(next_poll(&mut play), 7_000);
    let (id, _) = *play.polls.last().unwrap();
    let answer =
        Answer { status: 503, retry_after: Some(Duration::from_secs(3)), body: b"draining" };
    play.session.handle_poll_answer(id, &answer, play.now);
    play.drain();
    assert_eq!(next_poll(&mut play), 3_000);
}

#[test]
fn a_room_that_is_unknown_is_left_out_until_it_is_open_and_the_others_go_on() {
    let mut play = Play::new();
    play.read("shop", &[status()]);
    play.read("attic", &[status()]);
    let types = json!({"types": ["room:status"]});
    play.read("system", &[serde_json::from_value(types).unwrap()]);
    play.close(1006);
    play.pass_until(5_000);
    let field = "/subscriptions/0/room";
    play.refuse(404, &json!({"code": "unknown_room", "message": "no attic", "field": field}));
    assert_eq!(play.tellings(), ["attic closed"]);
    play.pass_until(0);
    let rooms = |play: &Play| {
        let body = &play.polls.last().unwrap().1;
        let rooms = body["subscriptions"].as_array().unwrap().iter();
        rooms.map(|one| one["room"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(rooms(&play), ["shop", "system"]);
    let mut system = poll_room("fresh", 1, &[], &[]);
    system["room"] = json!("system");
    system["snapshot"] = json!([{"type": "room:status", "seq": 1,
        "timestamp": "2026-01-31T12:00:00.000Z", "data": {"room": "attic", "state": "open"}}]);
    play.answer(&json!([poll_room("fresh", 1, &[1], &[]), system]));
    play.pass_until(0);
    assert_eq!(rooms(&play), ["attic", "shop", "system"]);
}

#[test]
fn a_room_that_may_not_be_read_is_told_and_left_out() {
    let mut play = Play::new();
    play.read("shop", &[status()]);
    play.read("attic", &[status()]);
    play.close(1006);
    play.pass_until(5_000);
    let field = "/subscriptions/0/room";
    play.refuse(403, &json!({"code": "forbidden", "message": "not you", "field": field}));
    assert_eq!(play.errors()[0].room.as_ref().unwrap().as_str(), "attic");
    play.pass_until(0);
    assert_eq!(play.polls[1].1["subscriptions"].as_array().unwrap().len(), 1);
}

#[test]
fn a_filter_added_while_polling_is_told_its_snapshot_and_the_others_lose_nothing() {
    let mut play = Play::polling(&[status()], 10);
    play.pass_until(0);
    let (waiting, _) = play.polls[0];
    play.read("shop", &[status(), logs()]);
    assert_eq!(play.cancelled, [waiting]);
    play.pass_until(0);
    let subscription = json!([{"room": "shop", "filters": [logs()]}]);
    assert_eq!(play.polls[1].1, json!({"waitMs": 0, "subscriptions": subscription}));
    play.answer(&json!([poll_room("fresh", 14, &[13], &[])]));
    assert_eq!(play.tellings(), ["snapshot [13]"]);
    let Delivery::Snapshot { filters, cursor, .. } = play.deliveries()[0] else { panic!() };
    assert_eq!((filters.as_slice(), cursor.seq), (&[logs()][..], 14));
    play.pass_until(0);
    let subscription = &play.polls[2].1["subscriptions"][0];
    assert_eq!(subscription["filters"], json!([status(), logs()]));
    assert_eq!(subscription["since"], format!("{EPOCH}.10"));

    let line = |seq: u64| {
        json!({"type": "logs:stream", "seq": seq, "timestamp": "2026-01-31T12:00:00.000Z",
            "data": {"kind": "line", "service": "web", "time": "2026-01-31T12:00:00Z",
                "line": "hi", "source": "stdout"}})
    };
    let mut room = poll_room("gap", 20, &[], &[]);
    room["events"] = json!([event(11), line(13), event(14), line(16)]);
    let lost = json!({"type": "logs:stream", "key": "web", "missed": 2});
    room["gaps"] = json!([{"from": 12, "to": 12, "missed": 2, "why": "expired", "of": [lost]}]);
    play.answer(&json!([room]));
    // What its snapshot told comes no second time.
    assert_eq!(play.tellings(), ["snapshot [13]", "live [11, 14, 16]"]);
}

#[test]
fn the_answer_to_a_poll_that_was_given_up_takes_nothing() {
    let mut play = Play::polling(&[status()], 10);
    play.pass_until(0);
    let (given_up, _) = play.polls[0];
    play.read("shop", &[status(), logs()]);
    play.pass_until(0);
    play.answer_to(given_up, &json!([poll_room("full", 12, &[], &[11, 12])]));
    assert!(play.tellings().is_empty());
    play.answer(&json!([poll_room("fresh", 14, &[13], &[])]));
    assert_eq!(play.tellings(), ["snapshot [13]"]);
}

#[test]
fn a_filter_that_takes_the_place_of_all_others_goes_on_from_its_snapshot() {
    let mut play = Play::polling(&[status()], 10);
    play.read("shop", &[logs()]);
    play.pass_until(0);
    play.answer(&json!([poll_room("fresh", 30, &[28], &[])]));
    play.pass_until(0);
    assert_eq!(since(play.polls.last().unwrap()), &json!(format!("{EPOCH}.30")));
}

#[test]
fn more_than_64_rooms_take_turns() {
    let mut play = Play::new();
    for room in 0..100 {
        play.read(&format!("room-{room:03}"), &[status()]);
    }
    play.close(1006);
    play.pass_until(5_000);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..2 {
        let rooms = play.polls.last().unwrap().1["subscriptions"].as_array().unwrap().clone();
        assert_eq!(rooms.len(), 64);
        let answer = |one: &Value| {
            let mut room = poll_room("fresh", 1, &[1], &[]);
            room["room"] = one["room"].clone();
            room
        };
        seen.extend(rooms.iter().map(|one| one["room"].to_string()));
        play.answer(&json!(rooms.iter().map(answer).collect::<Vec<_>>()));
        play.pass_until(0);
    }
    assert_eq!(seen.len(), 100);
}

#[test]
fn a_room_that_was_added_over_the_connection_after_polling_is_told_once() {
    let mut play = Play::polling(&[status()], 10);
    play.attempt();
    play.welcome();
    let id = play.last_subscribe();
    play.hear(&[subscribed(id, "full", 10), ready(id, 10)]);
    play.clear();
    play.read("shop", &[status(), logs()]);
    let id = play.last_subscribe();
    play.hear(&[subscribed(id, "fresh", 11), snapshot(id, &[event(11)]), ready(id, 11)]);
    assert_eq!(play.tellings(), ["snapshot [11]"]);
}

#[test]
fn an_answer_that_cannot_be_read_is_told_and_takes_nothing() {
    let mut play = Play::polling(&[status()], 10);
    play.pass_until(0);
    play.answer(&json!([{"room": "shop"}]));
    assert_eq!(play.errors()[0].code, "invalid_frame");
    next_poll(&mut play);
    assert_eq!(since(play.polls.last().unwrap()), &json!(format!("{EPOCH}.10")));
}
