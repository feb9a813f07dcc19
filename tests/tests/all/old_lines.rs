//! Old lines of a log over HTTP, as JSON and as a file.

use nself_tests::server::Server;
use nself_tests::wire::{self, Answer};
use serde_json::Value;

async fn get(server: &Server, path: &str) -> Answer {
    let host = format!("Host: 127.0.0.1:{}", server.port());
    wire::request(server.port(), &format!("GET {path}"), &[&host], "").await
}

#[tokio::test]
async fn old_lines_are_read_as_json_and_as_a_file() {
    let server = Server::start(&["--demo"]).await;
    let logs = "/api/services/demo/nginx/logs";
    let answer = get(&server, &format!("{logs}?tail=7")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let found: Value = serde_json::from_str(&answer.body).unwrap();
    let lines = found["lines"].as_array().unwrap();
    assert_eq!((lines.len(), &found["complete"]), (7, &Value::Bool(false)));
    for line in lines {
        assert_eq!((&line["kind"], &line["service"]), (&"line".into(), &"nginx".into()));
        assert!(line["containerId"].is_string() && line["time"].is_string(), "{line}");
    }
    let (since, until) = (lines[2]["time"].as_str().unwrap(), lines[4]["time"].as_str().unwrap());
    let file = get(&server, &format!("{logs}?since={since}&until={until}&format=text")).await;
    let expected: Vec<String> = lines[2..=4]
        .iter()
        .map(|line| {
            format!("{} {}", line["time"].as_str().unwrap(), line["line"].as_str().unwrap())
        })
        .collect();
    assert_eq!(file.body.lines().collect::<Vec<_>>(), expected);
    assert_eq!(file.header("content-type"), Some("text/plain; charset=utf-8"));
    let name = "attachment; filename=\"demo-nginx.log\"";
    assert_eq!(file.header("content-disposition"), Some(name));
}

#[tokio::test]
async fn wrong_questions_are_refused_by_name() {
    let server = Server::start(&["--demo"]).await;
    for (path, status, field) in [
        ("/api/services/demo/nobody/logs", 404, None),
        ("/api/services/demo/nginx/logs?tail=many", 400, Some("/tail")),
        ("/api/services/demo/nginx/logs?colour=red", 400, Some("/colour")),
    ] {
        let answer = get(&server, path).await;
        assert_eq!(answer.status, status, "{path}");
        let refusal: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(refusal["error"]["field"].as_str(), field, "{path}");
    }
}
