//! Every page before axe-core, in dark and in light. The development tool is not part of the repository:
//! `scripts/test --full` fetches it and says where it lies in `NSELF_TEST_AXE`.

use std::time::Duration;

use nself_tests::browser::Browser;
use nself_tests::missing::{Need, can_run};
use nself_tests::page::Page;
use nself_tests::server::Server;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(1);

/// Address, and what is there once it is drawn.
const PAGES: [(&str, &str); 4] = [
    ("/", "article.card .sparkline path[d*=L]"),
    ("/build", "main h1"),
    ("/logs/demo/nginx", ".log-line"),
    ("/monitor", ".containers .sparkline path[d*=L]"),
];

#[tokio::test]
#[ignore = "needs axe-core, which scripts/test --full fetches"]
async fn no_page_has_a_serious_violation() {
    if !can_run(&[Need::Browser]) {
        return;
    }
    let axe = std::env::var("NSELF_TEST_AXE").expect("NSELF_TEST_AXE names the file axe.min.js");
    let axe = std::fs::read_to_string(&axe).unwrap_or_else(|error| panic!("{axe}: {error}"));
    let server = Server::start(&["--demo"]).await;
    let browser = Browser::start().await;
    let mut found = Vec::new();
    for (path, drawn) in PAGES {
        for dark in [false, true] {
            browser.look(1_280, 900, dark).await;
            Page::open(&browser, &server.url(path)).await;
            let drawn = format!("document.querySelector({drawn:?})");
            browser.wait_until(path, PATIENCE, &drawn).await;
            for violation in violations(&browser, &axe).await {
                found.push(format!("{path} {}: {violation}", if dark { "dark" } else { "light" }));
            }
        }
    }
    let closed = Server::with_sign_in(&["--demo"]).await;
    browser.open(&closed.url("/sign-in")).await;
    browser.wait_until("the sign-in", PATIENCE, "document.querySelector('.sign-in')").await;
    found.extend(
        violations(&browser, &axe).await.into_iter().map(|found| format!("/sign-in: {found}")),
    );
    for violation in &found {
        println!("{violation}");
    }
    let serious = |text: &&String| text.contains(": serious ") || text.contains(": critical ");
    assert_eq!(found.iter().filter(serious).collect::<Vec<_>>(), Vec::<&String>::new());
    browser.close().await;
}

/// What axe finds in the page, a line each.
async fn violations(browser: &Browser, axe: &str) -> Vec<String> {
    browser.run(axe).await;
    let run = "window.found = undefined;
        axe.run().then(({ violations }) => { window.found = violations.map(({ impact, id, nodes }) =>
          `${impact} ${id} at ${nodes.map(({ target }) => target.join(' ')).join(', ')}`); },
          error => { window.found = [`critical ${error}`]; });";
    browser.run(run).await;
    let found: Value = browser.wait_until("axe", PATIENCE, "window.found && [window.found]").await;
    let [found] =
        serde_json::from_value(found).unwrap_or_else(|error| panic!("no list of lines: {error}"));
    found
}
