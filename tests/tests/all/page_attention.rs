//! What asks for somebody's attention: notifications and the bell; and what rests while nobody looks.

use std::time::Duration;

use nself_tests::browser::Browser;
use nself_tests::container::Recipe;
use nself_tests::missing::{Need, can_run};
use nself_tests::on_engine::OnEngine;
use nself_tests::page::Page;
use nself_tests::server::Server;

const PATIENCE: Duration = Duration::from_mins(1);

/// Keeps what the page sends over its sockets.
const WATCH_SOCKETS: &str = "
    const sent = window.sent = [];
    window.WebSocket = class extends WebSocket {
      send(text) { sent.push(JSON.parse(text)); super.send(text); }
    };";

/// Keeps what is shown on the desktop.
const WATCH_DESKTOP: &str = "
    const shown = window.shown = [];
    window.Notification = class {
      static permission = 'granted';
      constructor(title) { shown.push(title); }
    };";

#[tokio::test]
async fn a_service_that_fails_is_told_by_a_toast_and_kept_under_the_bell() {
    let Some(on) = OnEngine::stand().await else { return };
    let browser = &on.browser;
    browser.run_before_each_page(WATCH_DESKTOP).await;
    let page = on.open("/").await;
    let script = "trap 'echo last words; exit 3' USR1; while :; do sleep 0.1; done";
    let container = Recipe::shell("attention", "crasher", script).start(&on.docker).await;
    page.status_is("attention", "crasher", "running").await;
    container.signal("USR1").await;
    let toast = page.shows("#alerts .toast").await;
    assert!(toast.contains("crasher"), "{toast}");
    let unread = page.shows("#bell .count").await;
    assert_ne!(unread, "0");
    browser.screenshot("toast").await;

    page.click_on("#bell").await;
    let listed = page.shows("#bell-list .notes").await;
    assert!(listed.contains("crasher"), "{listed}");
    page.hides("#bell .count").await;
    // Its ages go on, and who is at a link stays there.
    browser.run("const note = document.querySelector('#bell-list .notes li'); note.querySelector('a').focus(); window.age = note.querySelector('time').textContent").await;
    let older = "document.querySelector('#bell-list .notes time').textContent !== window.age";
    browser.wait_until("it to be older", PATIENCE, older).await;
    let focused = browser.run("return document.activeElement.matches('#bell-list .notes a')").await;
    assert_eq!(focused, true);
    page.click_on("#alerts .toast [aria-label=Dismiss]").await;
    page.hides("#alerts .toast").await;

    browser.run("location.reload()").await;
    page.badge_is("green", "live").await;
    page.click_on("#bell").await;
    let kept = page.shows("#bell-list .notes").await;
    assert!(kept.contains("crasher"), "{kept}");
    assert_eq!(page.text("#alerts").await, "", "old news is not announced again");

    // What is told leads to where more is: by the bell, and by the toast of the next failure.
    page.mark().await;
    page.click_on("#bell-list .notes a").await;
    let at_the_log = "location.pathname === '/logs/attention/crasher'";
    browser.wait_until("the log of what failed", PATIENCE, at_the_log).await;
    page.hides("#bell-list").await;
    let words = "document.querySelector('#log')?.textContent.includes('last words')";
    browser.wait_until("its last words", PATIENCE, words).await;
    browser.run("history.back()").await;
    page.status_is("attention", "crasher", "failed").await;
    container.start().await;
    page.status_is("attention", "crasher", "running").await;
    container.signal("USR1").await;
    page.shows("#alerts .toast a").await;
    page.click_on("#alerts .toast a").await;
    browser.wait_until("the log of what failed", PATIENCE, at_the_log).await;
    page.hides("#alerts .toast").await;
    assert!(page.is_marked().await, "links of the page lead there without a reload");

    // Who looks elsewhere is told on the desktop, though a hidden page has no frames.
    assert_eq!(browser.run("return shown").await, serde_json::json!([]));
    page.set_hidden(true).await;
    browser.run("window.requestAnimationFrame = () => 0").await;
    container.start().await;
    container.signal("USR1").await;
    let told = "shown.includes('crasher failed')";
    browser.wait_until("the notification", PATIENCE, told).await;
    on.browser.close().await;
    container.remove().await;
}

#[tokio::test]
async fn stats_rest_while_the_page_was_hidden_for_half_a_minute() {
    if !can_run(&[Need::Browser]) {
        return;
    }
    let server = Server::start(&["--demo"]).await;
    let browser = Browser::start().await;
    browser.run_before_each_page(WATCH_SOCKETS).await;
    let page = Page::open(&browser, &server.url("/")).await;
    let project = page.first_project().await;
    let (service, _) = page.statuses(&project).await.swap_remove(0);
    page.measures(&project, &service, ".cpu", -1.0).await;
    let about_stats = |kind: &str| {
        format!(
            "sent.some(({{ type, data }}) => type === '{kind}' && JSON.stringify(data).includes('docker:stats'))"
        )
    };
    browser.run("sent.length = 0; window.turned = performance.now()").await;
    page.set_hidden(true).await;
    browser.wait_until("the stats to rest", PATIENCE, &about_stats("unsubscribe")).await;
    let waited = browser.run("return performance.now() - turned").await;
    assert!(waited.as_f64().unwrap() >= 30_000.0, "after half a minute, not {waited} ms");
    assert_eq!(page.statuses(&project).await.len(), 6, "the statuses go on");

    browser.run("sent.length = 0").await;
    page.set_hidden(false).await;
    browser.wait_until("the stats to come", PATIENCE, &about_stats("subscribe")).await;
    page.measures(&project, &service, ".cpu", -1.0).await;
    browser.close().await;
}
