//! Polls and server-sent events at the program: the same events and cursors as over the socket.

use nself_tests::server::Server;
use nself_tests::wire::{self, Answer, Opened};
use serde_json::{Value, json};

async fn get(server: &Server, path: &str) -> Answer {
    let host = format!("Host: 127.0.0.1:{}", server.port());
    wire::request(server.port(), &format!("GET {path}"), &[&host], "").await
}

async fn post(server: &Server, body: &Value) -> Answer {
    let (port, body) = (server.port(), body.to_string());
    let headers = [
        format!("Host: 127.0.0.1:{port}"),
        format!("Origin: http://127.0.0.1:{port}"),
        "Content-Type: application/json".to_owned(),
        format!("Content-Length: {}", body.len()),
    ];
    wire::request(port, "POST /api/poll", &headers.each_ref().map(String::as_str), &body).await
}

fn read(answer: &Answer) -> Value {
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    serde_json::from_str(&answer.body).unwrap()
}

#[tokio::test]
async fn a_poll_goes_on_where_the_one_before_ended() {
    let server = Server::start(&["--demo"]).await;
    let first = get(&server, "/api/poll?room=demo&types=service:status").await;
    assert_eq!(first.status, 200, "{}", first.body);
    let first = read(&first)["rooms"][0].clone();
    assert_eq!(first["recovered"], "fresh");
    assert!(!first["snapshot"].as_array().unwrap().is_empty(), "{first}");

    let lines = json!([{"types": ["logs:stream"]}]);
    let subscription = json!({"room": "demo", "filters": lines, "since": first["cursor"]});
    let next = post(&server, &json!({"subscriptions": [subscription, {"room": "system"}]})).await;
    assert_eq!(next.status, 200, "{}", next.body);
    let next = read(&next);
    assert_eq!(next["rooms"][0]["recovered"], "full");
    assert_eq!(next["rooms"][1]["room"], "system");
}

#[tokio::test]
async fn a_poll_that_cannot_be_answered_says_what_is_wrong_with_it() {
    let server = Server::start(&["--demo"]).await;
    let nowhere = json!({"subscriptions": [{"room": "demo"}, {"room": "nowhere"}]});
    let malformed = json!({"subscriptions": [{"room": "demo", "since": "yesterday"}]});
    let deep: Value = (0..33).fold(json!([]), |inner, _| json!([inner]));
    for (body, status, code, field) in [
        (nowhere, 404, "unknown_room", "/subscriptions/1/room"),
        (malformed, 400, "bad_request", "/subscriptions/0/since"),
        (json!({"subscriptions": deep}), 400, "bad_request", ""),
        (json!({"waitMs": 1, "rooms": []}), 400, "bad_request", "/rooms"),
    ] {
        let answer = post(&server, &body).await;
        let error = read(&answer)["error"].clone();
        let told = (answer.status, error["code"].as_str(), error["field"].as_str());
        assert_eq!(told, (status, Some(code), Some(field)), "{error}");
    }
    let long = post(&server, &json!({"waitMs": "1".repeat(70_000)})).await;
    assert_eq!((long.status, read(&long)["error"]["code"].as_str()), (413, Some("too_large")));
    for (query, status, field) in [
        ("room=nowhere", 404, "room"),
        ("room=demo&since=yesterday", 400, "since"),
        ("room=demo&waitMs=30001", 400, "waitMs"),
    ] {
        let answer = get(&server, &format!("/api/poll?{query}")).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(read(&answer)["error"]["field"], field, "{query}");
    }
}

#[tokio::test]
async fn server_sent_events_begin_with_what_is_kept_and_end_with_the_server() {
    let mut server = Server::start(&["--demo"]).await;
    let host = format!("Host: 127.0.0.1:{}", server.port());
    let line = "GET /api/events?room=demo&types=service:status";
    let mut stream = Opened::new(server.port(), line, &[&host], "").await;
    stream.read_until("`ready`", |text| text.contains("event: ready")).await;
    assert!(server.terminate().await.success());
    let answer = stream.read_until("end", |_| false).await;
    assert_eq!((answer.status, answer.header("Content-Type")), (200, Some("text/event-stream")));
    let events: Vec<_> =
        answer.body.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!((events.first(), events.last()), (Some(&"subscribed"), Some(&"closing")));
    assert!(answer.body.contains("\nretry: "), "{}", answer.body);
}

#[tokio::test]
async fn a_stream_that_cannot_be_had_says_what_is_wrong() {
    let server = Server::start(&["--demo"]).await;
    for (query, headers, status, field) in [
        ("room=nowhere", None, 404, "room"),
        ("room=demo&waitMs=1", None, 400, "waitMs"),
        ("room=demo", Some("Last-Event-ID: yesterday"), 400, "Last-Event-ID"),
    ] {
        let host = format!("Host: 127.0.0.1:{}", server.port());
        let headers: Vec<_> = std::iter::once(host.as_str()).chain(headers).collect();
        let line = format!("GET /api/events?{query}");
        let answer = wire::request(server.port(), &line, &headers, "").await;
        assert_eq!((answer.status, &read(&answer)["error"]["field"]), (status, &json!(field)));
    }
}
