//! `/api/build`: what it answers, byte by byte.

use std::time::Duration;

use nself_tests::server::Server;
use nself_tests::wait;
use nself_tests::wire::{self, Answer};
use serde_json::Value;

async fn ask(server: &Server, line: &str) -> (Answer, Value) {
    let host = format!("Host: 127.0.0.1:{}", server.port());
    let origin = format!("Origin: http://127.0.0.1:{}", server.port());
    let (json, length) = ("Content-Type: application/json", "Content-Length: 2");
    let answer = if line.starts_with("GET") {
        wire::request(server.port(), line, &[&host], "").await
    } else {
        wire::request(server.port(), line, &[&host, &origin, json, length], "{}").await
    };
    let value = serde_json::from_str(&answer.body).unwrap_or_default();
    (answer, value)
}

/// A server whose engine is nowhere, for the project of a folder.
async fn with_project(compose: &str, more: &[&str]) -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("compose.yaml"), compose).unwrap();
    let path = folder.path().to_str().unwrap();
    let engine = format!("unix://{path}/nowhere.sock");
    let arguments = [&["--docker-host", &engine, "--project", path], more].concat();
    let server = Server::start(&arguments).await;
    (server, folder)
}

#[tokio::test]
async fn a_build_is_begun_looked_at_and_cancelled() {
    let server = Server::start(&["--demo"]).await;
    assert!(server.printed().contains("project  bakery in "), "{}", server.printed());
    let (answer, begun) = ask(&server, "POST /api/build").await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let id = begun["buildId"].as_str().unwrap();
    let (answer, refused) = ask(&server, "POST /api/build").await;
    assert_eq!((answer.status, &refused["error"]["code"]), (409, &"conflict".into()));
    assert_eq!(refused["error"]["details"]["buildId"], id);

    let one = format!("GET /api/build/{id}");
    let until = async |holds: fn(&Value) -> bool| {
        wait::until("the build to get there", Duration::from_mins(1), async || {
            let (_, report) = ask(&server, &one).await;
            if holds(&report) { Ok(report) } else { Err(report.to_string()) }
        })
        .await
    };
    let report = until(|report| report["logs"].as_array().is_some_and(|logs| logs.len() > 4)).await;
    assert_eq!((&report["buildId"], &report["totalSteps"]), (&id.into(), &6.into()));
    assert_eq!(report["steps"][0]["status"], "complete");
    let (_, all) = ask(&server, "GET /api/build").await;
    assert_eq!(all["builds"][0]["buildId"], id);
    assert_eq!(all["builds"][0]["logs"], Value::Array(Vec::new()));

    let (answer, _) = ask(&server, &format!("DELETE /api/build/{id}")).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let report = until(|report| report["status"] == "cancelled").await;
    assert!(report["made"].as_array().is_some_and(|made| !made.is_empty()), "{report}");
    for line in ["GET /api/build/none", "DELETE /api/build/none"] {
        let (answer, refused) = ask(&server, line).await;
        assert_eq!(
            (answer.status, &refused["error"]["code"]),
            (404, &"not_found".into()),
            "{line}"
        );
    }
    let (answer, _) = ask(&server, "DELETE /api/build").await;
    assert_eq!((answer.status, answer.header("Allow")), (405, Some("POST, GET, HEAD")));
}

#[tokio::test]
async fn a_project_that_is_not_valid_makes_a_build_that_fails_in_its_first_step() {
    let (server, _folder) = with_project("name: odd\nservices: { web: { imige: x } }\n", &[]).await;
    let (answer, begun) = ask(&server, "POST /api/build").await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let one = format!("GET /api/build/{}", begun["buildId"].as_str().unwrap());
    let report = wait::until("the build to end", Duration::from_mins(1), async || {
        let (_, report) = ask(&server, &one).await;
        if report["status"] == "failed" { Ok(report) } else { Err(report.to_string()) }
    })
    .await;
    let error = report["error"].as_str().unwrap();
    assert!(error.starts_with("Validating configuration: compose.yaml:2:"), "{error}");
    assert!(error.contains("services.web.imige"), "{error}");
    assert_eq!(report["currentStep"], 1);
}

#[tokio::test]
async fn what_is_not_allowed_is_refused_and_an_engine_that_is_away_is_told() {
    let privileged = "name: odd\nservices: { web: { image: x, privileged: true } }\n";
    let (server, _folder) = with_project(privileged, &[]).await;
    let (answer, refused) = ask(&server, "POST /api/build").await;
    assert_eq!(
        (answer.status, &refused["error"]["code"]),
        (422, &"policy".into()),
        "{}",
        answer.body
    );
    assert!(refused["error"]["message"].as_str().unwrap().contains("services.web.privileged"));
    let (server, _folder) = with_project(privileged, &["--allow", "privileged"]).await;
    let (answer, refused) = ask(&server, "POST /api/build").await;
    assert_eq!((answer.status, &refused["error"]["code"]), (503, &"engine_offline".into()));
}

#[tokio::test]
async fn without_a_project_there_is_nothing_to_build() {
    let engine = "unix:///nowhere/engine.sock";
    let server = Server::start(&["--docker-host", engine]).await;
    for line in ["POST /api/build", "GET /api/build", "GET /api/build/x", "DELETE /api/build/x"] {
        let (answer, refused) = ask(&server, line).await;
        assert_eq!(
            (answer.status, &refused["error"]["code"]),
            (404, &"not_found".into()),
            "{line}"
        );
    }
}
