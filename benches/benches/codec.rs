//! Events to text and back: what a payload costs that is published, and a batch of them that is read.
//!
//! `cargo bench -p nself-benches --bench codec`

#![expect(clippy::expect_used, reason = "a benchmark stops where it fails")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nself_benches::memory::line;
use nself_realtime::event::LogsStream;
use nself_realtime::{EventType, Payload, RawEvent, Timestamp};
use serde::Deserialize;

const BATCH: u64 = 100;

#[derive(Deserialize)]
struct Batch {
    events: Vec<RawEvent>,
}

/// A frame with a hundred lines, as a room makes it.
fn batch() -> String {
    let event = RawEvent {
        event_type: EventType::new(LogsStream::TYPE).expect("a type"),
        room: None,
        seq: 1_234_567,
        timestamp: Timestamp::from_unix_nanos(1_700_000_000_123_000_000).expect("a time"),
        data: serde_json::value::to_raw_value(&line()).expect("JSON"),
    };
    let event = serde_json::to_string(&event).expect("JSON");
    let events = vec![event; usize::try_from(BATCH).expect("a small number")];
    format!(r#"{{"type":"batch","room":"shop","events":[{}]}}"#, events.join(","))
}

fn codec(c: &mut Criterion) {
    let mut group = c.benchmark_group("codec");
    let line = line();
    group.throughput(Throughput::Elements(1));
    group.bench_function("a line to text", |b| {
        b.iter(|| serde_json::to_vec(black_box(&line)).expect("JSON"));
    });

    let text = batch();
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function("a batch of 100, types unread", |b| {
        b.iter(|| serde_json::from_str::<Batch>(black_box(&text)).expect("a batch").events);
    });
    let lines = serde_json::from_str::<Batch>(&text).expect("a batch").events;
    group.bench_function("100 lines, typed", |b| {
        b.iter(|| {
            for event in &lines {
                black_box(event.data::<LogsStream>().expect("a line").expect("JSON"));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
