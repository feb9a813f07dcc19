//! The build page, on builds that are true: of the demo's project, and of one on a real engine that fails.

use std::time::Duration;

use nself_tests::browser::Browser;
use nself_tests::images;
use nself_tests::missing::{Need, can_run};
use nself_tests::on_engine::OnEngine;
use nself_tests::page::Page;
use nself_tests::server::Server;

const PATIENCE: Duration = Duration::from_mins(2);
const BAR: &str = "progress[aria-label='The whole build']";

#[tokio::test]
async fn a_build_moves_the_bar_ticks_its_steps_and_is_there_for_who_comes_late() {
    if !can_run(&[Need::Browser]) {
        return;
    }
    let server = Server::start(&["--demo"]).await;
    let browser = Browser::start().await;
    let page = Page::open(&browser, &server.url("/build")).await;
    let until = async |what: &str, expression: &str| {
        browser.wait_until(what, PATIENCE, expression).await;
    };
    until("the button", "document.querySelector('[data-build=start]:enabled')").await;
    page.record("bar", BAR, "value").await;
    page.click_on("[data-build=start]").await;
    until("output", "document.querySelector('.build-run[data-status=in-progress] .output-line')")
        .await;
    until("the end", "document.querySelector('.build-run[data-status=complete]')").await;
    let told = page.recorded("bar").await;
    let told: Vec<f64> = told.iter().map(|value| value.parse().unwrap()).collect();
    assert!(told.is_sorted() && told.len() > 10, "{told:?}");
    assert_eq!(told.last(), Some(&100.0));
    let ticked = "(steps => steps.length === 6 && steps.every(step => step.dataset.status === 'complete'))\
                  ([...document.querySelectorAll('.steps li')])";
    until("six ticks", ticked).await;
    browser.screenshot("complete").await;

    // Who comes now is told the run from its start.
    browser.open(&server.url("/build")).await;
    until("the run", "document.querySelector('.build-run[data-status=complete]')").await;
    until("six ticks", ticked).await;
    until("its output", "document.querySelector('.output-line')").await;
    browser.run("document.querySelector('.output-frame').firstElementChild.scrollTop = 0").await;
    let first =
        "document.querySelector('.output-line')?.textContent.includes('docker-compose.yml')";
    until("its first line", first).await;
    browser.close().await;
}

#[tokio::test]
async fn a_build_that_fails_says_where_and_why_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("compose.yaml", "name: page-faulty\nservices: { web: { build: . } }\n");
    write("Dockerfile", "FROM scratch\n");
    let path = folder.path().to_str().unwrap();
    let Some(on) = OnEngine::stand_with(&["--project", path]).await else { return };
    let base = images::import(&on.docker, "printer").await;
    write(
        "Dockerfile",
        &format!("FROM {base}\nRUN echo one\nRUN echo '<b>two</b>'; sleep 1; exit 7\n"),
    );
    let (page, browser) = (on.open("/build").await, &on.browser);
    let button = "document.querySelector('[data-build=start]:enabled')";
    browser.wait_until("the button", PATIENCE, button).await;
    page.click_on("[data-build=start]").await;
    let failed =
        "document.querySelector('.build-run[data-status=failed] .build-failure:not([hidden])')";
    browser.wait_until("the failure", PATIENCE, failed).await;
    assert_eq!(
        page.text(".build-failure h3").await,
        "Failed at step 4: Building images, page-faulty-web"
    );
    let why = page.text(".build-failure pre").await;
    assert!(why.contains("returned a non-zero code: 7") && why.contains("<b>two</b>"), "{why}");
    browser.screenshot("failed").await;

    // Who looks at something else is told, and led back.
    page.click_on("header a[href='/']").await;
    page.click_on("#bell").await;
    let told = page.shows("#bell-list .notes li").await;
    assert!(told.starts_with("The build of page-faulty failed"), "{told}");
    page.click_on("#bell-list .notes a").await;
    let led = "location.pathname === '/build' && /^\\?run=build-\\d+$/.test(location.search)";
    browser.wait_until("the build's address", PATIENCE, led).await;
    browser.wait_until("the failure", PATIENCE, failed).await;
    on.browser.close().await;
}
