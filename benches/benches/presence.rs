//! Sessions that come and go, and what is told of them.
//!
//! `cargo bench -p nself-benches --bench presence`

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nself_benches::memory::Stage;
use nself_realtime::clock::Clock;

fn presence(c: &mut Criterion) {
    let mut group = c.benchmark_group("presence");
    group.sample_size(20);
    for sessions in [100, 10_000] {
        let mut stage = Stage::new();
        group.throughput(Throughput::Elements(sessions as u64));
        group.bench_function(BenchmarkId::new("all come, all go", sessions), |b| {
            b.iter(|| {
                stage.add(sessions, r#"{"type":"presence","data":{"page":"/logs"}}"#);
                stage.hub.tell_presence(stage.clock.now());
                stage.clear();
                // Past the time in which they could have come back.
                stage.clock.advance(Duration::from_secs(11));
                stage.hub.tell_presence(stage.clock.now())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, presence);
criterion_main!(benches);
