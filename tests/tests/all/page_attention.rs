//! What asks for somebody's attention: notifications and the bell, the sign-in that ends soon; and what
//! rests while nobody looks.

use std::time::Duration;

use nself_tests::browser::Browser;
use nself_tests::container::Recipe;
use nself_tests::engine::Engine;
use nself_tests::missing::{Need, can_run};
use nself_tests::page::Page;
use nself_tests::server::Server;

const PATIENCE: Duration = Duration::from_mins(1);

/// Keeps the page's sockets, and the texts that it sends.
const WATCH_SOCKETS: &str = "
    const sent = window.sent = [], sockets = window.sockets = [];
    window.WebSocket = class extends WebSocket {
      constructor(...how) { super(...how); sockets.push(this); }
      send(text) { sent.push(JSON.parse(text)); super.send(text); }
    };";

#[tokio::test]
async fn a_service_that_fails_is_told_by_a_toast_and_kept_under_the_bell() {
    if !can_run(&[Need::Engine, Need::Browser]) {
        return;
    }
    let engine = Engine::shared().await;
    let docker = engine.docker().await;
    let server = Server::start(&["--docker-host", &engine.host()]).await;
    let browser = Browser::start().await;
    let page = Page::open(&browser, &server.url("/")).await;
    let crasher = Recipe::shell("attention", "crasher", "echo last words; exit 3");
    let container = crasher.start(&docker).await;
    let toast = page.shows("#alerts .toast").await;
    assert!(toast.contains("crasher"), "{toast}");
    let unread = page.shows("#bell .count").await;
    assert_ne!(unread, "0");
    browser.screenshot("toast").await;

    page.click_on("#bell").await;
    let listed = page.shows("#bell-list .notes").await;
    assert!(listed.contains("crasher"), "{listed}");
    page.hides("#bell .count").await;
    page.click_on("#alerts .toast [aria-label=Dismiss]").await;
    page.hides("#alerts .toast").await;

    browser.run("location.reload()").await;
    page.badge_is("green", "live").await;
    page.click_on("#bell").await;
    let kept = page.shows("#bell-list .notes").await;
    assert!(kept.contains("crasher"), "{kept}");
    assert_eq!(page.text("#alerts").await, "", "old news is not announced again");
    browser.close().await;
    container.remove().await;
}

#[tokio::test]
async fn a_sign_in_that_ends_soon_is_told_once() {
    if !can_run(&[Need::Browser]) {
        return;
    }
    let server = Server::start(&["--demo"]).await;
    let browser = Browser::start().await;
    browser.run_before_each_page(WATCH_SOCKETS).await;
    let page = Page::open(&browser, &server.url("/")).await;
    page.first_project().await;
    let expiring = "const data = { expiresAt: new Date(Date.now() + 60_000).toISOString(), secondsLeft: 60, renewable: true };
        sockets.at(-1).onmessage(new MessageEvent('message', { data: JSON.stringify({ type: 'session:expiring', data }) }))";
    browser.run(expiring).await;
    let told = page.shows("dialog#session [role=timer]").await;
    assert!(told.starts_with("You are signed out in "), "{told}");
    assert_eq!(
        browser.run("return document.activeElement.textContent").await,
        "Stay signed in",
        "Enter is enough to stay"
    );
    browser.screenshot("session").await;
    let ticks =
        format!("document.querySelector('dialog#session [role=timer]').textContent !== {told:?}");
    browser.wait_until("the seconds to run", PATIENCE, &ticks).await;

    browser.run("document.querySelector('dialog#session button:not(.main)').click()").await;
    page.hides("dialog#session").await;
    // The seconds go on, and the dialog does not come again.
    let later = "document.querySelector('dialog#session [role=timer]').textContent";
    let at = browser.run(&format!("return {later}")).await;
    browser.wait_until("a second to pass", PATIENCE, &format!("{later} !== {at}")).await;
    assert_eq!(page.text("dialog#session").await, "");
    browser.close().await;
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
    let look = |hidden: bool| {
        format!(
            "sent.length = 0; window.turned = performance.now();
             Object.defineProperty(document, 'hidden', {{ configurable: true, value: {hidden} }});
             Object.defineProperty(document, 'visibilityState',
               {{ configurable: true, value: {hidden} ? 'hidden' : 'visible' }});
             document.dispatchEvent(new Event('visibilitychange'))"
        )
    };
    let about_stats = |kind: &str| {
        format!(
            "sent.some(({{ type, data }}) => type === '{kind}' && JSON.stringify(data).includes('docker:stats'))"
        )
    };
    browser.run(&look(true)).await;
    browser.wait_until("the stats to rest", PATIENCE, &about_stats("unsubscribe")).await;
    let waited = browser.run("return performance.now() - turned").await;
    assert!(waited.as_f64().unwrap() >= 30_000.0, "after half a minute, not {waited} ms");
    assert_eq!(page.statuses(&project).await.len(), 6, "the statuses go on");

    browser.run(&look(false)).await;
    browser.wait_until("the stats to come", PATIENCE, &about_stats("subscribe")).await;
    page.measures(&project, &service, ".cpu", -1.0).await;
    browser.close().await;
}
