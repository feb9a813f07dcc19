//! The harness itself: the engine is real and apart, the stack really serves, the browser really runs.

use nself_tests::browser::Browser;
use nself_tests::engine::Engine;
use nself_tests::missing::{Need, can_run};
use nself_tests::stack::{SERVICES, Stack};
use serde_json::json;

#[tokio::test]
async fn four_services_really_serve() {
    if !can_run(&[Need::Engine]) {
        return;
    }
    let docker = Engine::shared().await.docker().await;
    let stack = Stack::up(&docker, "harness").await;
    for service in SERVICES {
        assert_eq!(stack.state(service).await, "running", "{service}");
    }
    stack.down().await;
}

#[tokio::test]
async fn containers_outlive_a_killed_engine_only_with_live_restore() {
    if !can_run(&[Need::Engine]) {
        return;
    }
    for (engine, expected) in
        [(Engine::start().await, "exited"), (Engine::start_with_live_restore().await, "running")]
    {
        let stack = Stack::up(&engine.docker().await, "killed").await;
        engine.kill();
        engine.start_daemon().await;
        for service in SERVICES {
            assert_eq!(stack.state(service).await, expected, "{service}");
        }
    }
}

#[tokio::test]
async fn the_browser_runs_scripts_and_takes_pictures() {
    if !can_run(&[Need::Browser]) {
        return;
    }
    let browser = Browser::start().await;
    browser.open("data:text/html,<title>here</title><script>console.log('spoken')</script>").await;
    assert_eq!(browser.run("return document.title").await, json!("here"));
    let picture = browser.screenshot("page").await;
    assert!(picture.is_file());
    assert!(browser.console().iter().any(|line| line.contains("spoken")));
    browser.close().await;
}
