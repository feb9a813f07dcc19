//! Rule 1: live events rise strictly; a snapshot rises by itself and ends at or below `ready`.

use std::time::Duration;

use futures::FutureExt;
use nself_realtime::event::{LogsStream, ServiceState};
use serde_json::json;

use crate::world::{World, log_line, seqs, shop, subscribe, types};

#[test]
fn a_fresh_subscriber_gets_the_snapshot_then_ready_then_what_comes() {
    let world = World::new();
    world.status("web", ServiceState::Starting);
    world.status("web", ServiceState::Running);
    world.status("db", ServiceState::Running);
    let mut connection = world.connect();
    let frames = connection.ask(&subscribe(&json!({})));
    assert_eq!(types(&frames), ["subscribed", "snapshot", "ready"]);
    assert_eq!(frames[0]["data"]["recovered"], "fresh");
    assert_eq!(seqs(&frames), [2, 3], "the superseded one is not kept");
    assert_eq!(frames[2]["data"]["cursor"], frames[0]["data"]["cursor"]);
    world.status("db", ServiceState::Failed);
    let frames = connection.frames();
    assert_eq!(frames[0]["room"], "shop");
    assert_eq!(frames[0]["data"]["status"], "failed");
    assert_eq!(seqs(&frames), [4]);
}

#[test]
fn an_empty_room_is_subscribed_at_zero() {
    let world = World::new();
    let frames = world.connect().ask(&subscribe(&json!({})));
    assert_eq!(types(&frames), ["subscribed", "ready"]);
    assert!(frames[0]["data"]["cursor"].as_str().unwrap().ends_with(".0"));
}

#[test]
fn added_filters_pause_the_room_until_their_snapshot_is_given() {
    let world = World::new();
    world.line("web", "before");
    let mut connection = world.connect();
    connection.ask(&subscribe(&json!({"types": ["service:status"]})));
    world.status("web", ServiceState::Running);
    connection.say(&subscribe(&json!({"types": ["logs:stream"], "keys": ["web"]})));
    let frames = connection.frames();
    assert_eq!(types(&frames), ["subscribed", "service:status", "snapshot", "ready"]);
    assert_eq!(seqs(&frames), [2, 1]);
    world.clock.advance(Duration::from_secs(1));
    world.line("web", "after");
    world.line("db", "not asked for");
    world.status("web", ServiceState::Failed);
    assert_eq!(seqs(&connection.frames()), [3, 5]);
    let frames = connection.ask(&json!({"type": "unsubscribe", "room": "shop",
        "data": {"types": ["logs:stream"], "keys": ["web"]}}));
    assert_eq!(types(&frames), ["unsubscribed"]);
    world.line("web", "not asked for any more");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(seqs(&connection.frames()), [] as [u64; 0]);
}

#[test]
fn a_filter_whose_snapshot_is_still_owed_can_be_taken_away() {
    let world = World::new();
    world.line("web", "before");
    let mut connection = world.connect();
    connection.say(&subscribe(&json!({"types": ["logs:stream"]})));
    connection.say(&subscribe(&json!({"types": ["docker:stats"]})));
    for event_type in ["logs:stream", "docker:stats"] {
        connection
            .say(&json!({"type": "unsubscribe", "room": "shop", "data": {"types": [event_type]}}));
    }
    let frames = connection.frames();
    assert!(!types(&frames).contains(&"error"), "{frames:?}");
    assert_eq!(seqs(&frames), [] as [u64; 0], "nothing of it is wanted any more");
    assert!(!world.hub.demand().wants::<LogsStream>(&shop(), "web"));
}

#[test]
fn what_many_threads_publish_is_numbered_one_by_one() {
    const EACH: u64 = 2_000;
    let world = World::new();
    let publish = || {
        let emit = |n: u64| {
            let line = log_line("web", &n.to_string(), None);
            world.shop.emit_confirmed(&line).now_or_never().unwrap().unwrap().seq
        };
        (0..EACH).map(emit).collect::<Vec<u64>>()
    };
    let mut given: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(publish)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    given.sort_unstable();
    assert_eq!(given, (1..=4 * EACH).collect::<Vec<_>>());
}
