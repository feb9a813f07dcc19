//! Pictures of every page, in dark and light, wide and narrow, for people to look at; and what of their looks
//! can be measured: nothing is wider than its window, nothing is refused by the content policy.

use std::time::Duration;

use nself_tests::browser::Browser;
use nself_tests::container::Recipe;
use nself_tests::engine::Engine;
use nself_tests::missing::{Need, can_run};
use nself_tests::page::Page;
use nself_tests::server::Server;

const PATIENCE: Duration = Duration::from_mins(1);
const SIZES: [(&str, u32, u32); 2] = [("wide", 1_280, 820), ("narrow", 360, 740)];
const HOSTILE: &str = "\"><img src=x onerror=alert(1)>";

/// Name, address, and what is there once it is drawn.
pub(crate) const PAGES: [(&str, &str, &str); 5] = [
    (
        "dashboard",
        "/",
        "document.querySelectorAll('article.card .sparkline path[d*=L]').length > 3",
    ),
    (
        "build",
        "/build",
        "[...document.querySelectorAll('main h2')].some(head => head.checkVisibility())",
    ),
    ("log", "/logs/demo/functions", "document.querySelectorAll('.log-line').length > 9"),
    (
        "logs",
        "/logs/demo/nginx,auth?wrap=1&q=%2F%5Cd%2B%2F",
        "document.querySelectorAll('.log-line mark').length > 9",
    ),
    (
        "monitor",
        "/monitor?minutes=1",
        "document.querySelectorAll('.containers .sparkline path[d*=L]').length > 5",
    ),
];

/// Begins a build of the demo's project; returns while it pulls an image.
pub(crate) async fn begin_build(browser: &Browser, server: &Server) {
    let page = Page::open(browser, &server.url("/build")).await;
    let button = "document.querySelector('[data-build=start]:enabled')";
    browser.wait_until("the button", PATIENCE, button).await;
    page.click_on("[data-build=start]").await;
    let pulling = "[...document.querySelectorAll('.items progress')]\
                   .some(bar => bar.value > 0.3 && bar.value < 0.9)";
    browser.wait_until("a layer that is being pulled", PATIENCE, pulling).await;
}

/// Waits for the end of a build that the page shows.
pub(crate) async fn end_build(browser: &Browser) {
    let ended = "document.querySelector('.build-run[data-status=complete]')";
    browser.wait_until("the end of the build", PATIENCE, ended).await;
}

/// Pictures what is shown in light and in dark, and looks that it is not wider than its window.
async fn picture(browser: &Browser, name: &str, size: (&str, u32, u32)) {
    let (size, width, height) = size;
    let wider = browser.run("return document.documentElement.scrollWidth - innerWidth").await;
    assert!(wider.as_i64().unwrap() <= 0, "{name} is {wider} px wider than {width}");
    for (scheme, dark) in [("light", false), ("dark", true)] {
        browser.look(width, height, dark).await;
        browser.screenshot(&format!("{name}-{size}-{scheme}")).await;
    }
}

#[tokio::test]
async fn every_page_fits_its_window_in_dark_and_light() {
    if !can_run(&[Need::Browser]) {
        return;
    }
    let server = Server::start(&["--demo"]).await;
    let browser = Browser::start().await;
    for size @ (_, width, height) in SIZES {
        for (name, path, drawn) in PAGES {
            browser.look(width, height, false).await;
            Page::open(&browser, &server.url(path)).await;
            browser.wait_until(name, PATIENCE, drawn).await;
            picture(&browser, name, size).await;
        }
        // A new one: what was pulled once is not pulled again.
        let building = Server::start(&["--demo"]).await;
        browser.look(width, height, false).await;
        begin_build(&browser, &building).await;
        picture(&browser, "building", size).await;
        end_build(&browser).await;
        picture(&browser, "built", size).await;
    }
    let closed = Server::with_sign_in(&["--demo"]).await;
    for size @ (_, width, height) in SIZES {
        browser.look(width, height, false).await;
        browser.open(&closed.url("/sign-in")).await;
        browser.wait_until("the sign-in", PATIENCE, "document.querySelector('.sign-in')").await;
        picture(&browser, "sign-in", size).await;
    }
    assert_eq!(browser.console(), Vec::<String>::new());
    browser.close().await;
}

#[tokio::test]
async fn the_header_has_two_lines_in_a_narrow_window() {
    if !can_run(&[Need::Browser]) {
        return;
    }
    let server = Server::start(&["--demo"]).await;
    let browser = Browser::start().await;
    browser.look(360, 740, false).await;
    let page = Page::open(&browser, &server.url("/")).await;
    page.badge_is("green", "live").await;
    page.shows("#demo").await;
    let page_scrolls = "return document.documentElement.clientWidth < innerWidth";
    assert_eq!(browser.run(page_scrolls).await, true, "beside a scroll bar that takes room");
    let lines = "return new Set([...document.querySelectorAll('.top > *')]
        .filter(part => part.checkVisibility())
        .map(part => part.getBoundingClientRect())
        .map(({ top, height }) => Math.round((top + height / 2) / 20))).size";
    assert_eq!(browser.run(lines).await, 2);
    browser.close().await;
}

#[tokio::test]
async fn hostile_text_is_shown_verbatim_and_the_policy_has_nothing_to_refuse() {
    if !can_run(&[Need::Engine, Need::Browser]) {
        return;
    }
    let docker = Engine::shared().await.docker().await;
    let script = format!("while :; do echo '{HOSTILE}'; sleep 1; done");
    let container =
        Recipe::shell(HOSTILE, HOSTILE, &script).named("hostile-1").start(&docker).await;
    let server = Server::start(&["--docker-host", &Engine::shared().await.host()]).await;
    let browser = Browser::start().await;
    let page = Page::open(&browser, &server.url("/")).await;
    let card = format!(
        "[...document.querySelectorAll('article.card h3')].some(name => name.textContent === {HOSTILE:?})"
    );
    browser.wait_until("the card of a hostile name", PATIENCE, &card).await;
    page.enter("#search", HOSTILE).await;
    browser.wait_until("the card that is searched for", PATIENCE, &card).await;
    browser.screenshot("dashboard").await;

    let link = format!(
        "[...document.querySelectorAll('article.card')].find(card => card.dataset.service === {HOSTILE:?}).querySelector('a.log-link').click()"
    );
    browser.run(&link).await;
    let printed = format!(
        "[...document.querySelectorAll('.log-line .text')].some(line => line.textContent === {HOSTILE:?})"
    );
    browser.wait_until("a hostile line", PATIENCE, &printed).await;
    page.enter("#search", "<img").await;
    browser
        .wait_until(
            "what is found is marked",
            PATIENCE,
            "document.querySelector('.log-line mark')?.textContent === '<img'",
        )
        .await;
    browser.screenshot("log").await;
    Page::open(&browser, &server.url("/monitor")).await;
    browser
        .wait_until(
            "the monitor",
            PATIENCE,
            "document.querySelectorAll('.containers tbody tr').length > 0",
        )
        .await;

    assert_eq!(browser.run("return document.querySelectorAll('img[src=x]').length").await, 0);
    assert_eq!(browser.console(), Vec::<String>::new());
    browser.close().await;
    container.remove().await;
}
