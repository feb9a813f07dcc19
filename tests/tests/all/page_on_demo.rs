//! The page on the scripted engine, for machines without Docker: the same path, marked as a demo.

use nself_tests::browser::Browser;
use nself_tests::missing::{Need, can_run};
use nself_tests::page::Page;
use nself_tests::server::Server;

#[tokio::test]
async fn six_services_live_on_a_page_that_says_demo() {
    if !can_run(&[Need::Browser]) {
        return;
    }
    let server = Server::start(&["--demo"]).await;
    let browser = Browser::start().await;
    let page = Page::open(&browser, &server.url("/")).await;
    assert_eq!(page.shows("#demo").await, "DEMO");
    let project = page.first_project().await;
    let services = page.statuses(&project).await;
    assert_eq!(services.len(), 6, "{services:?}");

    // Now and then a service is unhealthy or restarts, by the script: one that runs is acted on.
    let (service, _) = services.iter().find(|(_, status)| status == "running").unwrap();
    page.measures(&project, service, ".cpu", -1.0).await;
    page.measures(&project, service, ".memory", 0.0).await;
    page.record_status(&project, service).await;
    page.click(&project, service, "stop").await;
    page.status_is(&project, service, "stopped").await;
    assert_eq!(page.recorded(service).await, ["running", "stopping", "stopped"]);
    page.click(&project, service, "start").await;
    page.status_is(&project, service, "running").await;
    browser.screenshot("dashboard").await;

    page.follow_log_link(&project, service).await;
    let lines = page.next_log_lines(1).await;
    assert!(lines[0].1 < 1_000.0, "{lines:?}");
    browser.screenshot("log").await;
    browser.close().await;
}

#[tokio::test]
async fn the_latency_is_read_out_beside_the_badge() {
    if !can_run(&[Need::Browser]) {
        return;
    }
    let server = Server::start(&["--demo"]).await;
    let browser = Browser::start().await;
    let page = Page::open(&browser, &server.url("/")).await;
    let expression = "document.querySelector('#latency[data-median-ms]')?.dataset.medianMs";
    let told =
        browser.wait_until("a latency", std::time::Duration::from_secs(30), expression).await;
    let median: f64 = told.as_str().unwrap().parse().unwrap();
    println!("emit → painted: median {median} ms");
    assert!((0.0..1_000.0).contains(&median), "{median} ms");
    assert!(!page.text("#latency").await.is_empty());
    browser.close().await;
}

#[tokio::test]
async fn a_server_that_stays_away_is_told_and_its_return_seen() {
    if !can_run(&[Need::Browser]) {
        return;
    }
    let mut server = Server::start(&["--demo"]).await;
    let browser = Browser::start().await;
    let page = Page::open(&browser, &server.url("/")).await;
    let project = page.first_project().await;
    page.mark().await;
    page.record("badge", "#connection", "data-color").await;
    assert_eq!(page.text("#connection").await, "Live");

    server.kill();
    page.badge_is("yellow", "reconnecting").await;
    page.badge_is("red", "unreachable").await;
    assert_eq!(page.text("#connection").await, "Offline · server unreachable");
    assert_eq!(page.statuses(&project).await.len(), 6, "the last known state stays");
    browser.screenshot("away").await;
    server.start_again().await;
    page.badge_is("green", "live").await;
    assert_eq!(page.statuses(&project).await.len(), 6);
    assert_eq!(page.recorded("badge").await[..3], ["green", "yellow", "red"]);
    assert!(page.is_marked().await, "the page was not reloaded");
    browser.close().await;
}

#[tokio::test]
async fn the_page_asks_nobody_but_its_own_server_and_its_console_is_clean() {
    if !can_run(&[Need::Browser]) {
        return;
    }
    let server = Server::start(&["--demo"]).await;
    let browser = Browser::start().await;
    let page = Page::open(&browser, &server.url("/")).await;
    let project = page.first_project().await;
    let (service, _) = page.statuses(&project).await.swap_remove(0);
    page.follow_log_link(&project, &service).await;
    page.next_log_lines(1).await;
    let requests = page.requests().await;
    assert!(requests.len() > 2, "a page, its modules and its style: {requests:?}");
    for address in requests {
        assert!(address.starts_with(&server.url("/")), "{address}");
    }
    assert_eq!(browser.console(), Vec::<String>::new());
    browser.close().await;
}
