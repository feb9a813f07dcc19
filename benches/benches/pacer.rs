//! What pacing saves: the frames that a reader gets for a log of so many lines a second, and what a line costs
//! with it. Time is virtual; the share of frames that is saved does not depend on the machine.
//!
//! `cargo bench -p nself-benches --bench pacer`

#![expect(clippy::expect_used, reason = "a benchmark stops where it fails")]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nself_benches::memory::{Stage, line};
use nself_realtime::event::LogsStream;

/// As often as a connection is woken at most.
const TICK: Duration = Duration::from_millis(1);

/// Lines per second, and which share of the messages is to be saved.
const RATES: [(u32, u32); 3] = [(50, 80), (500, 90), (5_000, 98)];

/// A second of lines, evenly spread.
fn second(stage: &mut Stage, line: &LogsStream, rate: u32) {
    let mut published = 0;
    for tick in 1..=1_000 {
        while published * 1_000 < tick * rate {
            stage.shop.log(line).expect("published");
            published += 1;
        }
        stage.deliver();
        stage.clock.advance(TICK);
    }
}

fn pacer(c: &mut Criterion) {
    let mut group = c.benchmark_group("pacer");
    let line = line();
    for (rate, goal) in RATES {
        let mut stage = Stage::new();
        stage.add(1, r#"{"type":"subscribe","room":"shop"}"#);
        second(&mut stage, &line, rate);
        let before = stage.hub.statistics();
        (0..10).for_each(|_| second(&mut stage, &line, rate));
        let after = stage.hub.statistics();
        let (events, frames) =
            (after.events_out - before.events_out, after.frames_out - before.frames_out);
        let saved = 100 * (events - frames) / events;
        println!(
            "{rate} lines/s: {events} events in {frames} frames, {saved} % saved (goal {goal} %)"
        );
        group.throughput(Throughput::Elements(u64::from(rate)));
        group.bench_function(BenchmarkId::new("a second of lines", rate), |b| {
            b.iter(|| second(&mut stage, &line, rate));
        });
    }
    group.finish();
}

criterion_group!(benches, pacer);
criterion_main!(benches);
