//! What publishing costs the thread that publishes, in its processor time: alone, and with a thousand readers
//! of the room.
//!
//! `cargo bench -p nself-benches --bench emit`

#![expect(clippy::expect_used, reason = "a benchmark stops where it fails")]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::StreamExt;
use nself_benches::memory::line;
use nself_benches::thread_time::{self, ThreadTime};
use nself_realtime::{Emitter, Hub, RoomName, Server, SessionConfig};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

const READERS: u64 = 1_000;

fn room(hub: &Hub) -> Emitter {
    hub.open_room(&RoomName::new("shop").expect("a room name"))
}

/// A room that is read on the runtime as fast as that can be.
fn crowded_room(runtime: &Runtime) -> (Hub, Emitter) {
    let hub = Hub::new();
    let emitter = room(&hub);
    let server = Server::new(hub.clone(), SessionConfig::default());
    for _ in 0..READERS {
        runtime.block_on(async {
            let mut reader = server.connect();
            reader.send(r#"{"type":"subscribe","room":"shop"}"#).await;
            tokio::spawn(async move { while reader.next().await.is_some() {} });
        });
    }
    (hub, emitter)
}

/// Looks every millisecond.
fn wait_until(condition: impl Fn() -> bool) {
    while !condition() {
        sleep(Duration::from_millis(1));
    }
}

fn emit(c: &mut Criterion<ThreadTime>) {
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
    let (_, busy) = crowded_room(&runtime);
    group.bench_function("1000 readers, without a pause", |b| {
        b.iter(|| {
            busy.log(black_box(&line)).expect("published");
        });
    });
    let (hub, busy) = crowded_room(&runtime);
    let mut published = 0;
    // The dearest case: nobody is behind, so that each ten lines begin with a wake-up for everybody.
    group.throughput(Throughput::Elements(10));
    group.bench_function("1000 readers, all of them waiting: ten lines", |b| {
        b.iter_custom(|iterations| {
            let mut spent = Duration::ZERO;
            for _ in 0..iterations {
                wait_until(|| hub.statistics().events_out >= published * READERS);
                // Until the last of them waits again.
                sleep(Duration::from_millis(3));
                let begun = thread_time::now();
                for _ in 0..10 {
                    busy.log(black_box(&line)).expect("published");
                }
                spent += thread_time::now().saturating_sub(begun);
                published += 10;
            }
            spent
        });
    });
    // What of that is the kernel's: it wakes a thread that sleeps, whoever asks for it.
    group.throughput(Throughput::Elements(1));
    let (idle, woken) = waiting_task(&runtime);
    let mut wakes = 0;
    group.bench_function("for comparison: a wake-up of an idle runtime", |b| {
        b.iter_custom(|iterations| {
            let mut spent = Duration::ZERO;
            for _ in 0..iterations {
                wait_until(|| woken.load(Ordering::Acquire) >= wakes);
                // Until its thread sleeps again.
                sleep(Duration::from_millis(1));
                let begun = thread_time::now();
                idle.notify_one();
                spent += thread_time::now().saturating_sub(begun);
                wakes += 1;
            }
            spent
        });
    });
    group.finish();
}

/// A task that does nothing but wait, and how often it has been woken.
fn waiting_task(runtime: &Runtime) -> (Arc<Notify>, Arc<AtomicU64>) {
    let (idle, woken) = (Arc::new(Notify::new()), Arc::new(AtomicU64::new(0)));
    let (notified, counted) = (Arc::clone(&idle), Arc::clone(&woken));
    runtime.spawn(async move {
        loop {
            notified.notified().await;
            counted.fetch_add(1, Ordering::Release);
        }
    });
    (idle, woken)
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(ThreadTime);
    targets = emit
}
criterion_main!(benches);
