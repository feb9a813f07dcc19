//! Signing in and out, and what ends with it: cookies, roles, tokens, open sockets.

use std::time::Duration;

use nself_tests::server::Server;
use nself_tests::visitor::Visitor;
use nself_tests::wire::Opened;

const WEB: &str = "/api/services/shop/web";

async fn demo(arguments: &[&str]) -> Server {
    Server::with_sign_in(&[&["--demo"], arguments].concat()).await
}

#[tokio::test]
async fn who_is_not_signed_in_gets_the_page_and_nothing_else() {
    let server = demo(&[]).await;
    let nobody = Visitor::nobody(&server);
    for open in ["/", "/sign-in", "/healthz", "/readyz"] {
        assert_eq!(nobody.get(open).await.status, 200, "{open}");
    }
    for closed in ["/api/session", "/api/services", "/api/rooms", "/api/poll?room=system"] {
        let answer = nobody.get(closed).await;
        assert_eq!(answer.status, 401, "{closed}");
        assert!(answer.body.contains("\"code\":\"unauthorized\""), "{}", answer.body);
    }
}

#[tokio::test]
async fn the_link_that_is_written_at_the_start_signs_in_once() {
    let server = demo(&[]).await;
    let file = server.state_dir().join("login-link");
    assert!(server.printed().contains(&file.display().to_string()), "{}", server.printed());
    let link = std::fs::read_to_string(file).unwrap();
    assert!(!server.printed().contains("token="), "what is printed may be kept by somebody");
    let (page, token) = link.trim().split_once("#token=").unwrap();
    assert_eq!((page, token.len()), (&*server.url("/sign-in"), 32));
    let body = format!("{{\"token\":\"{token}\"}}");
    let nobody = Visitor::nobody(&server);
    let first = nobody.post("/api/bootstrap", &body).await;
    assert_eq!(first.status, 204, "{}", first.body);
    let cookie = first.header("Set-Cookie").unwrap();
    let name = format!("nself-session-{}=", server.port());
    assert!(cookie.starts_with(&name), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
    assert_eq!(nobody.post("/api/bootstrap", &body).await.status, 401);
}

#[tokio::test]
async fn the_password_signs_in_and_the_session_says_who_one_is() {
    let server = demo(&["--env", "staging"]).await;
    let nobody = Visitor::nobody(&server);
    let early = nobody.post("/api/login", r#"{"password":"correct horse"}"#).await;
    assert_eq!(early.status, 401);
    assert!(early.body.contains("no password is set"), "{}", early.body);
    server.command(&["set-password"], "correct horse\n");
    let admin = Visitor::with_password(&server, "correct horse").await;
    let session = admin.get_json("/api/session").await;
    for (field, value) in [
        ("user", "\"admin\""),
        ("role", "\"admin\""),
        ("readOnly", "false"),
        ("demo", "true"),
        ("signIn", "true"),
        ("environment", "\"staging\""),
    ] {
        assert_eq!(session[field].to_string(), value, "{field}: {session}");
    }
    assert!(session["expiresAt"].as_str().is_some_and(|time| time.ends_with('Z')), "{session}");
    let wrong = nobody.post("/api/login", r#"{"password":"correct horsf"}"#).await;
    assert_eq!((wrong.status, wrong.header("Set-Cookie")), (401, None));
}

#[tokio::test]
async fn guessing_is_answered_with_a_wait() {
    let server = demo(&[]).await;
    let nobody = Visitor::nobody(&server);
    for _ in 0..5 {
        assert_eq!(nobody.post("/api/bootstrap", r#"{"token":"guess"}"#).await.status, 401);
    }
    let slowed = nobody.post("/api/login", r#"{"password":"guess"}"#).await;
    assert_eq!(slowed.status, 429, "{}", slowed.body);
    let wait: u32 = slowed.header("Retry-After").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert!(slowed.body.contains("\"retryAfterMs\":"), "{}", slowed.body);
}

#[tokio::test]
async fn signing_out_closes_the_sockets_of_that_session_and_no_others() {
    let server = demo(&[]).await;
    let (one, other) =
        (Visitor::with_role(&server, "admin").await, Visitor::with_role(&server, "admin").await);
    let (mut socket, mut kept) = (one.socket().await, other.socket().await);
    socket.next("welcome").await;
    kept.next("welcome").await;
    let out = one.post("/api/logout", "{}").await;
    assert_eq!(out.status, 204);
    assert!(out.header("Set-Cookie").is_some_and(|cookie| cookie.contains("Max-Age=0")));
    assert_eq!(socket.closed().await, 4501);
    assert_eq!(one.get("/api/session").await.status, 401);
    assert_eq!(other.get("/api/session").await.status, 200);
}

#[tokio::test]
async fn another_password_ends_every_session() {
    let server = demo(&[]).await;
    server.command(&["set-password"], "correct horse\n");
    let admin = Visitor::with_password(&server, "correct horse").await;
    let mut socket = admin.socket().await;
    socket.next("welcome").await;
    server.command(&["set-password"], "battery staple\n");
    assert_eq!(socket.closed().await, 4501);
    assert_eq!(admin.get("/api/session").await.status, 401);
    Visitor::with_password(&server, "battery staple").await;
}

#[tokio::test]
async fn a_session_that_ends_soon_is_told_and_renewed_in_place() {
    let server = demo(&["--session-lifetime", "50s"]).await;
    let admin = Visitor::with_role(&server, "admin").await;
    let mut socket = admin.socket().await;
    let expiring = socket.next("session:expiring").await;
    assert_eq!(expiring["data"]["renewable"], true, "{expiring}");
    // Times are written in whole milliseconds, and all of this may take less than one.
    tokio::time::sleep(Duration::from_millis(2)).await;
    let renewed = admin.post("/api/session/renew", "{}").await;
    assert_eq!(renewed.status, 200, "{}", renewed.body);
    let renewed: serde_json::Value = serde_json::from_str(&renewed.body).unwrap();
    let again = socket.next("session:expiring").await;
    assert_eq!(again["data"]["expiresAt"], renewed["expiresAt"]);
    assert_ne!(again["data"]["expiresAt"], expiring["data"]["expiresAt"]);
    for (field, value) in [("user", "admin"), ("role", "admin")] {
        assert_eq!(renewed[field], value, "it is told as a session is: {renewed}");
    }
}

#[tokio::test]
async fn a_session_that_nobody_renews_ends_everywhere() {
    let server = demo(&["--session-lifetime", "10s"]).await;
    let admin = Visitor::with_role(&server, "admin").await;
    let mut socket = admin.socket().await;
    assert_eq!(socket.closed().await, 4501);
    assert_eq!(admin.get("/api/session").await.status, 401);
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends() {
    let server = demo(&["--session-idle", "10s"]).await;
    let admin = Visitor::with_role(&server, "admin").await;
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(admin.get("/api/session").await.status, 401);
}

#[tokio::test]
async fn viewers_see_and_operators_act_and_nobody_does_where_it_is_read_only() {
    let server = demo(&[]).await;
    let start = format!("{WEB}/restart");
    let viewer = Visitor::with_role(&server, "viewer").await;
    let refused = viewer.post(&start, "{}").await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("needs the role operator; you are viewer"), "{}", refused.body);
    viewer.socket().await.next("welcome").await;
    let operator = Visitor::with_role(&server, "operator").await;
    assert_ne!(operator.post(&start, "{}").await.status, 403);

    let server = demo(&["--read-only"]).await;
    let admin = Visitor::with_role(&server, "admin").await;
    let refused = admin.post(&start, "{}").await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("\"code\":\"read_only\""), "{}", refused.body);
    assert_eq!(admin.get_json("/api/session").await["readOnly"], true);
}

#[tokio::test]
async fn a_token_asks_like_somebody_until_it_is_revoked() {
    let server = demo(&[]).await;
    let token = server.command(&["token", "create", "ci", "--role", "operator"], "");
    let program = Visitor::with_token(&server, token.trim());
    // The server looks for new tokens twice a second.
    let known = Duration::from_secs(15);
    nself_tests::wait::until("the token to be known", known, async || {
        let answer = program.get("/api/session").await;
        if answer.status == 200 { Ok(()) } else { Err(answer.body) }
    })
    .await;
    let session = program.get_json("/api/session").await;
    assert_eq!((&session["user"], &session["role"]), (&"ci".into(), &"operator".into()));
    assert_eq!(session["expiresAt"], serde_json::Value::Null);
    let mut socket = program.socket().await;
    socket.next("welcome").await;
    let listed = server.command(&["token", "list"], "");
    assert!(listed.starts_with("ci ") && listed.contains(" operator "), "{listed}");
    assert!(!listed.contains(token.trim()));
    server.command(&["token", "revoke", "ci"], "");
    assert_eq!(socket.closed().await, 4501);
    assert_eq!(program.get("/api/session").await.status, 401);
}

#[tokio::test]
async fn a_sign_in_has_sixteen_sockets() {
    let server = demo(&[]).await;
    let admin = Visitor::with_role(&server, "admin").await;
    let mut open = Vec::new();
    for _ in 0..16 {
        let mut socket = admin.socket().await;
        socket.next("welcome").await;
        open.push(socket);
    }
    let answer = admin.get("/api/poll?room=system&waitMs=0").await;
    assert_eq!(answer.status, 429, "{}", answer.body);
}

#[tokio::test]
async fn signing_out_ends_streams_and_polls_that_wait() {
    let server = demo(&[]).await;
    let admin = Visitor::with_role(&server, "viewer").await;
    let (host, proof) = (format!("Host: 127.0.0.1:{}", server.port()), admin.proof().unwrap());
    let stream = "GET /api/events?room=system";
    let mut stream = Opened::new(server.port(), stream, &[&host, proof], "").await;
    stream.read_until("the stream to be live", |text| text.contains("event: ready")).await;
    let polled = admin.get_json("/api/poll?room=system&types=deploy:progress&waitMs=0").await;
    let cursor = polled["rooms"][0]["cursor"].as_str().unwrap();
    let query = format!("room=system&types=deploy:progress&waitMs=30000&since={cursor}");
    let poll = format!("GET /api/poll?{query}");
    let mut waiting = Opened::new(server.port(), &poll, &[&host, proof], "").await;
    admin.post("/api/logout", "{}").await;
    let answer = waiting.read_until("an answer", |text| text.contains("\r\n\r\n")).await;
    assert_eq!(answer.status, 401);
    stream.read_until("the end of the stream", |text| text.ends_with("0\r\n\r\n")).await;
}
