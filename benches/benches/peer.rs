//! What a connection costs that is asked: a message of its client, and the pacer while there is nothing to
//! write.
//!
//! `cargo bench -p nself-benches --bench peer`

use std::hint::black_box;
use std::task::Waker;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use nself_benches::memory::Stage;
use nself_realtime::auth::{Access, Identity};
use nself_realtime::clock::Clock;
use nself_realtime::{Peer, SessionConfig};

fn peer(c: &mut Criterion) {
    let mut group = c.benchmark_group("peer");
    let stage = Stage::new();
    let mut now = stage.clock.now();
    let (config, access) = (SessionConfig::default(), Access::default());
    let mut peer = Peer::new(stage.hub.clone(), config, access, Identity::guest(), now);
    peer.handle_text(now, r#"{"type":"subscribe","room":"shop"}"#);
    let mut out = Vec::new();

    group.bench_function("a ping and its answer", |b| {
        b.iter(|| {
            // Slow enough for the rate limit.
            now += Duration::from_millis(40);
            peer.handle_text(now, black_box(r#"{"type":"ping","id":7}"#));
            while peer.poll_transmit(now, Waker::noop(), &mut out) != nself_realtime::Transmit::Idle
            {
                out.clear();
                peer.handle_written();
            }
        });
    });
    group.bench_function("nothing to write", |b| {
        b.iter(|| {
            let idle = peer.poll_transmit(black_box(now), Waker::noop(), &mut out);
            (idle, peer.poll_timeout())
        });
    });
    group.finish();
}

criterion_group!(benches, peer);
criterion_main!(benches);
