//! Who may ask: the Host and Origin rules, each with its exact status, as bytes on a socket.

use nself_tests::server::Server;
use nself_tests::wire::{self, Answer};

const UPGRADE: [&str; 4] = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];
const JSON: &str = "Content-Type: application/json";
const NOBODY: &str = "POST /api/services/nowhere/nobody/start";

/// A server, and requests to it in which `PORT` stands for its port.
struct Asked {
    server: Server,
}

impl Asked {
    async fn start() -> Self {
        Self { server: Server::start(&["--demo"]).await }
    }

    async fn answer(&self, line: &str, headers: &[&str]) -> Answer {
        let port = self.server.port().to_string();
        let headers: Vec<_> = headers.iter().map(|header| header.replace("PORT", &port)).collect();
        let length = "Content-Length: 2".to_owned();
        let (body, headers) = if line.starts_with("POST") {
            ("{}", headers.into_iter().chain([length]).collect())
        } else {
            ("", headers)
        };
        let headers: Vec<_> = headers.iter().map(String::as_str).collect();
        wire::request(self.server.port(), &line.replace("PORT", &port), &headers, body).await
    }

    /// Asks each of the requests and compares the status.
    async fn expects(&self, table: &[(u16, &str, &[&str])]) {
        for (status, line, headers) in table {
            let answer = self.answer(line, headers).await;
            assert_eq!(answer.status, *status, "{line} {headers:?}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn only_our_own_names_are_answered() {
    let asked = Asked::start().await;
    asked
        .expects(&[
            (200, "GET /", &["Host: 127.0.0.1:PORT"]),
            (200, "GET /", &["Host: localhost:PORT"]),
            (200, "GET /", &["Host: LocalHost:PORT"]),
            (200, "GET /", &["Host: [::1]:PORT"]),
            (421, "GET /", &["Host: rebound.example:PORT"]),
            (421, "GET /", &["Host: rebound.example"]),
            (421, "GET /", &["Host: localhost"]),
            (421, "GET /", &["Host: localhost:1"]),
            (421, "GET /", &["Host: localhost.:PORT"]),
            (421, "GET /healthz", &["Host: rebound.example:PORT"]),
            (421, "GET /favicon.svg", &["Host: rebound.example:PORT"]),
            (421, "GET /no/such/route", &["Host: rebound.example:PORT"]),
        ])
        .await;
}

#[tokio::test]
async fn a_request_has_exactly_one_host() {
    let asked = Asked::start().await;
    asked
        .expects(&[
            (400, "GET /", &[]),
            (400, "GET /", &["Host: localhost:PORT", "Host: localhost:PORT"]),
            (400, "GET /", &["Host: localhost:PORT", "Host: rebound.example"]),
            (200, "GET http://localhost:PORT/", &["Host: localhost:PORT"]),
            (400, "GET http://rebound.example/", &["Host: localhost:PORT"]),
            (400, "GET http://localhost:1/", &["Host: localhost:PORT"]),
        ])
        .await;
}

#[tokio::test]
async fn the_socket_opens_for_our_own_pages_only() {
    let asked = Asked::start().await;
    let upgrade = |origin: &'static [&'static str]| {
        ["Host: localhost:PORT"].iter().chain(&UPGRADE).chain(origin).copied().collect::<Vec<_>>()
    };
    for (status, origin) in [
        (101, &["Origin: http://localhost:PORT"][..]),
        (101, &["Origin: http://localhost:PORT", "Sec-Fetch-Site: same-origin"]),
        (403, &[]),
        (403, &["Origin: null"]),
        (403, &["Origin: http://foreign.example"]),
        (403, &["Origin: https://localhost:PORT"]),
        (403, &["Origin: http://localhost:1"]),
        (403, &["Origin: http://localhost"]),
        (403, &["Origin: http://localhost:PORT", "Origin: http://foreign.example"]),
        (403, &["Origin: http://localhost:PORT", "Sec-Fetch-Site: cross-site"]),
        (403, &["Origin: http://localhost:PORT", "Sec-Fetch-Site: same-site"]),
    ] {
        let answer = asked.answer("GET /api/ws", &upgrade(origin)).await;
        assert_eq!(answer.status, status, "{origin:?}: {}", answer.body);
    }
}

#[tokio::test]
async fn the_subprotocol_is_ours_or_none() {
    let asked = Asked::start().await;
    let upgrade = |protocol: &'static str| {
        let own = ["Host: localhost:PORT", "Origin: http://localhost:PORT", protocol];
        UPGRADE.iter().copied().chain(own).collect::<Vec<_>>()
    };
    let ours = asked.answer("GET /api/ws", &upgrade("Sec-WebSocket-Protocol: nself.v1")).await;
    assert_eq!((ours.status, ours.header("Sec-WebSocket-Protocol")), (101, Some("nself.v1")));
    let unknown = asked.answer("GET /api/ws", &upgrade("Sec-WebSocket-Protocol: nself.v9")).await;
    assert_eq!(unknown.status, 400, "{}", unknown.body);
}

#[tokio::test]
async fn changes_are_asked_for_by_our_own_pages_only() {
    let asked = Asked::start().await;
    let host = "Host: localhost:PORT";
    let ours = "Origin: http://localhost:PORT";
    asked
        .expects(&[
            (404, NOBODY, &[host, ours, JSON]),
            (404, NOBODY, &[host, ours, JSON, "Sec-Fetch-Site: same-origin"]),
            (403, NOBODY, &[host, JSON]),
            (403, NOBODY, &[host, JSON, "Origin: null"]),
            (403, NOBODY, &[host, JSON, "Origin: http://foreign.example"]),
            (403, NOBODY, &[host, JSON, "Origin: http://localhost:1"]),
            (403, NOBODY, &[host, ours, JSON, "Sec-Fetch-Site: cross-site"]),
            (403, NOBODY, &[host, ours, JSON, "Sec-Fetch-Site: same-site"]),
            (421, NOBODY, &["Host: rebound.example", "Origin: http://foreign.example"]),
        ])
        .await;
}

#[tokio::test]
async fn reading_needs_no_origin_but_takes_no_foreign_one() {
    let asked = Asked::start().await;
    let host = "Host: localhost:PORT";
    let navigates = "Sec-Fetch-Mode: navigate";
    asked
        .expects(&[
            (200, "GET /api/session", &[host]),
            (200, "GET /api/session", &[host, "Origin: http://localhost:PORT"]),
            (200, "GET /api/session", &[host, "Sec-Fetch-Site: none"]),
            (403, "GET /api/session", &[host, "Origin: null"]),
            (403, "GET /api/session", &[host, "Origin: http://foreign.example"]),
            (403, "GET /api/session", &[host, "Sec-Fetch-Site: cross-site"]),
            (403, "GET /api/session", &[host, "Sec-Fetch-Site: cross-site", navigates]),
            // A link on another site may lead to a page.
            (200, "GET /", &[host, "Sec-Fetch-Site: cross-site", navigates]),
            (403, "GET /", &[host, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"]),
        ])
        .await;
}

#[tokio::test]
async fn route_method_and_content_type_are_checked_in_this_order() {
    let asked = Asked::start().await;
    let host = "Host: localhost:PORT";
    let ours = "Origin: http://localhost:PORT";
    asked
        .expects(&[
            (404, "GET /no/such/route", &[host]),
            (404, "GET /api/no-such-route", &[host]),
            (404, "POST /api/no-such-route", &[host, ours]),
            (403, "POST /api/no-such-route", &[host]),
            (415, NOBODY, &[host, ours]),
            (415, NOBODY, &[host, ours, "Content-Type: text/plain"]),
            (415, NOBODY, &[host, ours, "Content-Type: application/x-www-form-urlencoded"]),
        ])
        .await;
    for (line, allowed) in [
        ("POST /healthz", "GET"),
        ("DELETE /api/session", "GET"),
        (&NOBODY.replace("POST", "GET"), "POST"),
    ] {
        let answer = asked.answer(line, &[host, ours]).await;
        assert_eq!(answer.status, 405, "{line}: {}", answer.body);
        let allow = answer.header("Allow").unwrap_or_default();
        assert!(allow.split(',').any(|method| method.trim() == allowed), "{line}: {allow:?}");
    }
}

#[tokio::test]
async fn a_person_at_an_unknown_address_gets_the_page_and_a_program_gets_json() {
    let asked = Asked::start().await;
    let (host, html) = ("Host: 127.0.0.1:PORT", "Accept: text/html,application/xhtml+xml;q=0.9");
    let own = "Origin: http://127.0.0.1:PORT";
    for (is_page, status, line, headers) in [
        (true, 404, "GET /nowhere", &[host, html][..]),
        (true, 404, "GET /logs/shop", &[host, html]),
        (true, 404, "GET /apiary", &[host, html]),
        (false, 404, "GET /nowhere", &[host]),
        (false, 404, "GET /nowhere", &[host, "Accept: */*"]),
        (false, 404, "GET /api", &[host, html]),
        (false, 404, "GET /api/nowhere", &[host, html]),
        (false, 404, "GET /assets/0/app.js", &[host, html]),
        (false, 404, "POST /nowhere", &[host, html, own, JSON]),
        (false, 405, "POST /monitor", &[host, html, own, JSON]),
        (false, 421, "GET /nowhere", &["Host: rebound.example:PORT", html]),
        (false, 403, "GET /nowhere", &[host, html, "Sec-Fetch-Site: cross-site"]),
    ] {
        let answer = asked.answer(line, headers).await;
        let said = (answer.status, answer.header("Content-Type").unwrap());
        let kind = if is_page { "text/html; charset=utf-8" } else { "application/json" };
        assert_eq!(said, (status, kind), "{line} {headers:?}");
        assert_eq!(answer.body.contains("<main id=\"page\""), is_page, "{line} {headers:?}");
        let policy = answer.header("Content-Security-Policy");
        assert!(policy.is_some_and(|policy| policy.contains("default-src 'none'")));
        assert_eq!(answer.header("ETag"), None, "what is missing is not kept");
    }
}

#[tokio::test]
async fn every_answer_carries_the_same_protection() {
    let asked = Asked { server: Server::with_sign_in(&["--demo"]).await };
    let host = "Host: 127.0.0.1:PORT";
    for (status, line, headers) in [
        (200, "GET /", &[host][..]),
        (200, "GET /favicon.svg", &[host]),
        (200, "GET /healthz", &[host]),
        (200, "HEAD /", &[host]),
        (401, "GET /api/session", &[host]),
        (404, "GET /nowhere", &[host]),
        (405, "POST /", &[host, "Origin: http://127.0.0.1:PORT", JSON]),
        (421, "GET /", &["Host: rebound.example:PORT"]),
        (400, "GET /?token=a", &[host]),
    ] {
        let answer = asked.answer(line, headers).await;
        assert_eq!(answer.status, status, "{line}");
        let told = [
            "Content-Security-Policy",
            "X-Content-Type-Options",
            "Referrer-Policy",
            "Cross-Origin-Opener-Policy",
            "Cross-Origin-Resource-Policy",
        ]
        .map(|name| answer.header(name).unwrap_or_else(|| panic!("{line}: no {name}")));
        assert_eq!(
            told,
            [
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                 connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                 require-trusted-types-for 'script'",
                "nosniff",
                "no-referrer",
                "same-origin",
                "same-origin",
            ],
            "{line}"
        );
        let kept = if line == "GET /favicon.svg" { "public, max-age=86400" } else { "no-store" };
        let kept = if line.ends_with(" /") && status == 200 { "no-cache" } else { kept };
        assert_eq!(answer.header("Cache-Control"), Some(kept), "{line}");
    }
}

#[tokio::test]
async fn a_refusal_says_exactly_what_is_wrong() {
    let asked = Asked { server: Server::with_sign_in(&["--demo"]).await };
    let (host, own) = ("Host: 127.0.0.1:PORT", "Origin: http://127.0.0.1:PORT");
    for (status, line, headers, code, message) in [
        (
            400,
            "GET /",
            &["Host: a", "Host: b"][..],
            "bad_request",
            "exactly one Host header is required",
        ),
        (
            421,
            "GET /",
            &["Host: rebound.example:PORT"],
            "wrong_host",
            "this is http://127.0.0.1:PORT; other names are given with --public-url",
        ),
        (
            400,
            "GET /?token=a",
            &[host],
            "bad_request",
            "tokens do not belong into addresses, which are written down in many places",
        ),
        (
            403,
            "GET /",
            &[host, "Origin: http://foreign.example"],
            "forbidden",
            "requests from other sites are refused",
        ),
        (404, "GET /nowhere", &[host], "not_found", "there is nothing at this address"),
        (
            405,
            "POST /",
            &[host, own, JSON],
            "method_not_allowed",
            "POST is not possible here: GET, HEAD",
        ),
        (401, "GET /api/session", &[host], "unauthorized", "sign in first"),
        (
            415,
            "POST /api/login",
            &[host, own, "Content-Type: text/plain"],
            "unsupported",
            "the body must be application/json, not compressed",
        ),
    ] {
        let answer = asked.answer(line, headers).await;
        assert_eq!(answer.status, status, "{line} {headers:?}");
        let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        let message = message.replace("PORT", &asked.server.port().to_string());
        let said = (&body["error"]["code"], &body["error"]["message"]);
        assert_eq!(said, (&code.into(), &message.into()), "{line} {headers:?}");
        assert_eq!(answer.header("Allow"), (status == 405).then_some("GET, HEAD"));
        assert_eq!(answer.header("WWW-Authenticate"), (status == 401).then_some("Bearer"));
    }
}
