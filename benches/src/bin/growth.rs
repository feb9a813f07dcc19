//! How the cost of a delivered event grows with the number of readers and of rooms, without sockets: CPU time
//! of the thread, by powers of ten, as a table and as a picture.
//!
//! `cargo run --release -p nself-benches --bin growth > benches/growth.svg`

use std::error::Error;
use std::time::Duration;

use nself_benches::memory::{Stage, line};
use nself_benches::plot::{Series, plot};
use nself_benches::thread_time;
use nself_realtime::{Emitter, RoomName};

const SIZES: [u32; 5] = [1, 10, 100, 1_000, 10_000];
/// Events that are published in each room between two deliveries.
const EVENTS: u32 = 20;
/// Each figure is from at least that many delivered events.
const DELIVERED: u32 = 1_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut readers = Series { title: "readers of one room", points: Vec::new() };
    let mut rooms = Series { title: "rooms of one reader each", points: Vec::new() };
    eprintln!("{:<28} {:>8} {:>22}", "", "number", "ns per delivered event");
    for size in SIZES {
        readers.points.push((size, cost(1, size)?));
        rooms.points.push((size, cost(size, 1)?));
    }
    for series in [&readers, &rooms] {
        for (size, nanos) in &series.points {
            eprintln!("{:<28} {size:>8} {nanos:>22.1}", series.title);
        }
    }
    println!("{}", plot("CPU time per delivered event, ns", &[readers, rooms]));
    Ok(())
}

/// Nanoseconds of CPU per delivered event.
fn cost(rooms: u32, readers: u32) -> Result<f64, Box<dyn Error>> {
    let mut stage = Stage::new();
    let mut emitters: Vec<Emitter> = Vec::new();
    for room in 0..rooms {
        let name = RoomName::new(format!("room-{room}"))?;
        emitters.push(stage.hub.open_room(&name));
        let count = usize::try_from(readers)?;
        stage.add(count, &format!(r#"{{"type":"subscribe","room":"{name}"}}"#));
    }
    let line = line();
    // The first round grows what the others use again.
    round(&mut stage, &emitters, &line)?;
    let rounds = (DELIVERED / (EVENTS * rooms * readers)).max(2);
    let (before, begun) = (stage.hub.statistics().events_out, thread_time::now());
    for _ in 0..rounds {
        round(&mut stage, &emitters, &line)?;
    }
    let delivered = u32::try_from(stage.hub.statistics().events_out - before)?;
    let expected = rounds * EVENTS * rooms * readers;
    if delivered != expected {
        return Err(format!("{delivered} events were delivered, not {expected}").into());
    }
    Ok((thread_time::now().saturating_sub(begun)).as_secs_f64() * 1e9 / f64::from(delivered))
}

fn round(
    stage: &mut Stage,
    emitters: &[Emitter],
    line: &nself_realtime::event::LogsStream,
) -> Result<(), Box<dyn Error>> {
    for emitter in emitters {
        for _ in 0..EVENTS {
            emitter.log(line)?;
        }
    }
    // So quiet that everything is due.
    stage.clock.advance(Duration::from_millis(200));
    stage.deliver();
    Ok(())
}
