//! What a log line costs from the frame of an engine to the room: taken apart, cleaned, published, and read by
//! one reader. The engine is played, and its own cost is in the figure.
//!
//! `cargo bench -p nself-benches --bench docker_lines`

mod pipeline;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nself_benches::thread_time::ThreadTime;

use self::pipeline::Pipeline;

const LINES: u64 = 1_000;

fn docker_lines(c: &mut Criterion<ThreadTime>) {
    let mut group = c.benchmark_group("docker_lines");
    group.throughput(Throughput::Elements(LINES));
    let pipeline = Pipeline::new();
    group.bench_function("1000 lines", |b| b.iter(|| pipeline.pass(LINES)));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(ThreadTime);
    targets = docker_lines
}
criterion_main!(benches);
