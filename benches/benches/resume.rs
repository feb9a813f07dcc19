//! A thousand readers come back at once, each a thousand events behind.
//!
//! `cargo bench -p nself-benches --bench resume`

#![expect(clippy::expect_used, reason = "a benchmark stops where it fails")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::executor::block_on;
use nself_benches::memory::{Stage, line};

const READERS: usize = 1_000;
const MISSED: u64 = 1_000;

fn resume(c: &mut Criterion) {
    let mut group = c.benchmark_group("resume");
    group.sample_size(10);
    let (mut stage, line) = (Stage::new(), line());
    let cursor = block_on(stage.shop.emit_confirmed(&line)).expect("published");
    for _ in 0..MISSED {
        stage.shop.log(&line).expect("published");
    }
    let hello = format!(r#"{{"type":"subscribe","room":"shop","data":{{"since":"{cursor}"}}}}"#);
    group.throughput(Throughput::Elements(MISSED * READERS as u64));
    group.bench_function("1000 readers, 1000 events each", |b| {
        b.iter(|| {
            stage.add(READERS, &hello);
            stage.clear();
        });
    });
    let delivered = stage.hub.statistics();
    assert_eq!((delivered.gaps_expired, delivered.gaps_slow), (0, 0), "nobody missed anything");
    group.finish();
}

criterion_group!(benches, resume);
criterion_main!(benches);
