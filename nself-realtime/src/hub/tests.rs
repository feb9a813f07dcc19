//! The delivery rules, told through one peer on a clock of the test's own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::{Duration, Instant};

use futures::FutureExt;
use serde_json::{Value, json};

use super::*;
use crate::auth::{Access, AuthError, Authorizer, Identity, Lease};
use crate::clock::{Clock, SystemClock};
use crate::event::{LogLine, LogsStream, ServiceState, ServiceStatus, Source};
use crate::{CloseCode, Name, NanoTimestamp, SessionConfig, Timestamp};

/// Stands still until it is moved.
#[derive(Debug)]
struct ManualClock(Mutex<(Instant, i128)>);

impl ManualClock {
    fn now(&self) -> Instant {
        self.0.lock().unwrap().0
    }

    fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        now.0 += by;
        now.1 += i128::try_from(by.as_nanos()).unwrap();
    }
}

struct SharedClock(Arc<ManualClock>);

impl Clock for SharedClock {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn timestamp(&self) -> Timestamp {
        Timestamp::from_unix_nanos(self.0.0.lock().unwrap().1).unwrap()
    }
}

#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl Randomness for Counting {
    fn bits(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// Opens every room but `vault`.
struct NotTheVault;

impl Authorizer for NotTheVault {
    fn may_read(&self, _identity: &Identity, room: &RoomName) -> bool {
        room.as_str() != "vault"
    }
}

struct World {
    clock: Arc<ManualClock>,
    hub: Hub,
    shop: Emitter,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock(Mutex::new((SystemClock.now(), 0))));
        let hub = Hub::builder()
            .clock(SharedClock(clock.clone()))
            .randomness(Counting::default())
            .build();
        let shop = hub.open_room(&shop());
        Self { clock, hub, shop }
    }

    /// A connection whose welcome was read.
    fn connect(&self) -> Connection<'_> {
        self.connect_as(Identity::guest())
    }

    fn connect_as(&self, identity: Identity) -> Connection<'_> {
        self.welcome(identity).0
    }

    /// A connection and what it was welcomed with.
    fn welcome(&self, identity: Identity) -> (Connection<'_>, Value) {
        let config = SessionConfig::default();
        let access = Access::default().authorizer(NotTheVault);
        let peer = Peer::new(self.hub.clone(), config, access, identity, self.clock.now());
        let mut connection = Connection { world: self, peer };
        let frames = connection.frames();
        assert_eq!(frames[0]["type"], "welcome");
        (connection, frames[0]["data"].clone())
    }

    fn status(&self, service: &str, state: ServiceState) {
        self.shop.service_status(&ServiceStatus::new(name(service), state)).unwrap();
    }

    fn line(&self, service: &str, text: &str) {
        self.old_line(service, text, None);
    }

    fn old_line(&self, service: &str, text: &str, history: Option<u32>) {
        let line = LogLine {
            service: name(service),
            time: NanoTimestamp::from_unix_nanos(0).unwrap(),
            container_id: None,
            line: text.to_owned(),
            source: Source::Stdout,
            n: 0,
            level: None,
            truncated_bytes: None,
            history,
        };
        self.shop.log(&LogsStream::Line(line)).unwrap();
    }
}

struct Connection<'a> {
    world: &'a World,
    peer: Peer,
}

impl Connection<'_> {
    fn say(&mut self, frame: &Value) {
        self.peer.handle_text(self.world.clock.now(), &frame.to_string());
    }

    /// Everything that is written now.
    fn frames(&mut self) -> Vec<Value> {
        let mut frames = Vec::new();
        let mut out = Vec::new();
        while self.peer.poll_transmit(self.world.clock.now(), Waker::noop(), &mut out)
            == Transmit::Frames
        {
            frames.extend(out.drain(..).map(|frame| serde_json::from_slice(&frame).unwrap()));
        }
        frames
    }

    fn ask(&mut self, frame: &Value) -> Vec<Value> {
        self.say(frame);
        self.frames()
    }

    fn error(&mut self, frame: &Value) -> (String, String) {
        let frames = self.ask(frame);
        let data = &frames[0]["data"];
        let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
        (text(&data["code"]), text(&data["field"]))
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn shop() -> RoomName {
    RoomName::new("shop").unwrap()
}

fn subscribe(data: &Value) -> Value {
    json!({"type": "subscribe", "id": 1, "room": "shop", "data": data})
}

fn types(frames: &[Value]) -> Vec<&str> {
    frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect()
}

/// The positions of all events in these frames.
fn seqs(frames: &[Value]) -> Vec<u64> {
    let mut seqs = Vec::new();
    for frame in frames {
        match frame.get("events") {
            Some(events) => {
                seqs.extend(events.as_array().unwrap().iter().map(|e| e["seq"].as_u64().unwrap()));
            }
            None => seqs.extend(frame.get("seq").map(|seq| seq.as_u64().unwrap())),
        }
    }
    seqs
}

#[test]
fn a_fresh_subscriber_gets_the_snapshot_then_ready_then_what_comes() {
    let world = World::new();
    world.status("web", ServiceState::Starting);
    world.status("web", ServiceState::Running);
    world.status("db", ServiceState::Running);
    let mut connection = world.connect();
    let frames = connection.ask(&subscribe(&json!({})));
    assert_eq!(types(&frames), ["subscribed", "snapshot", "ready"]);
    assert_eq!(frames[0]["data"]["recovered"], "fresh");
    assert_eq!(seqs(&frames), [2, 3], "the superseded one is not kept");
    assert_eq!(frames[2]["data"]["cursor"], frames[0]["data"]["cursor"]);
    world.status("db", ServiceState::Failed);
    let frames = connection.frames();
    assert_eq!(frames[0]["room"], "shop");
    assert_eq!(frames[0]["data"]["status"], "failed");
    assert_eq!(seqs(&frames), [4]);
}

#[test]
fn an_empty_room_is_subscribed_at_zero() {
    let world = World::new();
    let frames = world.connect().ask(&subscribe(&json!({})));
    assert_eq!(types(&frames), ["subscribed", "ready"]);
    assert!(frames[0]["data"]["cursor"].as_str().unwrap().ends_with(".0"));
}

#[test]
fn what_came_after_the_cursor_is_delivered_once_after_a_reconnect() {
    let world = World::new();
    let cursor = {
        let mut connection = world.connect();
        connection.ask(&subscribe(&json!({})))[1]["data"]["cursor"].clone()
    };
    for n in 0..20 {
        world.line("web", &format!("line {n}"));
    }
    let mut connection = world.connect();
    let frames = connection.ask(&subscribe(&json!({"since": cursor})));
    assert_eq!(types(&frames), ["subscribed", "batch", "ready"]);
    assert_eq!(frames[0]["data"]["recovered"], "full");
    assert_eq!(seqs(&frames), (1..=20).collect::<Vec<_>>());
    world.line("web", "live");
    world.clock.advance(Duration::from_millis(100));
    assert_eq!(seqs(&connection.frames()), [21]);
}

#[test]
fn a_resume_behind_what_is_kept_tells_one_exact_gap() {
    let world = World::new();
    let cursor = world.connect().ask(&subscribe(&json!({})))[1]["data"]["cursor"].clone();
    for n in 0..5_000 {
        world.line("web", &format!("line {n}"));
    }
    let mut connection = world.connect();
    let frames = connection.ask(&subscribe(&json!({"since": cursor})));
    assert_eq!(frames[0]["data"]["recovered"], "gap");
    assert_eq!(types(&frames)[..2], ["subscribed", "gap"]);
    // The hot tail holds the newest 4,096.
    assert_eq!(frames[1]["data"]["missed"], 5_000 - 4_096);
    assert_eq!(frames[1]["data"]["why"], "expired");
    assert_eq!(seqs(&frames), (905..=5_000).collect::<Vec<_>>());
    assert_eq!(types(&frames).iter().filter(|t| **t == "gap").count(), 1);
}

#[test]
fn a_cursor_of_another_epoch_or_from_the_future_is_reset() {
    let world = World::new();
    world.status("web", ServiceState::Running);
    let cursor = world.connect().ask(&subscribe(&json!({})))[2]["data"]["cursor"].clone();
    let future = cursor.as_str().unwrap().replace(".1", ".99");
    for since in ["elsewhere.1", &future] {
        let frames = world.connect().ask(&subscribe(&json!({"since": since})));
        assert_eq!(frames[0]["data"]["recovered"], "reset");
        assert_eq!(types(&frames), ["subscribed", "snapshot", "ready"]);
    }
}

#[test]
fn removals_are_told_to_those_who_resume_and_left_out_of_snapshots() {
    let world = World::new();
    world.status("web", ServiceState::Running);
    let cursor = world.connect().ask(&subscribe(&json!({})))[2]["data"]["cursor"].clone();
    world.status("web", ServiceState::Removed);
    assert_eq!(types(&world.connect().ask(&subscribe(&json!({})))), ["subscribed", "ready"]);
    let frames = world.connect().ask(&subscribe(&json!({"since": cursor})));
    assert_eq!(seqs(&frames), [2]);
}

#[test]
fn added_filters_pause_the_room_until_their_snapshot_is_given() {
    let world = World::new();
    world.line("web", "before");
    let mut connection = world.connect();
    connection.ask(&subscribe(&json!({"types": ["service:status"]})));
    world.status("web", ServiceState::Running);
    connection.say(&subscribe(&json!({"types": ["logs:stream"], "keys": ["web"]})));
    let frames = connection.frames();
    assert_eq!(types(&frames), ["subscribed", "service:status", "snapshot", "ready"]);
    assert_eq!(seqs(&frames), [2, 1]);
    world.clock.advance(Duration::from_secs(1));
    world.line("web", "after");
    world.line("db", "not asked for");
    world.status("web", ServiceState::Failed);
    assert_eq!(seqs(&connection.frames()), [3, 5]);
    let frames = connection.ask(&json!({"type": "unsubscribe", "room": "shop",
        "data": {"types": ["logs:stream"], "keys": ["web"]}}));
    assert_eq!(types(&frames), ["unsubscribed"]);
    world.line("web", "not asked for any more");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(seqs(&connection.frames()), [] as [u64; 0]);
}

#[test]
fn a_filter_whose_snapshot_is_still_owed_can_be_taken_away() {
    let world = World::new();
    world.line("web", "before");
    let mut connection = world.connect();
    connection.say(&subscribe(&json!({"types": ["logs:stream"]})));
    connection.say(&subscribe(&json!({"types": ["docker:stats"]})));
    for event_type in ["logs:stream", "docker:stats"] {
        connection
            .say(&json!({"type": "unsubscribe", "room": "shop", "data": {"types": [event_type]}}));
    }
    let frames = connection.frames();
    assert!(!types(&frames).contains(&"error"), "{frames:?}");
    assert_eq!(seqs(&frames), [] as [u64; 0], "nothing of it is wanted any more");
    assert!(!world.hub.demand().wants::<LogsStream>(&shop(), "web"));
}

#[test]
fn since_on_an_added_subscribe_is_refused() {
    let world = World::new();
    let mut connection = world.connect();
    connection.ask(&subscribe(&json!({})));
    let again = subscribe(&json!({"since": "abcdefgh.1"}));
    assert_eq!(connection.error(&again), ("bad_request".into(), "/data/since".into()));
}

#[test]
fn requests_that_cannot_be_met_are_answered_and_nothing_else_is_lost() {
    let world = World::new();
    let mut connection = world.connect();
    connection.ask(&subscribe(&json!({})));
    let nowhere = json!({"type": "subscribe", "room": "nowhere"});
    assert_eq!(connection.error(&nowhere), ("unknown_room".into(), "/room".into()));
    assert_eq!(world.hub.rooms(), [shop(), RoomName::system()], "a name creates nothing");
    let leave = json!({"type": "unsubscribe", "room": "nowhere"});
    assert_eq!(connection.error(&leave).0, "not_found");
    connection.peer.handle_text(world.clock.now(), "{not json");
    assert_eq!(connection.frames()[0]["data"]["code"], "invalid_frame");
    let pong = connection.ask(&json!({"type": "ping", "id": 7}));
    assert_eq!((&pong[0]["type"], &pong[0]["id"]), (&json!("pong"), &json!(7)));
    assert_eq!(pong[0]["data"]["serverTime"], "1970-01-01T00:00:00.000Z");
    world.status("web", ServiceState::Running);
    assert_eq!(seqs(&connection.frames()), [1]);
}

#[test]
fn the_65th_room_is_refused() {
    let world = World::new();
    let mut connection = world.connect();
    for n in 0..65 {
        let room = format!("room-{n}");
        world.hub.open_room(&RoomName::new(&room).unwrap());
        let frames = connection.ask(&json!({"type": "subscribe", "room": room}));
        if n < 64 {
            assert_eq!(frames[0]["type"], "subscribed");
        } else {
            assert_eq!(frames[0]["data"]["code"], "too_many_subscriptions");
        }
    }
}

#[test]
fn a_closed_room_says_so_and_begins_a_new_epoch_when_it_returns() {
    let world = World::new();
    let mut connection = world.connect();
    let before = connection.ask(&subscribe(&json!({})))[0]["data"]["epoch"].clone();
    world.hub.close_room(&shop());
    let frames = connection.frames();
    assert_eq!(frames[0]["data"]["reason"], "closed");
    assert!(
        world.shop.service_status(&ServiceStatus::new(name("web"), ServiceState::Running)).is_err()
    );
    world.hub.open_room(&shop());
    let frames = connection.ask(&subscribe(&json!({})));
    assert_ne!(frames[0]["data"]["epoch"], before);
}

#[test]
fn rooms_are_told_in_system() {
    let world = World::new();
    let mut connection = world.connect();
    let frames = connection.ask(&json!({"type": "subscribe", "room": "system"}));
    assert_eq!(frames[1]["events"][0]["data"], json!({"room": "shop", "state": "open"}));
    world.hub.close_room(&shop());
    assert_eq!(connection.frames()[0]["data"]["state"], "closed");
}

#[test]
fn lines_are_batched_and_an_urgent_event_takes_them_along() {
    let world = World::new();
    let mut connection = world.connect();
    connection.ask(&subscribe(&json!({})));
    world.clock.advance(Duration::from_secs(1));
    world.line("web", "alone");
    assert_eq!(seqs(&connection.frames()), [1], "a lone event leaves at once");
    world.line("web", "waits");
    world.line("web", "waits, too");
    assert_eq!(types(&connection.frames()), [] as [&str; 0]);
    world.status("web", ServiceState::Failed);
    let frames = connection.frames();
    assert_eq!(types(&frames), ["batch"]);
    assert_eq!(seqs(&frames), [2, 3, 4]);
}

#[test]
fn a_quiet_connection_gets_a_heartbeat_and_is_closed_without_an_answer() {
    let world = World::new();
    let mut connection = world.connect();
    world.clock.advance(Duration::from_secs(30));
    connection.peer.handle_timeout(world.clock.now());
    assert_eq!(types(&connection.frames()), ["heartbeat"]);
    world.clock.advance(Duration::from_secs(10));
    connection.peer.handle_timeout(world.clock.now());
    let mut out = Vec::new();
    let now = world.clock.now();
    assert_eq!(connection.peer.poll_transmit(now, Waker::noop(), &mut out), Transmit::Frames);
    let closing: Value = serde_json::from_slice(&out[0]).unwrap();
    assert_eq!(closing["data"]["code"], 4408);
    assert_eq!(
        connection.peer.poll_transmit(now, Waker::noop(), &mut out),
        Transmit::Close(CloseCode::Timeout)
    );
}

#[test]
fn demand_follows_who_is_subscribed() {
    let world = World::new();
    let mut demand = world.hub.demand();
    assert!(!demand.wants::<LogsStream>(&shop(), "web"));
    let mut connection = world.connect();
    connection.ask(&subscribe(&json!({"types": ["logs:stream"], "keys": ["web"]})));
    assert!(demand.changed().now_or_never().is_some());
    assert!(demand.wants::<LogsStream>(&shop(), "web"));
    assert!(!demand.wants::<LogsStream>(&shop(), "db"));
    assert!(!demand.wants::<ServiceStatus>(&shop(), "web"));
    while demand.changed().now_or_never().is_some() {}
    drop(connection);
    assert!(demand.changed().now_or_never().is_some());
    assert!(!demand.wants::<LogsStream>(&shop(), "web"));
}

#[test]
fn an_invalid_event_reaches_nobody() {
    let world = World::new();
    let mut connection = world.connect();
    connection.ask(&subscribe(&json!({})));
    let mut status = ServiceStatus::new(name("web"), ServiceState::Failed);
    status.message = Some("x".repeat(5_000));
    assert!(matches!(world.shop.emit(&status), Err(EmitError::Invalid(_))));
    assert_eq!(types(&connection.frames()), [] as [&str; 0]);
}

#[test]
fn a_narrow_reader_of_a_busy_room_is_told_its_cursor() {
    let world = World::new();
    let mut connection = world.connect();
    connection.ask(&subscribe(&json!({"types": ["service:status"]})));
    for n in 0..9_999 {
        world.line("web", &format!("line {n}"));
        connection.frames();
    }
    assert!(connection.frames().is_empty());
    world.line("web", "the ten-thousandth");
    let frames = connection.frames();
    assert_eq!(types(&frames), ["cursor"]);
    assert!(frames[0]["data"]["cursor"].as_str().unwrap().ends_with(".10000"));
    world.line("web", "one more");
    assert!(connection.frames().is_empty());
    world.clock.advance(Duration::from_secs(30));
    connection.peer.handle_timeout(world.clock.now());
    let frames = connection.frames();
    assert!(types(&frames).contains(&"cursor"), "{frames:?}");
}

#[test]
fn old_lines_beyond_the_tail_that_was_asked_for_are_skipped_without_a_gap() {
    let world = World::new();
    let mut connection = world.connect();
    connection.ask(&subscribe(&json!({"types": ["logs:stream"], "tail": 2})));
    world.clock.advance(Duration::from_secs(1));
    for more in (0..5).rev() {
        world.old_line("web", "old", Some(more));
    }
    world.line("web", "new");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(seqs(&connection.frames()), [4, 5, 6]);
}

#[test]
fn presence_tells_who_is_here_and_a_reload_is_the_same_session() {
    let world = World::new();
    // What a newcomer is told of the sessions that are here.
    let present = || {
        world.hub.tell_presence(world.clock.now());
        let frames = world.connect().ask(&json!({"type": "subscribe", "room": "system",
            "data": {"types": ["presence"]}}));
        let events = frames[1]["events"].as_array().cloned().unwrap_or_default();
        events.into_iter().map(|event| event["data"].clone()).collect::<Vec<_>>()
    };
    let (mut first, welcome) = world.welcome(Identity::new(name("ann"), Lease::endless()));
    first.say(&json!({"type": "presence", "data": {"page": "/logs"}}));
    let session = welcome["sessionId"].clone();
    let ann = json!({"sessionId": session, "user": "ann", "state": "join", "page": "/logs"});
    assert_eq!(present(), std::slice::from_ref(&ann));
    drop(first);
    world.clock.advance(Duration::from_secs(9));
    let mut again = world.connect_as(Identity::new(name("ann"), Lease::endless()));
    let frames = again.ask(&json!({"type": "hello",
        "data": {"session": session, "secret": welcome["secret"]}}));
    assert_eq!(frames[0]["data"]["sessionId"], session, "it is that session again");
    again.ask(&json!({"type": "pong"}));
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(present(), [ann], "neither left nor joined");
    drop(again);
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(present(), [] as [Value; 0]);
}

#[test]
fn a_forged_secret_is_refused_and_a_duplicated_tab_gets_an_id_of_its_own() {
    let world = World::new();
    let (mut first, welcome) = world.welcome(Identity::guest());
    first.ask(&json!({"type": "pong"}));
    let hello = |secret: &Value| json!({"type": "hello", "data": {"session": welcome["sessionId"], "secret": secret}});
    let forged = json!("0".repeat(32));
    assert_eq!(world.connect().error(&hello(&forged)), ("forbidden".into(), "/data/secret".into()));
    assert!(world.connect().ask(&hello(&welcome["secret"])).is_empty(), "welcomed already");
    drop(first);
    let mut late = world.connect();
    late.ask(&json!({"type": "pong"}));
    assert_eq!(late.error(&hello(&welcome["secret"])).0, "bad_request", "hello comes first");
    assert_eq!(world.connect().ask(&hello(&welcome["secret"]))[0]["type"], "welcome");
}

#[test]
fn who_has_to_leave_is_warned_a_minute_before_and_closed_in_time() {
    let world = World::new();
    let lease = Lease::until(Timestamp::from_unix_nanos(300_000_000_000).unwrap());
    let identity = Identity::new(name("ann"), lease.clone()).renewable(true);
    let mut connection = world.connect_as(identity);
    assert!(connection.frames().is_empty());
    world.clock.advance(Duration::from_mins(4));
    assert!(connection.peer.poll_timeout() <= world.clock.now());
    let frames = connection.frames();
    let expected =
        json!({"expiresAt": "1970-01-01T00:05:00.000Z", "secondsLeft": 60, "renewable": true});
    assert_eq!((&frames[0]["type"], &frames[0]["data"]), (&json!("session:expiring"), &expected));
    assert!(connection.frames().is_empty(), "once");
    lease.renew(Timestamp::from_unix_nanos(600_000_000_000).unwrap());
    world.clock.advance(Duration::from_secs(100));
    assert!(connection.frames().is_empty(), "it was renewed");
    lease.end();
    assert_eq!(connection.frames()[0]["data"]["code"], 4501);
}

#[test]
fn who_has_lost_the_right_to_be_here_is_told_not_to_come_back() {
    let world = World::new();
    let lease = Lease::endless();
    let mut connection = world.connect_as(Identity::new(name("ann"), lease.clone()));
    lease.withdraw();
    lease.end();
    assert_eq!(connection.frames()[0]["data"]["code"], 4503);
}

#[test]
fn a_token_renews_in_place_for_the_same_user_only() {
    let world = World::new();
    world.hub.open_room(&RoomName::new("vault").unwrap());
    let mut connection = world.connect();
    let subscribe_vault = json!({"type": "subscribe", "room": "vault"});
    assert_eq!(connection.error(&subscribe_vault).0, "forbidden");
    let mut renew = |outcome| {
        connection.say(&json!({"type": "auth", "id": 5, "data": {"token": "t"}}));
        assert!(!connection.peer.wants_input(), "not before it is known whose it is");
        assert_eq!(connection.peer.poll_token().as_deref(), Some("t"));
        assert_eq!(connection.peer.poll_token(), None);
        connection.peer.handle_authenticated(outcome);
        connection.frames()[0].clone()
    };
    assert_eq!(renew(Err(AuthError::Expired))["data"]["code"], "expired");
    let bob = Identity::new(name("bob"), Lease::endless());
    assert_eq!(renew(Ok(bob))["data"]["code"], "forbidden");
    let renewed = renew(Ok(Identity::guest()));
    assert_eq!((&renewed["type"], &renewed["id"]), (&json!("authenticated"), &json!(5)));
}

#[test]
fn what_was_done_is_counted() {
    let world = World::new();
    let mut connection = world.connect();
    connection.ask(&subscribe(&json!({})));
    for n in 0..10 {
        world.line("web", &format!("line {n}"));
    }
    world.clock.advance(Duration::from_millis(16));
    assert_eq!(seqs(&connection.frames()).len(), 10);
    connection.peer.handle_written();
    connection.peer.close(CloseCode::Restart, None);
    let done = world.hub.statistics();
    // The room itself was told, too.
    assert_eq!((done.events_in, done.events_out), (11, 10));
    assert!(done.closes.contains(&(CloseCode::Restart, 1)));
    assert_eq!(done.latency.iter().sum::<u64>(), 1);
    assert!(done.bytes_out > 1_000 && done.frames_out >= 4);
}
