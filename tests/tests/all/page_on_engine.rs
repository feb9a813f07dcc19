//! The whole path on a real engine: four real services, their statuses, stats and logs in a real browser.

use nself_tests::browser::Browser;
use nself_tests::container::Recipe;
use nself_tests::engine::Engine;
use nself_tests::missing::{Need, can_run};
use nself_tests::on_engine::OnEngine;
use nself_tests::page::Page;
use nself_tests::server::Server;
use nself_tests::stack::{SERVICES, Stack};

/// A stack on the shared engine, with the program and a browser before it.
struct Path {
    stack: Stack,
    on: OnEngine,
}

impl Path {
    async fn stand(project: &str) -> Option<Self> {
        let on = OnEngine::stand().await?;
        Some(Self { stack: Stack::up(&on.docker, project).await, on })
    }

    async fn open(&self, path: &str) -> Page<'_> {
        self.on.open(path).await
    }

    async fn end(self) {
        self.on.browser.close().await;
        self.stack.down().await;
    }
}

#[tokio::test]
async fn four_cards_run_with_real_measures() {
    let Some(path) = Path::stand("measured").await else { return };
    let page = path.open("/").await;
    page.all_run("measured", SERVICES.len()).await;
    assert_eq!(page.text("#demo").await, "");
    assert_eq!(page.text("#engine-banner").await, "");
    for service in SERVICES {
        let cpu = page.measures("measured", service, ".cpu", -1.0).await;
        let shown = page.measures("measured", service, ".memory", 0.0).await;
        let told = path.stack.memory(service).await;
        assert!((0.0..=1_600.0).contains(&cpu), "{service}: {cpu} % of a core");
        // The two were not measured in the same moment.
        assert!(
            (shown - told).abs() < 0.2 * told + 524_288.0,
            "{service}: {shown} shown, {told} told"
        );
    }
    // It starts a process five times a second.
    page.measures("measured", "chatty", ".cpu", 0.0).await;
    path.on.browser.screenshot("dashboard").await;
    path.end().await;
}

#[tokio::test]
async fn a_service_is_stopped_started_and_restarted_by_its_buttons() {
    let Some(path) = Path::stand("acted").await else { return };
    let page = path.open("/").await;
    page.all_run("acted", SERVICES.len()).await;
    page.record_status("acted", "redis").await;

    page.click("acted", "redis", "stop").await;
    page.status_is("acted", "redis", "stopped").await;
    assert_eq!(page.recorded("redis").await, ["running", "stopping", "stopped"]);
    assert_eq!(path.stack.state("redis").await, "exited");

    page.click("acted", "redis", "start").await;
    page.status_is("acted", "redis", "running").await;
    assert_eq!(path.stack.state("redis").await, "running");

    page.record_status("acted", "redis").await;
    page.click("acted", "redis", "restart").await;
    page.status_is("acted", "redis", "restarting").await;
    page.status_is("acted", "redis", "running").await;
    path.stack.serves("redis").await;
    path.end().await;
}

#[tokio::test]
async fn log_lines_come_in_order_within_a_second_of_their_printing() {
    let Some(path) = Path::stand("logged").await else { return };
    let page = path.open("/").await;
    page.all_run("logged", SERVICES.len()).await;
    page.follow_log_link("logged", "chatty").await;

    let lines = page.next_log_lines(25).await;
    let numbers: Vec<u64> = lines.iter().filter_map(|(text, _)| number(text)).collect();
    let expected: Vec<u64> = (0..25).map(|step| numbers[0] + step).collect();
    assert_eq!(numbers[..25], expected, "each line once, none missing");

    let mut delays: Vec<_> = lines.iter().map(|(_, milliseconds)| *milliseconds).collect();
    delays.sort_by(f64::total_cmp);
    let (median, longest) = (delays[delays.len() / 2], delays[delays.len() - 1]);
    println!("printed → in the page: median {median} ms, longest {longest} ms");
    assert!(median < 1_000.0, "{delays:?}");
    path.on.browser.screenshot("log").await;
    path.end().await;
}

#[tokio::test]
async fn a_killed_server_comes_back_without_a_reload() {
    let Some(mut path) = Path::stand("cut").await else { return };
    let page = Page::open(&path.on.browser, &path.on.server.url("/")).await;
    page.all_run("cut", SERVICES.len()).await;
    page.mark().await;
    page.record("badge", "#connection", "data-color").await;

    path.on.server.kill();
    page.badge_is("yellow", "reconnecting").await;
    // What happens meanwhile must be on the cards afterwards.
    path.stack.stop("redis").await;
    path.on.server.start_again().await;
    page.badge_is("green", "live").await;
    page.status_is("cut", "redis", "stopped").await;
    let running = page.statuses("cut").await.into_iter().filter(|(_, status)| status == "running");
    assert_eq!(running.count(), SERVICES.len() - 1);
    let colors = page.recorded("badge").await;
    assert_eq!(colors.first().map(String::as_str), Some("green"));
    assert_eq!(colors.get(1).map(String::as_str), Some("yellow"));
    assert!(page.is_marked().await, "the page was not reloaded");
    path.end().await;
}

#[tokio::test]
async fn a_log_has_no_hole_and_no_double_across_a_server_that_was_killed() {
    if !can_run(&[Need::Engine, Need::Browser]) {
        return;
    }
    let engine = Engine::shared().await;
    let docker = engine.docker().await;
    let mut server = Server::start(&["--docker-host", &engine.host()]).await;
    let browser = Browser::start().await;
    let recipe = Recipe::new("bridged", "printer", &["/printer", "steady", "20", "3000"]);
    let container = recipe.start(&docker).await;
    let page = Page::open(&browser, &server.url("/logs/bridged/printer")).await;
    page.holds_lines(400).await;

    server.kill();
    page.badge_is("yellow", "reconnecting").await;
    page.badge_is("red", "unreachable").await;
    // More than a cold follower begins with: what lies between only the engine knows.
    let held = page.held_lines().await;
    server.start_again().await;
    page.badge_is("green", "live").await;
    page.holds_lines(held + 1_000).await;
    let marks = "document.querySelectorAll('.log-marker').length === 0";
    browser.wait_until("the gap to be mended", std::time::Duration::from_secs(30), marks).await;

    let lines = page.copied_lines().await;
    for letter in ["o", "e"] {
        let numbers: Vec<u64> = lines
            .iter()
            .filter_map(|line| {
                line.split(' ').skip_while(|word| *word != letter).nth(1)?.parse().ok()
            })
            .collect();
        let expected: Vec<u64> = (numbers[0]..).take(numbers.len()).collect();
        assert_eq!(numbers, expected, "each line of {letter} once, none missing");
    }
    assert!(
        page.requests().await.iter().any(|address| address.contains("/logs?since=")),
        "the engine was asked"
    );
    browser.close().await;
    container.remove().await;
}

fn number(line: &str) -> Option<u64> {
    line.rsplit(' ').next()?.parse().ok()
}
