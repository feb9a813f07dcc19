//! A thousand clients lose one server at the same moment, on a clock of the test's own: they come back
//! spread, so that the server that starts again is not knocked over by those who wait for it.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::time::{Duration, Instant};

use nself_realtime::client::{Action, ClientConfig, ClientSession, ConnectionState};
use nself_realtime::clock::{Clock, SystemClock};
use nself_realtime::{Filter, RoomName};

const CLIENTS: u64 = 1_000;
const WELCOME: &str = r#"{"type":"welcome","data":{"protocol":1,"sessionId":"s","secret":"x","user":"guest","serverTime":"2026-01-31T12:00:00.000Z","heartbeatMs":30000,"heartbeatTimeoutMs":10000,"maxMessageBytes":65536}}"#;

/// Numbers that look random, the same in every run.
fn dice(mut seed: u64) -> impl FnMut() -> u64 + Send + 'static {
    move || {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn live(seed: u64, now: Instant) -> ClientSession {
    let mut session = ClientSession::new(ClientConfig::default(), None, dice(seed));
    session.read(&RoomName::new("shop").unwrap(), &[Filter::all()], now);
    session.start(now);
    session.handle_open(now);
    session.handle_message(WELCOME, now);
    assert_eq!(session.state(), &ConnectionState::Live);
    attempts(&mut session);
    session
}

/// How often it asks to connect.
fn attempts(session: &mut ClientSession) -> usize {
    let actions = std::iter::from_fn(|| session.poll_action());
    actions.filter(|action| *action == Action::Connect).count()
}

/// When each client makes that many attempts after all lose their server at `loss`, and none gets through.
fn attempts_after(loss: Instant, count: usize) -> Vec<Vec<Duration>> {
    let clients = (0..CLIENTS).map(|seed| {
        let mut session = live(seed, loss);
        session.handle_close(None, "", loss);
        let mut made = Vec::new();
        while made.len() < count {
            let now = session.poll_timeout().unwrap();
            session.handle_timeout(now);
            for _ in 0..attempts(&mut session) {
                made.push(now - loss);
                session.handle_close(None, "", now);
            }
        }
        made
    });
    clients.collect()
}

#[test]
fn first_attempts_lie_between_0_8_and_1_8_s_and_no_100_ms_hold_a_fifth() {
    let made = attempts_after(SystemClock.now(), 1);
    let mut buckets = [0; 18];
    for attempt in made.iter().flatten() {
        let range = Duration::from_millis(800)..Duration::from_millis(1_800);
        assert!(range.contains(attempt), "{attempt:?}");
        buckets[usize::try_from(attempt.as_millis() / 100).unwrap()] += 1;
    }
    assert_eq!(buckets.iter().sum::<i32>(), 1_000);
    assert!(buckets.iter().all(|count| *count <= 200), "{buckets:?}");
    // And none of the ten is empty, or nearly so: the spread is even.
    assert!(buckets.iter().skip(8).all(|count| *count >= 50), "{buckets:?}");
}

#[test]
fn later_attempts_spread_wider_and_never_end() {
    let made = attempts_after(SystemClock.now(), 8);
    for attempt in 1..8 {
        let mut delays: Vec<Duration> =
            made.iter().map(|made| made[attempt].saturating_sub(made[attempt - 1])).collect();
        delays.sort_unstable();
        let base = Duration::from_secs(1 << attempt.min(4));
        assert!(delays[0] >= base.mul_f64(0.8) && delays[999] < base.mul_f64(1.8), "{attempt}");
        let within = |from: Duration| {
            delays.iter().filter(|delay| (from..from + base / 10).contains(*delay)).count()
        };
        assert!((0..18).all(|step| within(base / 10 * step) <= 200), "{attempt}");
    }
}
