//! The page behind a network that fails: what its badge tells, and that nothing is lost or comes twice.

use std::time::Duration;

use nself_tests::browser::Browser;
use nself_tests::fault_proxy::{Fault, FaultProxy};
use nself_tests::missing::{Need, can_run};
use nself_tests::page::Page;
use nself_tests::server::Server;
use nself_tests::{wait, wire};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(1);

/// A demo with a proxy before it, and a browser that goes through the proxy.
struct Scene {
    server: Server,
    proxy: FaultProxy,
    browser: Browser,
}

impl Scene {
    async fn stand() -> Option<Self> {
        if !can_run(&[Need::Browser]) {
            return None;
        }
        let server = Server::start(&["--demo"]).await;
        let proxy = FaultProxy::start(server.port()).await;
        let browser = Browser::start_behind(server.port(), proxy.port()).await;
        Some(Self { server, proxy, browser })
    }

    async fn open(&self, path: &str) -> Page<'_> {
        Page::open(&self.browser, &self.url(path)).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.server.port())
    }

    /// What the server keeps of a log, as the page writes lines.
    async fn kept_lines(&self, service: &str) -> Vec<String> {
        let line = format!("GET /api/poll?room=demo&types=logs:stream&keys={service}&tail=2000");
        let host = format!("Host: localhost:{}", self.server.port());
        let answer = wire::request(self.server.port(), &line, &[&host], "").await;
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        let events = answer.pointer("/rooms/0/snapshot").and_then(Value::as_array).unwrap();
        let text = |event: &Value, name: &str| {
            event.pointer(&format!("/data/{name}")).and_then(Value::as_str).unwrap().to_owned()
        };
        let lines =
            events.iter().filter(|event| event.pointer("/data/kind") == Some(&Value::from("line")));
        lines
            .map(|event| format!("{} {}", text(event, "time"), plain(&text(event, "line"))))
            .collect()
    }
}

/// A line without its colours.
fn plain(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once(|end: char| end.is_ascii_alphabetic()).map_or("", |(_, rest)| rest);
    }
    plain + rest
}

#[tokio::test]
async fn while_the_socket_is_blocked_the_page_polls_and_no_line_is_lost_or_comes_twice() {
    let Some(scene) = Scene::stand().await else { return };
    let page = scene.open("/logs/demo/nginx").await;
    page.mark().await;
    page.record("badge", "#connection", "data-color").await;
    page.holds_lines(page.held_lines().await + 3).await;

    scene.proxy.set(Fault::NoUpgrade);
    scene.proxy.cut();
    page.badge_is("yellow", "reconnecting").await;
    page.badge_is("red", "polling").await;
    assert_eq!(page.text("#connection").await, "Offline · polling");
    scene.browser.screenshot("polling").await;
    page.holds_lines(page.held_lines().await + 5).await;
    assert_eq!(page.text("#connection").await, "Offline · polling");

    scene.proxy.set(Fault::None);
    page.badge_is("green", "live").await;
    let polls = polls(&page).await;
    page.holds_lines(page.held_lines().await + 3).await;
    assert_eq!(self::polls(&page).await, polls, "with a live socket nobody polls");

    let shown = page.copied_lines().await;
    let kept = scene.kept_lines("nginx").await;
    let until =
        kept.iter().position(|line| Some(line) == shown.last()).expect("the last line is kept");
    assert_eq!(shown, kept.get(..=until).unwrap(), "each line once, in its order");
    assert!(shown.len() > 20, "{}", shown.len());
    assert_eq!(page.recorded("badge").await, ["green", "yellow", "red", "green"]);
    assert!(page.is_marked().await, "the page was not reloaded");
    scene.browser.close().await;
}

#[tokio::test]
async fn where_no_socket_ever_gets_through_services_are_stopped_all_the_same() {
    let Some(scene) = Scene::stand().await else { return };
    scene.proxy.set(Fault::NoUpgrade);
    scene.browser.open(&scene.url("/")).await;
    let page = Page::at(&scene.browser);
    page.badge_is("red", "polling").await;
    page.click("demo", "redis", "stop").await;
    page.status_is("demo", "redis", "stopped").await;
    scene.browser.close().await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_any_more_is_found_dead_when_the_network_changes() {
    let Some(scene) = Scene::stand().await else { return };
    let page = scene.open("/").await;
    page.first_project().await;
    scene.proxy.set(Fault::Vanish);
    scene.browser.run("dispatchEvent(new Event('online'))").await;
    page.badge_is("yellow", "reconnecting").await;
    page.badge_is("red", "unreachable").await;
    assert_eq!(page.text("#connection").await, "Offline · server unreachable");
    let told = "document.querySelector('.as-of')?.textContent.startsWith('as of ')";
    scene.browser.wait_until("how old the cards are", PATIENCE, told).await;
    scene.proxy.set(Fault::None);
    scene.proxy.cut();
    page.badge_is("green", "live").await;
    scene.browser.close().await;
}

#[tokio::test]
async fn a_cut_connection_is_back_within_its_first_attempt_and_holds_what_the_server_keeps() {
    let Some(scene) = Scene::stand().await else { return };
    let page = scene.open("/logs/demo/nginx").await;
    for _ in 0..3 {
        page.holds_lines(page.held_lines().await + 2).await;
        let accepted = scene.proxy.accepted();
        scene.proxy.cut();
        page.badge_is("yellow", "reconnecting").await;
        page.badge_is("green", "live").await;
        wait::until("a new connection", PATIENCE, async || {
            let now = scene.proxy.accepted();
            (now > accepted).then_some(()).ok_or_else(|| now.to_string())
        })
        .await;
    }
    page.holds_lines(page.held_lines().await + 2).await;
    let shown = page.copied_lines().await;
    let kept = scene.kept_lines("nginx").await;
    let until =
        kept.iter().position(|line| Some(line) == shown.last()).expect("the last line is kept");
    assert_eq!(shown, kept.get(..=until).unwrap(), "each line once, in its order");
    scene.browser.close().await;
}

async fn polls(page: &Page<'_>) -> usize {
    let polls =
        page.requests().await.into_iter().filter(|address| address.ends_with("/api/poll")).count();
    assert!(polls > 0, "it has polled");
    polls
}
