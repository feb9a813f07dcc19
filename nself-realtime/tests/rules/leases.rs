//! How long somebody may stay.

use std::time::Duration;

use futures::StreamExt;
use nself_realtime::auth::{AuthError, Identity, Lease};
use nself_realtime::{Hub, RoomName, Server, SessionConfig, Timestamp};
use serde_json::{Value, json};

use crate::world::{World, name, runtime_clock};

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

#[tokio::test(start_paused = true)]
async fn an_ended_sign_in_reaches_a_connection_on_which_nothing_happens() {
    let hub = Hub::builder().clock(runtime_clock()).build();
    let server = Server::new(hub, SessionConfig::default());
    let lease = Lease::endless();
    let mut connection = server.connect_as(Identity::new(name("ann"), lease.clone()));
    connection.next().await.unwrap();
    let before = tokio::time::Instant::now();
    lease.end();
    let closing: Value = serde_json::from_slice(&connection.next().await.unwrap()).unwrap();
    assert_eq!(closing["data"]["code"], 4501);
    assert!(connection.next().await.is_none());
    assert_eq!(before.elapsed(), Duration::ZERO);
}
