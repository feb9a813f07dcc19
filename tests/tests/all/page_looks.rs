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
const HOSTILE: &str = "\"><img src=x onerror=alert(1)>";

/// Name, address, and what is there once it is drawn.
const PAGES: [(&str, &str, &str); 5] = [
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

#[tokio::test]
async fn every_page_fits_its_window_in_dark_and_light() {
    if !can_run(&[Need::Browser]) {
        return;
    }
    let server = Server::start(&["--demo"]).await;
    let browser = Browser::start().await;
    for (size, width, height) in [("wide", 1_280, 900), ("narrow", 360, 740)] {
        for (name, path, drawn) in PAGES {
            browser.look(width, height, false).await;
            Page::open(&browser, &server.url(path)).await;
            browser.wait_until(name, PATIENCE, drawn).await;
            let wider = "return document.documentElement.scrollWidth - innerWidth";
            let wider = browser.run(wider).await;
            assert!(wider.as_i64().unwrap() <= 0, "{name} is {wider} px wider than {width}");
            browser.screenshot(&format!("{name}-{size}-light")).await;
            browser.look(width, height, true).await;
            browser.screenshot(&format!("{name}-{size}-dark")).await;
        }
    }
    assert_eq!(browser.console(), Vec::<String>::new());
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
