//! Rule 4: publishing never waits for a reader, and what is kept is bounded.

use nself_realtime::EmitError;
use nself_realtime::event::{DockerStats, ServiceState, ServiceStatus};
use serde_json::json;

use crate::world::{World, name, seqs, subscribe, types};

#[test]
fn an_invalid_event_reaches_nobody() {
    let world = World::new();
    let mut connection = world.follow();
    let mut status = ServiceStatus::new(name("web"), ServiceState::Failed);
    status.message = Some("x".repeat(5_000));
    assert!(matches!(world.shop.emit(&status), Err(EmitError::Invalid(_))));
    assert_eq!(types(&connection.frames()), [] as [&str; 0]);
}

#[test]
fn logs_keep_six_mebibytes_and_the_largest_key_gives_way_first() {
    let world = World::new();
    for n in 0..10 {
        world.line("quiet", &n.to_string());
    }
    for n in 0..8 * 900 {
        world.line(&format!("chatty-{}", n % 8), &"x".repeat(1_000));
    }
    let kept = world.connect().ask(&subscribe(&json!({"tail": 2_000})));
    let lines = kept.iter().flat_map(|frame| frame["events"].as_array().into_iter().flatten());
    let (quiet, chatty): (Vec<_>, Vec<_>) =
        lines.partition(|event| event["data"]["service"] == "quiet");
    assert_eq!(quiet.len(), 10);
    let bytes = chatty.len() * 1_000;
    assert!((5 << 20..=6 << 20).contains(&bytes), "{bytes}");
}

#[test]
fn of_a_key_that_is_forgotten_later_readers_are_told_nothing_and_others_what_is_missing() {
    let world = World::new();
    let start = world.connect().ask(&subscribe(&json!({})))[0]["data"]["cursor"].clone();
    for container in ["gone", "stays", "gone"] {
        world.sample(container);
    }
    world.line("gone", "another type");
    // It leaves the newest events, too, which are held whoever wants them.
    for n in 0..4_096 {
        world.status("web", if n % 2 == 0 { ServiceState::Running } else { ServiceState::Stopped });
    }
    for key in ["gone", "never there"] {
        world.shop.forget::<DockerStats>(key);
    }
    assert_eq!(seqs(&world.connect().ask(&subscribe(&json!({})))), [2, 4, 4_100]);
    let resumed = world.connect().ask(&subscribe(&json!({"since": start})));
    let missing = json!([{"type": "docker:stats", "key": "gone", "missed": 2}]);
    assert_eq!((&resumed[1]["type"], &resumed[1]["data"]["of"]), (&json!("gap"), &missing));
    world.sample("gone");
    let kept = world.connect().ask(&subscribe(&json!({})));
    assert_eq!(seqs(&kept), [2, 4, 4_100, 4_101], "it may come again all the same");
}

#[test]
fn of_more_than_4096_keys_the_one_that_was_silent_the_longest_gives_way() {
    let world = World::new();
    for n in 0..=4_096 {
        world.status(&format!("service-{n}"), ServiceState::Running);
    }
    let frames = world.connect().ask(&subscribe(&json!({})));
    assert_eq!(seqs(&frames), (2..=4_097).collect::<Vec<_>>());
}
