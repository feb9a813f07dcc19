//! What the program takes of the machine, measured and printed.

use std::time::Duration;

use nself_tests::browser::Browser;
use nself_tests::missing::{Need, can_run};
use nself_tests::page::Page;
use nself_tests::server::Server;
use nself_tests::visitor::Visitor;
use nself_tests::wait;

/// The most that is resident with one page open.
const RESIDENT_BYTES: u64 = 25 * 1024 * 1024;

#[tokio::test]
#[ignore = "a measurement, for the release build: NSELF_TEST_PROGRAM names it"]
async fn one_page_on_ten_services() {
    if !can_run(&[Need::Browser]) {
        return;
    }
    let server = Server::start(&["--demo"]).await;
    let print = |when: &str| {
        let bytes = server.process().resident_bytes();
        println!("resident {when}: {} KiB", bytes / 1024);
        bytes
    };
    print("before anybody came");
    // Four more services than the six of the demo.
    let local = Visitor::nobody(&server);
    assert_eq!(local.post("/api/build", "{}").await.status, 202);
    wait::until("ten services", Duration::from_mins(2), async || {
        let services = local.get_json("/api/services").await["services"].as_array().map(Vec::len);
        if services == Some(10) { Ok(()) } else { Err(format!("{services:?}")) }
    })
    .await;
    print("with ten services");
    let browser = Browser::start().await;
    Page::open(&browser, &server.url("/")).await;
    let shown = "document.querySelectorAll('article.card').length === 10";
    browser.wait_until("ten services on the page", Duration::from_mins(1), shown).await;
    // Idle: what was allocated for the first load is given back or used again.
    let passed = "performance.now() > 30000";
    browser.wait_until("half a minute", Duration::from_mins(2), passed).await;
    let resident = print("with one page open for half a minute");
    browser.close().await;
    assert!(resident < RESIDENT_BYTES, "more than {RESIDENT_BYTES} bytes");
}
