use std::sync::Arc;

use http::Request;
use nself_realtime::Name;
use nself_realtime::clock::{Clock, SystemClock};

use super::*;
use crate::access::{Lifetimes, Role};
use crate::state::{StateDir, links, tokens};

const HOST: &str = "127.0.0.1:3021";
const OWN: &str = "http://127.0.0.1:3021";
const JSON: (&str, &str) = ("content-type", "application/json");
const START: &str = "/api/services/shop/web/start";

fn guard(read_only: bool) -> Guard {
    let sites = Sites::new(Scheme::Http, HOST.parse().unwrap(), &[]);
    Guard { sites, trusted_proxies: Vec::new(), read_only }
}

fn state() -> (tempfile::TempDir, StateDir) {
    let parent = tempfile::tempdir().unwrap();
    let dir = StateDir::open(parent.path().to_owned()).unwrap();
    (parent, dir)
}

type Outcome = Result<Granted, (u16, &'static str)>;

fn ask(
    guard: &Guard,
    access: &Access,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> Outcome {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let peer = Peer { remote: "127.0.0.1:9".parse().unwrap(), local: HOST.parse().unwrap() };
    let answer = guard.check(&Routes::new(), access, &parts, &peer);
    answer.map_err(|refusal| (refusal.status.as_u16(), refusal.code))
}

/// Where nobody has to sign in.
fn check(method: &str, target: &str, headers: &[(&str, &str)]) -> Outcome {
    let (_parent, dir) = state();
    let access = Access::open(dir, Arc::new(SystemClock));
    ask(&guard(false), &access, method, target, headers)
}

fn refused(method: &str, target: &str, headers: &[(&str, &str)]) -> (u16, &'static str) {
    check(method, target, headers).unwrap_err()
}

#[test]
fn the_host_must_be_one_and_ours() {
    for host in ["127.0.0.1:3021", "localhost:3021", "LOCALHOST:3021", "[::1]:3021"] {
        assert!(check("GET", "/", &[("host", host)]).is_ok(), "{host}");
    }
    for host in ["localhost", "localhost:3022", "evil.example:3021", "127.0.0.1.evil:3021", ""] {
        assert_eq!(refused("GET", "/", &[("host", host)]), (421, "wrong_host"), "{host}");
    }
    assert_eq!(refused("GET", "/", &[]), (400, "bad_request"));
    assert_eq!(refused("GET", "/", &[("host", HOST), ("host", HOST)]), (400, "bad_request"));
    let elsewhere = refused("GET", "http://evil.example/", &[("host", HOST)]);
    assert_eq!(elsewhere, (400, "bad_request"));
}

#[test]
fn the_origin_must_be_ours_where_it_matters() {
    let host = ("host", HOST);
    assert!(check("GET", "/api/session", &[host]).is_ok());
    assert!(check("GET", "/api/ws", &[host, ("origin", OWN)]).is_ok());
    assert_eq!(refused("GET", "/api/ws", &[host]), (403, "forbidden"));
    for origin in ["null", "https://127.0.0.1:3021", "http://localhost", "http://127.0.0.1:3022"] {
        for target in ["/api/ws", "/api/session"] {
            assert_eq!(refused("GET", target, &[host, ("origin", origin)]).0, 403, "{origin}");
        }
    }
    let twice = [host, ("origin", OWN), ("origin", OWN)];
    assert_eq!(refused("GET", "/api/ws", &twice).0, 403);
    assert_eq!(refused("POST", START, &[host]).0, 403);
    assert!(check("POST", START, &[host, ("origin", OWN), JSON]).is_ok());
}

#[test]
fn other_sites_may_link_to_pages_and_nothing_else() {
    let (host, cross) = (("host", HOST), ("sec-fetch-site", "cross-site"));
    let navigate = ("sec-fetch-mode", "navigate");
    assert!(check("GET", "/", &[host, cross, navigate]).is_ok());
    assert_eq!(refused("GET", "/", &[host, cross]).0, 403);
    assert_eq!(refused("GET", "/api/session", &[host, cross, navigate]).0, 403);
    let same_site = ("sec-fetch-site", "same-site");
    assert_eq!(refused("GET", "/api/session", &[host, same_site]).0, 403);
}

#[test]
fn checks_come_in_their_order() {
    let (_parent, dir) = state();
    let access = Access::new(dir, Arc::new(SystemClock), Lifetimes::default()).unwrap();
    let guard = guard(true);
    // Each line mends the first thing that is wrong with the line before.
    let long = ("content-length", "65537");
    let (host, own) = (("host", HOST), ("origin", OWN));
    let refused =
        |method, target, headers: &[_]| ask(&guard, &access, method, target, headers).unwrap_err();
    assert_eq!(refused("POST", "/nowhere?t%6Fken=1", &[long]).0, 400);
    assert_eq!(refused("POST", "/nowhere?t%6Fken=1", &[("host", "evil.example"), long]).0, 421);
    assert_eq!(refused("POST", "/nowhere?t%6Fken=1", &[host, long]), (400, "bad_request"));
    assert_eq!(refused("POST", "/nowhere", &[host, long]), (403, "forbidden"));
    assert_eq!(refused("POST", "/nowhere", &[host, own, long]), (404, "not_found"));
    assert_eq!(refused("PUT", START, &[host, own, long]), (405, "method_not_allowed"));
    assert_eq!(refused("POST", START, &[host, own, long]), (401, "unauthorized"));
    let viewer = sign_in(&access, Role::Viewer);
    assert_eq!(refused("POST", START, &[host, own, long, ("cookie", &viewer)]), (403, "forbidden"));
    let admin = sign_in(&access, Role::Admin);
    let signed_in = ("cookie", &*admin);
    assert_eq!(refused("POST", START, &[host, own, long, signed_in]), (403, "read_only"));
    let logout = "/api/logout";
    assert_eq!(refused("POST", logout, &[host, own, long, signed_in]), (415, "unsupported"));
    let zipped = ("content-encoding", "gzip");
    assert_eq!(refused("POST", logout, &[host, own, long, signed_in, JSON, zipped]).0, 415);
    assert_eq!(refused("POST", logout, &[host, own, long, signed_in, JSON]), (413, "too_large"));
    assert!(ask(&guard, &access, "POST", logout, &[host, own, signed_in, JSON]).is_ok());
}

#[test]
fn a_token_stands_for_an_origin_and_a_cookie_beside_it_counts_for_nothing() {
    let (_parent, dir) = state();
    let clock = SystemClock;
    let name = Name::new("ci").unwrap();
    let token = tokens::create(&dir, clock.timestamp(), name, Role::Operator).unwrap();
    let access = Access::new(dir, Arc::new(clock), Lifetimes::default()).unwrap();
    let guard = guard(false);
    let bearer = format!("Bearer {}", token.reveal());
    let (host, bearer) = (("host", HOST), ("authorization", &*bearer));
    let granted = ask(&guard, &access, "POST", START, &[host, bearer, JSON]).unwrap();
    assert_eq!(granted.caller().unwrap().seat.user().as_str(), "ci");
    let foreign = [host, bearer, JSON, ("origin", "http://evil.example")];
    assert_eq!(ask(&guard, &access, "POST", START, &foreign).unwrap_err().0, 403);
    let cookie = sign_in(&access, Role::Admin);
    let wrong = [host, ("authorization", "Bearer nself_0"), ("cookie", &*cookie), JSON];
    assert_eq!(ask(&guard, &access, "POST", START, &wrong).unwrap_err().0, 401);
    assert!(ask(&guard, &access, "GET", "/api/ws", &[host, bearer]).is_ok());
}

/// Somebody who is signed in with that role: their cookie.
fn sign_in(access: &Access, role: Role) -> String {
    let link = links::make(access.dir(), SystemClock.timestamp(), role).unwrap();
    let here = "127.0.0.1".parse().unwrap();
    let (secret, _) = access.follow_link(here, link.reveal()).unwrap();
    format!("nself-session-3021={}", secret.reveal())
}

/// Every route with the answers to nobody, a viewer, an operator and an admin: 0 where a handler is called.
/// The last column is what an operator and an admin are told by a server that is read-only.
const MATRIX: &[(&str, &str, [u16; 4], u16)] = &[
    ("GET", "/", [0, 0, 0, 0], 0),
    ("GET", "/build", [0, 0, 0, 0], 0),
    ("GET", "/logs/shop/web", [0, 0, 0, 0], 0),
    ("GET", "/monitor", [0, 0, 0, 0], 0),
    ("GET", "/sign-in", [0, 0, 0, 0], 0),
    ("GET", "/assets/0/app.js", [0, 0, 0, 0], 0),
    ("GET", "/favicon.svg", [0, 0, 0, 0], 0),
    ("GET", "/healthz", [0, 0, 0, 0], 0),
    ("GET", "/readyz", [0, 0, 0, 0], 0),
    ("GET", "/metrics", [401, 0, 0, 0], 0),
    ("POST", "/api/login", [0, 0, 0, 0], 0),
    ("POST", "/api/bootstrap", [0, 0, 0, 0], 0),
    ("POST", "/api/logout", [401, 0, 0, 0], 0),
    ("GET", "/api/session", [401, 0, 0, 0], 0),
    ("POST", "/api/session/renew", [401, 0, 0, 0], 0),
    ("GET", "/api/ws", [401, 0, 0, 0], 0),
    ("GET", "/api/events", [401, 0, 0, 0], 0),
    ("GET", "/api/poll", [401, 0, 0, 0], 0),
    ("POST", "/api/poll", [401, 0, 0, 0], 0),
    ("GET", "/api/rooms", [401, 0, 0, 0], 0),
    ("GET", "/api/services", [401, 0, 0, 0], 0),
    ("GET", "/api/services/shop/web", [401, 0, 0, 0], 0),
    ("POST", "/api/services/shop/web/start", [401, 403, 0, 0], 403),
    ("POST", "/api/services/shop/web/stop", [401, 403, 0, 0], 403),
    ("POST", "/api/services/shop/web/restart", [401, 403, 0, 0], 403),
    ("GET", "/api/services/shop/web/logs", [401, 0, 0, 0], 0),
    ("POST", "/api/projects/shop/start", [401, 403, 0, 0], 403),
    ("POST", "/api/projects/shop/stop", [401, 403, 0, 0], 403),
    ("POST", "/api/projects/shop/restart", [401, 403, 0, 0], 403),
    ("GET", "/api/stats", [401, 0, 0, 0], 0),
    ("POST", "/api/build", [401, 403, 0, 0], 403),
    ("GET", "/api/build", [401, 0, 0, 0], 0),
    ("GET", "/api/build/b1", [401, 0, 0, 0], 0),
    ("DELETE", "/api/build/b1", [401, 403, 0, 0], 403),
];

#[test]
fn every_route_answers_each_role_as_the_table_says() {
    let (_parent, dir) = state();
    let access = Access::new(dir, Arc::new(SystemClock), Lifetimes::default()).unwrap();
    let cookies: Vec<_> = [Role::Viewer, Role::Operator, Role::Admin]
        .into_iter()
        .map(|role| Some(sign_in(&access, role)))
        .collect();
    let callers: Vec<_> = std::iter::once(None).chain(cookies).collect();
    for (method, target, open, read_only) in MATRIX {
        for (index, cookie) in callers.iter().enumerate() {
            let mut headers = vec![("host", HOST), ("origin", OWN), JSON];
            headers.extend(cookie.as_deref().map(|cookie| ("cookie", cookie)));
            for mode in [false, true] {
                let answer = ask(&guard(mode), &access, method, target, &headers);
                let status = answer.map_or_else(|(status, _)| status, |_| 0);
                let expected = if mode && index >= 2 { *read_only } else { open[index] };
                assert_eq!(status, expected, "{method} {target} {index} read-only {mode}");
            }
        }
    }
}

#[test]
fn the_matrix_has_every_route() {
    let routes = Routes::new();
    for entry in super::super::table::TABLE {
        let asked = MATRIX.iter().any(|(method, target, ..)| {
            let found = routes.find(target).and_then(|found| found.with_method(method));
            found.is_some_and(|found| std::ptr::eq(found, entry))
        });
        assert!(asked, "{entry}");
    }
}
