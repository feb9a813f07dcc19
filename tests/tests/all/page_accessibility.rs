//! Every page before axe-core, in dark and in light. The development tool is not part of the repository:
//! `scripts/test --full` fetches it and says where it lies in `NSELF_TEST_AXE`.

use std::time::Duration;

use nself_tests::browser::Browser;
use nself_tests::missing::{Need, can_run};
use nself_tests::page::Page;
use nself_tests::server::Server;
use serde_json::Value;

use crate::page_looks::{PAGES, begin_build, end_build};

const PATIENCE: Duration = Duration::from_mins(1);

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
    let mut look = async |name: &str| {
        for (scheme, dark) in [("light", false), ("dark", true)] {
            browser.look(1_280, 820, dark).await;
            for violation in violations(&browser, &axe).await {
                found.push(format!("{name} {scheme}: {violation}"));
            }
        }
    };
    for (name, path, drawn) in PAGES {
        Page::open(&browser, &server.url(path)).await;
        browser.wait_until(name, PATIENCE, drawn).await;
        look(name).await;
    }
    begin_build(&browser, &server).await;
    look("building").await;
    end_build(&browser).await;
    look("built").await;
    let closed = Server::with_sign_in(&["--demo"]).await;
    browser.open(&closed.url("/sign-in")).await;
    browser.wait_until("the sign-in", PATIENCE, "document.querySelector('.sign-in')").await;
    look("sign-in").await;
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
