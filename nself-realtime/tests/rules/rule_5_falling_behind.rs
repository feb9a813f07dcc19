//! Rule 5: a reader who falls behind skips what is superseded, is told what is gone, and keeps the order.

use nself_realtime::event::ServiceState;
use serde_json::{Value, json};

use crate::world::{QUIET, World, seqs, types};

#[test]
fn a_slow_reader_gets_the_latest_of_each_key_and_one_gap_before_the_oldest_kept_event() {
    let world = World::new();
    let mut slow = world.follow();
    for n in 0..10_000 {
        if n % 1_000 == 0 {
            world.status("web", ServiceState::Restarting);
            world.status("db", ServiceState::Running);
        }
        world.line("web", &n.to_string());
    }
    let frames = slow.frames();
    let gaps: Vec<&Value> = frames.iter().filter(|frame| frame["type"] == "gap").collect();
    assert_eq!((gaps.len(), frames[0]["type"].as_str()), (1, Some("gap")));
    assert_eq!(gaps[0]["data"]["why"], "slow");
    let seqs = seqs(&frames);
    assert!(seqs.is_sorted_by(|a, b| a < b));

    let of_type = |event_type: &str| {
        let events =
            frames.iter().flat_map(|frame| frame["events"].as_array().into_iter().flatten());
        events.filter(|event| event["type"] == event_type).count() as u64
    };
    let missed = gaps[0]["data"]["missed"].as_u64().unwrap();
    assert_eq!(of_type("logs:stream") + missed, 10_000);
    assert_eq!(
        gaps[0]["data"]["of"],
        json!([{"type": "logs:stream", "key": "web", "missed": missed}])
    );
    // The statuses that the hot tail still holds; those before it are superseded.
    assert_eq!(of_type("service:status"), 2 * 4);
    world.line("web", "live");
    world.clock.advance(QUIET);
    assert_eq!(types(&slow.frames()), ["logs:stream"], "it follows again");
}

#[test]
fn a_gap_in_mid_connection_comes_before_the_next_event_of_its_key_and_is_told_once() {
    let world = World::new();
    let mut slow = world.follow();
    let (mut delivered, mut missed) = (0, 0);
    for round in 1..=3 {
        for n in 0..6_000 {
            world.line("web", &n.to_string());
        }
        world.clock.advance(QUIET);
        let frames = slow.frames();
        assert_eq!(types(&frames).iter().filter(|name| **name == "gap").count(), 1, "{round}");
        assert_eq!(frames[0]["type"], "gap");
        delivered += seqs(&frames).len() as u64;
        missed += frames[0]["data"]["missed"].as_u64().unwrap();
        assert_eq!(delivered + missed, round * 6_000);
    }
}
