//! Rule 8: who is here.

use std::time::Duration;

use nself_realtime::auth::{Identity, Lease};
use nself_realtime::transport::poll::PollRequest;
use nself_realtime::{Hub, Server, SessionConfig};
use serde_json::{Value, json};

use crate::world::{Connection, World, name, runtime_clock, seqs, subscribe, types};

#[test]
fn presence_tells_who_is_here_and_a_reload_is_the_same_session() {
    let world = World::new();
    // What a newcomer is told of the sessions that are here.
    let present = || {
        world.hub.tell_presence(world.clock.now());
        let frames = world.connect().ask(&json!({"type": "subscribe", "room": "system",
            "data": {"types": ["presence"]}}));
        let events = frames[1]["events"].as_array().cloned().unwrap_or_default();
        events.into_iter().map(|event| event["data"].clone()).collect::<Vec<_>>()
    };
    let (mut first, welcome) = world.welcome(Identity::new(name("ann"), Lease::endless()));
    first.say(&json!({"type": "presence", "data": {"page": "/logs"}}));
    let session = welcome["sessionId"].clone();
    let ann = json!({"sessionId": session, "user": "ann", "state": "join", "page": "/logs"});
    assert_eq!(present(), std::slice::from_ref(&ann));
    drop(first);
    world.clock.advance(Duration::from_secs(9));
    assert!(present().contains(&ann), "it may come back");
    let mut again = world.connect_as(Identity::new(name("ann"), Lease::endless()));
    let frames = again.ask(&json!({"type": "hello",
        "data": {"session": session, "secret": welcome["secret"]}}));
    assert_eq!(frames[0]["data"]["sessionId"], session, "it is that session again");
    again.ask(&json!({"type": "pong"}));
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(present(), [ann], "neither left nor joined");
    drop(again);
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(present(), [] as [Value; 0]);
}

#[test]
fn a_forged_secret_is_refused_and_a_duplicated_tab_gets_an_id_of_its_own() {
    let world = World::new();
    let (mut first, welcome) = world.welcome(Identity::guest());
    first.ask(&json!({"type": "pong"}));
    let hello = |secret: &Value| json!({"type": "hello", "data": {"session": welcome["sessionId"], "secret": secret}});
    let forged = json!("0".repeat(32));
    assert_eq!(world.connect().error(&hello(&forged)), ("forbidden".into(), "/data/secret".into()));
    assert!(world.connect().ask(&hello(&welcome["secret"])).is_empty(), "welcomed already");
    drop(first);
    let mut late = world.connect();
    late.ask(&json!({"type": "pong"}));
    assert_eq!(late.error(&hello(&welcome["secret"])).0, "bad_request", "hello comes first");
    assert_eq!(world.connect().ask(&hello(&welcome["secret"]))[0]["type"], "welcome");
}

#[test]
fn a_session_that_is_lost_right_after_its_hello_can_be_resumed_again() {
    let world = World::new();
    let (mut first, welcome) = world.welcome(Identity::guest());
    first.ask(&json!({"type": "pong"}));
    drop(first);
    let session = json!({"session": welcome["sessionId"], "secret": welcome["secret"]});
    for _ in 0..2 {
        let frames = world.connect().ask(&json!({"type": "hello", "data": session}));
        assert_eq!(frames[0]["data"]["sessionId"], welcome["sessionId"]);
    }
}

#[test]
fn joins_and_leaves_are_told_at_once_and_then_in_one_burst_a_second() {
    let world = World::new();
    let mut watcher = world.connect();
    watcher.ask(&json!({"type": "subscribe", "room": "system", "data": {"types": ["presence"]}}));
    let told = |watcher: &mut Connection<'_>| {
        let deadline = world.hub.tell_presence(world.clock.now());
        (seqs(&watcher.frames()).len(), deadline)
    };
    assert_eq!(told(&mut watcher).0, 1, "the watcher itself");
    let mut others: Vec<_> = (0..3).map(|_| world.connect()).collect();
    for other in &mut others {
        other.say(&json!({"type": "presence", "data": {"page": "/"}}));
    }
    world.clock.advance(Duration::from_millis(500));
    let (count, deadline) = told(&mut watcher);
    assert_eq!((count, deadline), (0, Some(world.clock.now() + Duration::from_millis(500))));
    world.clock.advance(Duration::from_millis(500));
    assert_eq!(told(&mut watcher).0, 3);
}

#[test]
fn a_session_that_nothing_touches_for_five_minutes_is_swept_although_it_has_not_left() {
    let world = World::new();
    let mut forgotten = world.connect();
    forgotten.say(&json!({"type": "presence", "data": {"page": "/"}}));
    world.hub.tell_presence(world.clock.now());
    let mut watcher = world.connect();
    let present = |watcher: &mut Connection<'_>| {
        world.hub.tell_presence(world.clock.now());
        watcher.frames().iter().filter(|frame| frame["data"]["state"] == "leave").count()
    };
    world.clock.advance(Duration::from_secs(299));
    watcher.ask(&json!({"type": "subscribe", "room": "system", "data": {"types": ["presence"]}}));
    assert_eq!(present(&mut watcher), 0);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(present(&mut watcher), 1);
}

#[test]
fn a_session_that_is_written_to_stays_although_it_says_nothing() {
    let world = World::new();
    let mut viewer = world.connect();
    viewer.ask(&subscribe(&json!({})));
    world.hub.tell_presence(world.clock.now());
    // Every write puts the heartbeat off, so nothing asks for an answer.
    for _ in 0..20 {
        world.clock.advance(Duration::from_secs(29));
        world.line("web", "line");
        assert_eq!(types(&viewer.frames()), ["logs:stream"]);
        viewer.peer.handle_written();
        viewer.peer.handle_timeout(world.clock.now());
        world.hub.tell_presence(world.clock.now());
    }
    let system = json!({"type": "subscribe", "room": "system", "data": {"types": ["presence"]}});
    let present = world.connect().ask(&system);
    assert_eq!(types(&present), ["subscribed", "snapshot", "ready"]);
    // Nothing is taken any more: it leaves as one that nobody hears of.
    for _ in 0..11 {
        world.clock.advance(Duration::from_secs(30));
        viewer.peer.handle_timeout(world.clock.now());
        world.hub.tell_presence(world.clock.now());
    }
    assert_eq!(types(&world.connect().ask(&system)), ["subscribed", "ready"]);
}

#[test]
fn of_more_than_200_sessions_only_the_number_is_told() {
    let world = World::new();
    let mut sessions: Vec<_> = (0..201).map(|_| world.connect()).collect();
    for session in &mut sessions {
        session.say(&json!({"type": "presence", "data": {"page": "/"}}));
    }
    world.hub.tell_presence(world.clock.now());
    let frames = world.connect().ask(&json!({"type": "subscribe", "room": "system",
        "data": {"types": ["presence"]}}));
    let told = frames[1]["events"].as_array().unwrap();
    assert_eq!((told.len(), &told[0]["data"]["count"]), (1, &json!(201)));
}

#[tokio::test(start_paused = true)]
async fn polling_clients_are_not_present() {
    let hub = Hub::builder().clock(runtime_clock()).build();
    let server = Server::new(hub, SessionConfig::default());
    let request = PollRequest::from_query("room=system").unwrap();
    let answer = server.poll(&Identity::guest(), request).await.unwrap();
    let since = serde_json::from_slice::<Value>(&answer).unwrap()["rooms"][0]["cursor"].clone();
    let query = format!("room=system&types=presence&since={}", since.as_str().unwrap());
    let answer = server.poll(&Identity::guest(), PollRequest::from_query(&query).unwrap()).await;
    let answer: Value = serde_json::from_slice(&answer.unwrap()).unwrap();
    assert_eq!(answer["rooms"][0]["events"], json!([]));
}
