//! Rule 2: what matches and came after the cursor is delivered once, or counted, or superseded.

use nself_realtime::event::ServiceState;
use serde_json::json;

use crate::world::{QUIET, World, seqs, subscribe, types};

#[test]
fn what_came_after_the_cursor_is_delivered_once_after_a_reconnect() {
    let world = World::new();
    let cursor = {
        let mut connection = world.connect();
        connection.ask(&subscribe(&json!({})))[1]["data"]["cursor"].clone()
    };
    for n in 0..20 {
        world.line("web", &format!("line {n}"));
    }
    let mut connection = world.connect();
    let frames = connection.ask(&subscribe(&json!({"since": cursor})));
    assert_eq!(types(&frames), ["subscribed", "batch", "ready"]);
    assert_eq!(frames[0]["data"]["recovered"], "full");
    assert_eq!(seqs(&frames), (1..=20).collect::<Vec<_>>());
    world.line("web", "live");
    world.clock.advance(QUIET);
    assert_eq!(seqs(&connection.frames()), [21]);
}

#[test]
fn removals_are_told_to_those_who_resume_and_left_out_of_snapshots() {
    let world = World::new();
    world.status("web", ServiceState::Running);
    let cursor = world.connect().ask(&subscribe(&json!({})))[2]["data"]["cursor"].clone();
    world.status("web", ServiceState::Removed);
    assert_eq!(types(&world.connect().ask(&subscribe(&json!({})))), ["subscribed", "ready"]);
    // Until the hot tail has forgotten it, too.
    for n in 0..5_000 {
        world.line("web", &n.to_string());
    }
    let statuses = json!({"types": ["service:status"], "since": cursor});
    assert_eq!(seqs(&world.connect().ask(&subscribe(&statuses))), [2]);
}

#[test]
fn a_cursor_of_another_epoch_or_from_the_future_is_reset() {
    let world = World::new();
    world.status("web", ServiceState::Running);
    let cursor = world.connect().ask(&subscribe(&json!({})))[2]["data"]["cursor"].clone();
    let future = cursor.as_str().unwrap().replace(".1", ".99");
    for since in ["elsewhere.1", &future] {
        let frames = world.connect().ask(&subscribe(&json!({"since": since})));
        assert_eq!(frames[0]["data"]["recovered"], "reset");
        assert_eq!(types(&frames), ["subscribed", "snapshot", "ready"]);
    }
}
