//! What browsers and proxies are told beside the answer itself: what they may keep, and under which names.

use nself_tests::server::Server;
use nself_tests::visitor::Visitor;
use nself_tests::wire::{self, Answer};

async fn ask(server: &Server, line: &str, headers: &[&str]) -> Answer {
    let host = format!("Host: 127.0.0.1:{}", server.port());
    let headers: Vec<&str> = std::iter::once(&*host).chain(headers.iter().copied()).collect();
    wire::request(server.port(), line, &headers, "").await
}

#[tokio::test]
async fn the_page_is_asked_for_again_and_its_files_are_kept() {
    let server = Server::start(&["--demo"]).await;
    let page = ask(&server, "GET /", &[]).await;
    assert_eq!(page.header("Cache-Control"), Some("no-cache"));
    let known = format!("If-None-Match: {}", page.header("ETag").unwrap());
    let again = ask(&server, "GET /monitor", &[&known]).await;
    assert_eq!((again.status, &*again.body), (304, ""), "one page at all its addresses");
    assert_eq!(ask(&server, "GET /", &["If-None-Match: \"another\""]).await.status, 200);

    let (_, file) = page.body.split_once("src=\"/assets/").unwrap();
    let (file, _) = file.split_once('"').unwrap();
    let script = ask(&server, &format!("GET /assets/{file}"), &[]).await;
    assert_eq!(script.header("Cache-Control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(script.header("Content-Type"), Some("text/javascript; charset=utf-8"));
    let (_, name) = file.split_once('/').unwrap();
    assert_eq!(ask(&server, &format!("GET /assets/0/{name}"), &[]).await.status, 404);

    let head = ask(&server, &format!("HEAD /assets/{file}"), &[]).await;
    assert_eq!((head.status, &*head.body), (200, ""));
    assert_eq!(head.header("Content-Length"), script.header("Content-Length"));
}

#[tokio::test]
async fn a_public_name_is_one_of_ours_with_its_scheme_and_no_other() {
    let server = Server::with_sign_in(&["--demo", "--public-url", "https://admin.example"]).await;
    let asked = async |host: &str, origin: &str| {
        let json = ["Content-Type: application/json", "Content-Length: 13"];
        let headers: Vec<&str> = [host, origin].into_iter().chain(json).collect();
        wire::request(server.port(), "POST /api/bootstrap", &headers, r#"{"token":"a"}"#).await
    };
    let (host, origin) = ("Host: admin.example", "Origin: https://admin.example");
    assert_eq!(asked(host, origin).await.status, 401, "the guess is looked at");
    assert_eq!(asked(host, "Origin: http://admin.example").await.status, 403);
    assert_eq!(asked("Host: other.example", origin).await.status, 421);

    let link = server.command(&["login-link"], "");
    let (page, token) = link.trim().split_once("/sign-in#token=").unwrap();
    assert_eq!(page, "https://admin.example", "links lead to where browsers reach it");
    let body = format!("{{\"token\":\"{token}\"}}");
    let length = format!("Content-Length: {}", body.len());
    let headers = [host, origin, "Content-Type: application/json", &length];
    let signed_in = wire::request(server.port(), "POST /api/bootstrap", &headers, &body).await;
    let cookie = signed_in.header("Set-Cookie").unwrap();
    assert!(cookie.starts_with("__Host-nself-session="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
}

#[tokio::test]
async fn only_a_trusted_proxy_says_who_guesses() {
    for (trusted, of_another) in [("127.0.0.1", 401), ("192.0.2.1", 429)] {
        let server = Server::with_sign_in(&["--demo", "--trusted-proxy", trusted]).await;
        let host = format!("Host: 127.0.0.1:{}", server.port());
        let origin = format!("Origin: http://127.0.0.1:{}", server.port());
        let guess = async |client: &str| {
            let client = format!("X-Forwarded-For: {client}");
            let json = ["Content-Type: application/json", "Content-Length: 13"];
            let headers: Vec<&str> = [&*host, &*origin, &*client].into_iter().chain(json).collect();
            wire::request(server.port(), "POST /api/bootstrap", &headers, r#"{"token":"a"}"#).await
        };
        for _ in 0..5 {
            assert_eq!(guess("198.51.100.1").await.status, 401);
        }
        assert_eq!(guess("198.51.100.1").await.status, 429);
        assert_eq!(guess("198.51.100.2").await.status, of_another, "{trusted} is trusted");
    }
}

#[tokio::test]
async fn a_token_in_an_address_is_refused_and_not_logged() {
    let server = Server::with_environment(&["--demo"], &[("RUST_LOG", "trace")]).await;
    let answer = Visitor::nobody(&server).get("/api/session?token=nself_secret").await;
    assert_eq!(answer.status, 400);
    assert!(server.printed().contains("path=\"/api/session\""), "{}", server.printed());
    assert!(!server.printed().contains("nself_secret"), "{}", server.printed());
}
