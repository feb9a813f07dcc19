//! What a delivered event costs as the number of readers grows: a hundred lines of a log, taken by each of
//! them from memory.
//!
//! `cargo bench -p nself-benches --bench fanout`

#![expect(clippy::expect_used, reason = "a benchmark stops where it fails")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nself_benches::memory::{Stage, line};

const EVENTS: usize = 100;

fn fanout(c: &mut Criterion) {
    let mut group = c.benchmark_group("fanout");
    let line = line();
    for readers in [10, 100, 1_000, 10_000] {
        let mut stage = Stage::new();
        stage.add(readers, r#"{"type":"subscribe","room":"shop"}"#);
        group.throughput(Throughput::Elements((EVENTS * readers) as u64));
        group.bench_function(BenchmarkId::from_parameter(readers), |b| {
            b.iter(|| {
                for _ in 0..EVENTS {
                    stage.shop.log(black_box(&line)).expect("published");
                }
                // So quiet that everything is due.
                stage.clock.advance(Duration::from_millis(200));
                stage.deliver()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, fanout);
criterion_main!(benches);
