//! Connecting, doubting, coming back.

use std::time::Duration;

use serde_json::json;

use super::play::{Play, live, status, welcome};
use crate::Name;
use crate::proto::client::{Answer, ConnectionState, SessionEvent, SessionKey};

fn reconnecting(play: &Play) -> (u32, Option<u128>) {
    match play.state() {
        ConnectionState::Reconnecting { attempt, next_attempt } => {
            (*attempt, next_attempt.map(|at| play.elapsed(at)))
        }
        other => panic!("not reconnecting: {other:?}"),
    }
}

#[test]
fn a_connection_is_live_at_welcome_not_at_open() {
    let mut play = Play::new();
    play.open();
    assert_eq!(play.state(), &ConnectionState::Connecting);
    play.hear(&[welcome()]);
    assert_eq!(play.state(), &ConnectionState::Live);
}

#[test]
fn hello_and_all_rooms_are_sent_at_open_without_waiting_for_welcome() {
    let key = SessionKey::new(Name::new("s0").unwrap(), "x0".to_owned());
    let mut play = Play::of(Some(key));
    play.read("shop", &[status()]);
    play.read("attic", &[status()]);
    play.open();
    assert_eq!(play.types(), ["hello", "subscribe", "subscribe"]);
    assert_eq!(play.sent[0]["data"], json!({"session": "s0", "secret": "x0"}));
}

#[test]
fn the_key_of_the_newest_welcome_is_told_and_used_for_the_next_hello() {
    let mut play = Play::new();
    play.welcome();
    let mut second = welcome();
    second["data"]["sessionId"] = json!("s2");
    play.hear(&[second]);
    let Some(SessionEvent::Welcome(told)) = play.told.last() else { panic!("no welcome") };
    assert_eq!((told.key.session().as_str(), told.key.secret()), ("s2", "x1"));
    assert!(!format!("{told:?}").contains("x1"), "a secret is not printed");
    play.close(1006);
    play.pass(1_000);
    play.clear();
    play.open();
    assert_eq!(play.sent[0]["data"]["session"], "s2");
}

#[test]
fn attempts_follow_after_1_2_4_8_16_16_seconds_and_never_end() {
    let mut play = Play::new();
    let mut delays = Vec::new();
    for _ in 0..9 {
        play.close(1006);
        let (before, connects) = (play.now, play.connects);
        while play.connects == connects {
            play.pass(100);
            assert!(play.now - before < Duration::from_secs(20), "no attempt");
        }
        delays.push((play.now - before).as_secs());
    }
    assert_eq!(delays, [1, 2, 4, 8, 16, 16, 16, 16, 16]);
}

#[test]
fn a_loss_is_told_with_the_number_and_the_time_of_the_next_attempt() {
    let mut play = Play::new();
    play.welcome();
    play.close(1006);
    assert_eq!(reconnecting(&play), (1, Some(1_000)));
    play.pass(1_000);
    assert_eq!(reconnecting(&play), (1, None));
    play.close(1006);
    assert_eq!(reconnecting(&play), (2, Some(3_000)));
    play.pass(2_000);
    play.welcome();
    assert_eq!(play.state(), &ConnectionState::Live);
}

#[test]
fn an_attempt_without_a_welcome_for_5_s_is_given_up() {
    let mut play = Play::new();
    play.open();
    play.pass(4_999);
    assert_eq!(play.disconnects, 0);
    play.pass(1);
    assert_eq!(play.disconnects, 1);
    play.pass(1_000);
    assert_eq!(play.connects, 2);
}

#[test]
fn the_backoff_begins_anew_after_10_s_of_health_not_before() {
    let mut play = Play::new();
    let mut loss_after = |ms| {
        play.welcome();
        play.pass(ms);
        play.close(1006);
        let wait = play.session.poll_timeout().unwrap() - play.now;
        play.pass(u64::try_from(wait.as_millis()).unwrap());
        wait.as_millis()
    };
    assert_eq!(loss_after(9_999), 1_000);
    assert_eq!(loss_after(9_999), 2_000);
    assert_eq!(loss_after(10_000), 1_000);
}

#[test]
fn what_closing_says_of_the_wait_takes_precedence_and_waking_keeps_to_it() {
    let mut play = Play::new();
    play.welcome();
    let closing = json!({"code": 1012, "reason": "restart", "retryAfterMs": 300});
    play.hear(&[json!({"type": "closing", "data": closing})]);
    play.close(1012);
    assert_eq!(reconnecting(&play), (1, Some(300)));
    play.session.handle_wake(play.now);
    play.drain();
    assert_eq!(play.connects, 1);
    play.pass(300);
    assert_eq!(play.connects, 2);
    play.close(1006);
    assert_eq!(reconnecting(&play), (2, Some(300 + 2_000)), "it holds for one loss");
}

#[test]
fn waking_does_not_wait_for_the_backoff() {
    let mut play = Play::new();
    play.close(1006);
    play.session.handle_wake(play.now);
    play.drain();
    assert_eq!(play.connects, 2);
}

#[test]
fn waking_doubts_a_live_connection_and_an_answer_saves_it() {
    let mut play = Play::new();
    play.welcome();
    play.session.handle_wake(play.now);
    play.drain();
    assert_eq!(play.types(), ["ping"]);
    play.pass(4_000);
    play.hear(&[json!({"type": "pong", "id": 1})]);
    play.pass(4_000);
    assert_eq!(play.state(), &ConnectionState::Live);
    play.session.handle_wake(play.now);
    play.pass(5_000);
    assert_eq!(reconnecting(&play).0, 1);
}

#[test]
fn a_heartbeat_is_answered() {
    let mut play = Play::new();
    play.welcome();
    play.clear();
    play.hear(&[json!({"type": "heartbeat"})]);
    assert_eq!(play.sent, [json!({"type": "pong"})]);
}

#[test]
fn a_connection_that_says_nothing_for_both_heartbeat_times_is_dead() {
    let mut play = Play::new();
    play.welcome();
    play.pass(30_000);
    play.hear(&[json!({"type": "heartbeat"})]);
    play.pass(39_999);
    assert_eq!(play.state(), &ConnectionState::Live);
    play.pass(1);
    assert_eq!(reconnecting(&play).0, 1);
    assert_eq!(play.disconnects, 1);
}

#[test]
fn a_terminal_close_is_final_and_says_why() {
    for code in [1000, 1009, 4500, 4501, 4503, 4777] {
        let mut play = Play::new();
        play.read("shop", &[status()]);
        play.welcome();
        play.close(code);
        play.session.handle_wake(play.now);
        play.pass(100_000);
        let end = match code {
            4501 => ConnectionState::SignedOut,
            _ => ConnectionState::Closed { reason: "told why".to_owned() },
        };
        assert_eq!(play.state(), &end, "{code}");
        assert_eq!((play.connects, play.polls.len()), (1, 0), "{code}");
        assert_eq!(play.session.poll_timeout(), None, "{code}");
    }
}

#[test]
fn every_other_close_means_come_back() {
    for code in [1001, 1005, 1006, 1011, 1012, 3000, 4408, 4429, 4499, 5000] {
        let mut play = Play::new();
        play.welcome();
        play.close(code);
        assert_eq!(reconnecting(&play).0, 1, "{code}");
    }
}

#[test]
fn a_refused_attempt_says_what_the_status_means() {
    let refused = |status, body: &str| {
        let mut play = Play::new();
        let body = body.as_bytes();
        let answer = Answer { status, retry_after: Some(Duration::from_secs(7)), body };
        play.session.handle_refused(&answer, play.now);
        play.drain();
        play
    };
    let play = refused(401, r#"{"error":{"code":"expired","message":"sign in"}}"#);
    assert_eq!(play.state(), &ConnectionState::SignedOut);
    assert_eq!(play.errors()[0].code, "expired");
    let play = refused(503, "<html>");
    assert_eq!(reconnecting(&play), (1, Some(7_000)));
    assert_eq!(play.errors()[0].message, "the server answered with status 503");
    let play = refused(
        429,
        r#"{"error":{"code":"rate_limited","message":"too many","retryAfterMs":2500}}"#,
    );
    assert_eq!(reconnecting(&play), (1, Some(2_500)));
}

#[test]
fn no_server_keeps_a_client_away_for_more_than_an_hour() {
    const HOUR_MS: u128 = 3_600_000;
    let refused = |body: &[u8]| {
        let mut play = Play::new();
        let answer = Answer { status: 503, retry_after: Some(Duration::MAX), body };
        play.session.handle_refused(&answer, play.now);
        play.drain();
        reconnecting(&play)
    };
    assert_eq!(refused(b"busy"), (1, Some(HOUR_MS)));
    let endless = json!({"code": "rate_limited", "message": "busy", "retryAfterMs": u64::MAX});
    let body = json!({"error": endless}).to_string();
    assert_eq!(refused(body.as_bytes()), (1, Some(HOUR_MS)));

    let mut play = Play::new();
    play.welcome();
    let closing = json!({"code": 1012, "reason": "restart", "retryAfterMs": u64::MAX});
    play.hear(&[json!({"type": "closing", "data": closing})]);
    play.close(1012);
    assert_eq!(reconnecting(&play), (1, Some(HOUR_MS)));

    let mut play = Play::polling(&[status()], 10);
    play.pass_until(0);
    let (id, _) = *play.polls.last().unwrap();
    let answer = Answer { status: 503, retry_after: Some(Duration::MAX), body: b"busy" };
    play.session.handle_poll_answer(id, &answer, play.now);
    play.drain();
    let polls = play.polls.len();
    play.pass_until(3_600_000 - 1);
    assert_eq!(play.polls.len(), polls);
    play.pass_until(1);
    assert_eq!(play.polls.len(), polls + 1);
}

#[test]
fn what_a_program_ends_stays_ended() {
    let mut play = Play::new();
    play.welcome();
    play.session.close();
    play.drain();
    assert_eq!(play.disconnects, 1);
    assert!(play.state().is_end());
    play.hear(&[live(1)]);
    play.session.handle_wake(play.now);
    play.pass(60_000);
    assert_eq!((play.connects, play.polls.len()), (1, 0));
}

#[test]
fn a_sign_in_that_ends_soon_is_told_and_a_newer_token_is_sent() {
    let mut play = Play::new();
    play.welcome();
    play.clear();
    let expiring =
        json!({"expiresAt": "2026-01-31T12:01:00.000Z", "secondsLeft": 60, "renewable": true});
    play.hear(&[json!({"type": "session:expiring", "data": expiring})]);
    let Some(SessionEvent::Expiring(told)) = play.told.last() else { panic!("not told") };
    assert_eq!((told.seconds_left, told.renewable), (60, true));
    play.session.authenticate("newer");
    play.drain();
    assert_eq!(play.sent[0]["data"], json!({"token": "newer"}));
    let data = json!({"expiresAt": "2026-01-31T13:00:00.000Z"});
    play.hear(&[json!({"type": "authenticated", "id": play.sent[0]["id"], "data": data})]);
    let Some(SessionEvent::Authenticated { expires_at }) = play.told.last() else {
        panic!("not told")
    };
    assert_eq!(expires_at.unwrap().to_string(), "2026-01-31T13:00:00.000Z");
}

#[test]
fn a_broken_frame_is_told_and_the_connection_lives() {
    let mut play = Play::new();
    play.welcome();
    play.session.handle_message("{oops", play.now);
    play.drain();
    assert_eq!(play.errors()[0].code, "invalid_frame");
    assert_eq!(play.state(), &ConnectionState::Live);
}
