//! A malformed frame is answered with an error and costs nothing else.

use nself_tests::server::Server;
use nself_tests::socket::Socket;
use serde_json::json;

#[tokio::test]
async fn a_malformed_frame_is_told_and_the_connection_lives() {
    let server = Server::start(&["--demo"]).await;
    let mut socket = Socket::open(&server).await;
    assert_eq!(socket.next("welcome").await["data"]["protocol"], 1);
    let malformed = [
        ("not json", "invalid_frame"),
        (r#"{"type":"ping""#, "invalid_frame"),
        ("[]", "invalid_frame"),
        ("{}", "bad_request"),
        (r#"{"type":5}"#, "bad_request"),
        (r#"{"type":"ping","surplus":true}"#, "bad_request"),
    ];
    for (id, (text, code)) in malformed.into_iter().enumerate() {
        socket.send(text).await;
        let error = socket.next("error").await;
        assert_eq!(error["data"]["code"], code, "{text}: {error}");
        socket.send(&json!({ "type": "ping", "id": 100 + id }).to_string()).await;
        assert_eq!(socket.next("pong").await["id"], 100 + id, "after {text}");
    }
}

#[tokio::test]
async fn a_frame_of_unknown_type_is_told_as_such() {
    let server = Server::start(&["--demo"]).await;
    let mut socket = Socket::open(&server).await;
    socket.send(r#"{"type":"no-such-frame","id":3}"#).await;
    let error = socket.next("error").await;
    assert_eq!(error["data"]["code"], "unknown_type", "{error}");
}

#[tokio::test]
async fn an_unknown_room_is_told_with_the_request() {
    let server = Server::start(&["--demo"]).await;
    let mut socket = Socket::open(&server).await;
    socket.send(r#"{"type":"subscribe","id":9,"room":"nowhere"}"#).await;
    let error = socket.next("error").await;
    assert_eq!((&error["id"], &error["data"]["code"]), (&json!(9), &json!("unknown_room")));
}
