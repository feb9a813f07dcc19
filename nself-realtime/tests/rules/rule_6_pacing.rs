//! Rule 6: when a connection writes.

use std::time::Duration;

use nself_realtime::RoomName;
use nself_realtime::event::ServiceState;
use serde_json::json;

use crate::world::{World, log_line, seqs, types};

#[test]
fn lines_are_batched_and_an_urgent_event_takes_them_along() {
    let world = World::new();
    let mut connection = world.follow();
    world.line("web", "alone");
    assert_eq!(seqs(&connection.frames()), [1], "a lone event leaves at once");
    world.line("web", "waits");
    world.line("web", "waits, too");
    assert_eq!(types(&connection.frames()), [] as [&str; 0]);
    world.status("web", ServiceState::Failed);
    let frames = connection.frames();
    assert_eq!(types(&frames), ["batch"]);
    assert_eq!(seqs(&frames), [2, 3, 4]);
}

/// Publishes a line every `every` for a second, and returns the flushes and the longest that a line
/// waited.
fn a_second_of_lines(every: Duration) -> (usize, Duration) {
    let world = World::new();
    let mut connection = world.follow();
    let (mut published, mut flushes, mut longest) = (Vec::new(), 0, Duration::ZERO);
    let (step, mut now, mut next) = (Duration::from_micros(100), Duration::ZERO, Duration::ZERO);
    while now < Duration::from_secs(1) {
        if now >= next {
            world.line("web", "a line");
            published.push(now);
            next += every;
        }
        for flush in connection.flushes() {
            flushes += 1;
            for seq in seqs(&flush) {
                let since = published[usize::try_from(seq - 1).unwrap()];
                longest = longest.max(now.saturating_sub(since));
            }
        }
        world.clock.advance(step);
        now += step;
    }
    (flushes, longest)
}

#[test]
fn fifty_lines_a_second_take_ten_frames_and_five_thousand_about_sixty() {
    // The second flush ends the quiet time before the first one.
    let (flushes, longest) = a_second_of_lines(Duration::from_millis(20));
    assert_eq!(flushes, 11);
    assert!(longest <= Duration::from_millis(100), "{longest:?}");
    let (flushes, longest) = a_second_of_lines(Duration::from_micros(200));
    assert!((60..=63).contains(&flushes), "{flushes}");
    assert!(longest <= Duration::from_millis(17), "{longest:?}");
}

#[test]
fn the_lines_of_a_burst_leave_in_one_frame_a_frame_of_a_screen_after_its_first() {
    let world = World::new();
    let mut connection = world.follow();
    world.line("web", "ends a quiet time");
    assert_eq!(seqs(&connection.frames()), [1]);
    world.clock.advance(Duration::from_millis(100));
    for first in (2..50).step_by(9) {
        for _ in 0..9 {
            world.line("web", "one of nine");
            assert!(connection.frames().is_empty());
        }
        world.clock.advance(Duration::from_millis(16));
        assert_eq!(seqs(&connection.frames()), (first..first + 9).collect::<Vec<_>>());
        world.clock.advance(Duration::from_millis(84));
    }
}

#[test]
fn twenty_urgent_events_leave_at_once_and_the_next_one_when_the_first_is_100_ms_old() {
    let world = World::new();
    let mut connection = world.follow();
    for n in 1..=20 {
        world.status("web", ServiceState::Restarting);
        assert_eq!(seqs(&connection.frames()), [n]);
        world.clock.advance(Duration::from_millis(1));
    }
    world.status("web", ServiceState::Running);
    assert!(connection.frames().is_empty());
    world.clock.advance(Duration::from_millis(79));
    assert!(connection.frames().is_empty());
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(seqs(&connection.frames()), [21]);
}

#[test]
fn a_flush_has_one_frame_of_each_room_and_the_rooms_take_turns() {
    let world = World::new();
    let yard = world.hub.open_room(&RoomName::new("yard").unwrap());
    let mut connection = world.follow();
    connection.ask(&json!({"type": "subscribe", "room": "yard"}));
    world.clock.advance(Duration::from_secs(1));
    let line = "x".repeat(1_000);
    for _ in 0..100 {
        world.line("web", &line);
        yard.log(&log_line("web", &line, None)).unwrap();
    }
    let flushes = connection.flushes();
    let mut first = Vec::new();
    for flush in &flushes {
        let rooms: Vec<&str> = flush.iter().map(|frame| frame["room"].as_str().unwrap()).collect();
        assert!(rooms.len() <= 2 && rooms.first() != rooms.get(1), "{rooms:?}");
        let bytes: usize = flush.iter().map(|frame| frame.to_string().len()).sum();
        assert!(bytes <= 64 * 1024, "{bytes}");
        first.push(rooms[0]);
    }
    assert!(first.contains(&"shop") && first.contains(&"yard"), "{first:?}");
    assert_eq!(seqs(&flushes.concat()).len(), 200, "what was cut follows at once");
}

#[test]
fn an_event_larger_than_a_flush_goes_alone() {
    let world = World::new();
    let mut connection = world.follow();
    world.line("web", "before");
    world.line("web", &"x".repeat(100_000));
    world.line("web", "after");
    let flushes = connection.flushes();
    let seqs: Vec<Vec<u64>> = flushes.iter().map(|flush| seqs(flush)).collect();
    assert_eq!(seqs, [[1], [2], [3]]);
}

#[test]
fn answers_are_written_at_once_and_are_no_flush() {
    let world = World::new();
    let mut connection = world.follow();
    for id in 0..100 {
        let ping = json!({"type": "ping", "id": id});
        assert_eq!(connection.ask(&ping)[0]["id"], id);
    }
    world.line("web", "alone");
    assert_eq!(seqs(&connection.frames()), [1], "nothing was flushed before it");
    world.line("web", "waits");
    assert_eq!(types(&connection.ask(&json!({"type": "ping"}))), ["pong"]);
}
