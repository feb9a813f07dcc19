//! What publishing costs the thread that publishes: alone, and with a thousand readers of the room.
//!
//! `cargo bench -p nself-benches --bench emit`

#![expect(clippy::expect_used, reason = "a benchmark stops where it fails")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::StreamExt;
use nself_benches::memory::line;
use nself_realtime::{Emitter, Hub, RoomName, Server, SessionConfig};
use tokio::runtime::Runtime;

fn room(hub: &Hub) -> Emitter {
    hub.open_room(&RoomName::new("shop").expect("a room name"))
}

fn emit(c: &mut Criterion) {
    let mut group = c.benchmark_group("emit");
    group.throughput(Throughput::Elements(1));
    let line = line();

    let alone = room(&Hub::new());
    group.bench_function("no reader", |b| {
        b.iter(|| {
            alone.log(black_box(&line)).expect("published");
        });
    });

    let runtime = Runtime::new().expect("a runtime");
    let hub = Hub::new();
    let busy = room(&hub);
    let server = Server::new(hub, SessionConfig::default());
    for _ in 0..1_000 {
        runtime.block_on(async {
            let mut reader = server.connect();
            reader.send(r#"{"type":"subscribe","room":"shop"}"#).await;
            tokio::spawn(async move { while reader.next().await.is_some() {} });
        });
    }
    group.bench_function("1000 readers", |b| {
        b.iter(|| {
            busy.log(black_box(&line)).expect("published");
        });
    });
    group.finish();
}

criterion_group!(benches, emit);
criterion_main!(benches);
