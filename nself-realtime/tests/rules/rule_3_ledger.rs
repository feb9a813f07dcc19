//! Rule 3: a gap is exact, as far back as the ledger reaches.

use std::time::Duration;

use serde_json::json;

use crate::world::{World, seqs, subscribe, types};

#[test]
fn a_resume_behind_what_is_kept_tells_one_exact_gap() {
    let world = World::new();
    let cursor = world.connect().ask(&subscribe(&json!({})))[1]["data"]["cursor"].clone();
    for n in 0..5_000 {
        world.line("web", &format!("line {n}"));
    }
    let mut connection = world.connect();
    let frames = connection.ask(&subscribe(&json!({"since": cursor})));
    assert_eq!(frames[0]["data"]["recovered"], "gap");
    assert_eq!(types(&frames)[..2], ["subscribed", "gap"]);
    // The hot tail holds the newest 4,096.
    assert_eq!(frames[1]["data"]["missed"], 5_000 - 4_096);
    assert_eq!(frames[1]["data"]["why"], "expired");
    assert_eq!(seqs(&frames), (905..=5_000).collect::<Vec<_>>());
    assert_eq!(types(&frames).iter().filter(|t| **t == "gap").count(), 1);
}

#[test]
fn a_narrow_reader_of_a_busy_room_is_told_its_cursor() {
    let world = World::new();
    let mut connection = world.connect();
    connection.ask(&subscribe(&json!({"types": ["service:status"]})));
    for n in 0..9_999 {
        world.line("web", &format!("line {n}"));
        connection.frames();
    }
    assert!(connection.frames().is_empty());
    world.line("web", "the ten-thousandth");
    let frames = connection.frames();
    assert_eq!(types(&frames), ["cursor"]);
    assert!(frames[0]["data"]["cursor"].as_str().unwrap().ends_with(".10000"));
    world.line("web", "one more");
    assert!(connection.frames().is_empty());
    world.clock.advance(Duration::from_secs(30));
    connection.peer.handle_timeout(world.clock.now());
    let frames = connection.frames();
    assert!(types(&frames).contains(&"cursor"), "{frames:?}");
}

#[test]
fn a_gap_counts_exactly_over_a_million_events_and_one_event_further_back_is_a_reset() {
    const REACH: u64 = 1_048_576;
    let world = World::new();
    let epoch = world.connect().ask(&subscribe(&json!({})))[0]["data"]["epoch"].clone();
    for n in 0..=REACH {
        world.line("web", &n.to_string());
    }
    let since = |seq: u64| json!({"since": format!("{}.{seq}", epoch.as_str().unwrap())});
    let frames = world.connect().ask(&subscribe(&since(1)));
    assert_eq!(frames[0]["data"]["recovered"], "gap");
    // The hot tail holds the newest 4,096.
    assert_eq!(frames[1]["data"]["missed"], REACH - 4_096);
    assert_eq!(seqs(&frames).len(), 4_096);
    let frames = world.connect().ask(&subscribe(&since(0)));
    assert_eq!(frames[0]["data"]["recovered"], "reset");
}

#[test]
fn a_gap_names_256_keys_and_sums_the_rest_of_a_type() {
    let world = World::new();
    let cursor = world.connect().ask(&subscribe(&json!({})))[1]["data"]["cursor"].clone();
    for _ in 0..320 {
        for container in 0..300 {
            world.sample(&format!("container-{container}"));
        }
    }
    let frames = world.connect().ask(&subscribe(&json!({"since": cursor})));
    let gap = &frames[1]["data"];
    let of = gap["of"].as_array().unwrap();
    assert_eq!(of.len(), 257);
    let missed: Vec<u64> = of.iter().map(|of| of["missed"].as_u64().unwrap()).collect();
    assert!(missed[..256].is_sorted_by(|a, b| a >= b), "those that lost the most are named");
    assert_eq!(of[256]["key"], json!(null));
    assert_eq!(gap["missed"], missed.iter().sum::<u64>());
    assert_eq!(seqs(&frames).len() as u64 + missed.iter().sum::<u64>(), 320 * 300);
}
