//! What was done is counted.

use std::time::Duration;

use nself_realtime::CloseCode;

use crate::world::{World, seqs};

#[test]
fn what_was_done_is_counted() {
    let world = World::new();
    let mut connection = world.follow();
    for n in 0..10 {
        world.line("web", &format!("line {n}"));
    }
    world.clock.advance(Duration::from_millis(16));
    assert_eq!(seqs(&connection.frames()).len(), 10);
    connection.peer.handle_written();
    connection.peer.close(CloseCode::Restart, None);
    let done = world.hub.statistics();
    // The room itself was told, too.
    assert_eq!((done.events_in, done.events_out), (11, 10));
    assert!(done.closes.contains(&(CloseCode::Restart, 1)));
    assert_eq!(done.latency.iter().sum::<u64>(), 1);
    assert!(done.bytes_out > 1_000 && done.frames_out >= 4);
}
