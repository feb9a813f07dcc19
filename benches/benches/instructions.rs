//! Instructions, counted by callgrind: the same on a busy machine as on a quiet one. Each has the figure that
//! it had when it was last looked at, and fails above that by a tenth: `scripts/test instructions`. A change
//! that is worth more instructions writes the new figure down here.

#![expect(clippy::expect_used, reason = "a benchmark stops where it fails")]
#![expect(missing_docs, reason = "what the macros make has none")]

mod pipeline;

use std::hint::black_box;
use std::time::Duration;

use gungraun::prelude::*;
use gungraun::{Callgrind, EventKind};
use nself_benches::memory::{Stage, line};

use self::pipeline::Pipeline;

/// A room that has seen some events.
fn stage(readers: usize) -> Stage {
    let mut stage = Stage::new();
    stage.add(readers, r#"{"type":"subscribe","room":"shop"}"#);
    publish_and_deliver(&mut stage, 1_000);
    stage
}

fn publish_and_deliver(stage: &mut Stage, events: u32) {
    let line = line();
    for _ in 0..events {
        stage.shop.log(black_box(&line)).expect("published");
    }
    // So quiet that everything is due.
    stage.clock.advance(Duration::from_millis(200));
    black_box(stage.deliver());
}

fn pipeline() -> Pipeline {
    let pipeline = Pipeline::new();
    (0..10).for_each(|_| pipeline.pass(1_000));
    pipeline
}

fn limit(instructions: u64) -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    let limit = instructions + instructions / 10;
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, limit)]));
    config
}

#[library_benchmark(config = limit(6_628_950))]
#[bench::thousand_lines(stage(0))]
fn emit(mut stage: Stage) -> Stage {
    publish_and_deliver(&mut stage, 1_000);
    stage
}

#[library_benchmark(config = limit(1_616_616))]
#[bench::hundred_lines_to_a_hundred_readers(stage(100))]
fn fan_out(mut stage: Stage) -> Stage {
    publish_and_deliver(&mut stage, 100);
    stage
}

#[library_benchmark(config = limit(19_526_771))]
#[bench::thousand_lines(pipeline())]
fn docker_lines(pipeline: Pipeline) -> Pipeline {
    pipeline.pass(1_000);
    pipeline
}

library_benchmark_group!(name = benches, benchmarks = [emit, fan_out, docker_lines]);
main!(library_benchmark_groups = benches);
