//! The program starts without an engine, says so, and heals when one comes up.

use nself_tests::browser::Browser;
use nself_tests::engine::Engine;
use nself_tests::missing::{Need, can_run};
use nself_tests::page::Page;
use nself_tests::server::Server;
use nself_tests::stack::Stack;

#[tokio::test]
async fn an_engine_that_comes_up_later_is_found() {
    if !can_run(&[Need::Engine, Need::Browser]) {
        return;
    }
    let engine = Engine::prepare_without_daemon().await;
    let server = Server::start(&["--docker-host", &engine.host()]).await;
    assert!(server.printed().contains(&engine.host()), "{}", server.printed());

    let browser = Browser::start().await;
    let page = Page::open(&browser, &server.url("/")).await;
    let banner = page.shows("#engine-banner").await;
    println!("without an engine the page says: {banner}");
    assert_eq!(page.text("#demo").await, "");

    page.mark().await;
    engine.start_daemon().await;
    page.hides("#engine-banner").await;
    let stack = Stack::up(&engine.docker().await, "late").await;
    page.all_run("late", 4).await;
    assert!(page.is_marked().await, "the page was not reloaded");
    browser.screenshot("healed").await;
    stack.down().await;
    browser.close().await;
}
