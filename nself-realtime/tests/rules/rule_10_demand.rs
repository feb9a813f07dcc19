//! Rule 10: producers work while somebody looks, and a reader gets the history that it asked for.

use std::time::Duration;

use futures::FutureExt;
use nself_realtime::event::{LogsStream, ServiceStatus};
use serde_json::json;

use crate::world::{World, seqs, shop, subscribe};

#[test]
fn demand_follows_who_is_subscribed() {
    let world = World::new();
    let mut demand = world.hub.demand();
    assert!(!demand.wants::<LogsStream>(&shop(), "web"));
    let mut connection = world.connect();
    connection.ask(&subscribe(&json!({"types": ["logs:stream"], "keys": ["web"]})));
    assert!(demand.changed().now_or_never().is_some());
    assert!(demand.wants::<LogsStream>(&shop(), "web"));
    assert!(!demand.wants::<LogsStream>(&shop(), "db"));
    assert!(!demand.wants::<ServiceStatus>(&shop(), "web"));
    while demand.changed().now_or_never().is_some() {}
    drop(connection);
    assert!(demand.changed().now_or_never().is_some());
    assert!(!demand.wants::<LogsStream>(&shop(), "web"));
}

#[test]
fn old_lines_beyond_the_tail_that_was_asked_for_are_skipped_without_a_gap() {
    let world = World::new();
    let mut connection = world.connect();
    connection.ask(&subscribe(&json!({"types": ["logs:stream"], "tail": 2})));
    world.clock.advance(Duration::from_secs(1));
    for more in (0..5).rev() {
        world.old_line("web", "old", Some(more));
    }
    world.line("web", "new");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(seqs(&connection.frames()), [4, 5, 6]);
}
