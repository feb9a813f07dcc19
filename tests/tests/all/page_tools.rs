//! What one can do on the pages: search, choose, pause, go by keys; what of it a reload comes back to.

use std::time::Duration;

use nself_tests::browser::Browser;
use nself_tests::missing::{Need, can_run};
use nself_tests::page::Page;
use nself_tests::server::Server;
use nself_tests::visitor::Visitor;
use nself_tests::wait;
use serde_json::json;

const PATIENCE: Duration = Duration::from_mins(1);

struct Scene {
    server: Server,
    browser: Browser,
}

impl Scene {
    async fn stand() -> Option<Self> {
        if !can_run(&[Need::Browser]) {
            return None;
        }
        Some(Self { server: Server::start(&["--demo"]).await, browser: Browser::start().await })
    }

    async fn open(&self, path: &str) -> Page<'_> {
        Page::open(&self.browser, &self.server.url(path)).await
    }

    async fn until(&self, what: &str, expression: &str) {
        self.browser.wait_until(what, PATIENCE, expression).await;
    }
}

#[tokio::test]
async fn a_reload_comes_back_to_the_page_its_filters_and_its_connection() {
    let Some(scene) = Scene::stand().await else { return };
    let page = scene.open("/logs/demo/functions").await;
    page.holds_lines(10).await;
    page.enter("#search", "/finished in \\d+/").await;
    page.enter("select[name=level]", "info").await;
    page.click_on("[data-tool=wrap]").await;
    scene.until("lines that match", "document.querySelectorAll('.log-line mark').length > 0").await;
    let chosen = scene.browser.run("return location.search").await;
    scene.browser.run("location.reload()").await;
    page.badge_is("green", "live").await;
    scene.until("the same lines", "document.querySelectorAll('.log-line mark').length > 0").await;
    assert_eq!(scene.browser.run("return location.search").await, chosen);
    let search = "return document.querySelector('#search').value + document.querySelector('select[name=level]').value";
    assert_eq!(scene.browser.run(search).await, "/finished in \\d+/info");
    let others = "return [...document.querySelectorAll('.log-line')].some(line => !/finished in/.test(line.textContent))";
    assert_eq!(scene.browser.run(others).await, false);
    assert_eq!(page.text("#here").await, "", "a reload is no second session");
    scene.browser.close().await;
}

#[tokio::test]
async fn a_paused_log_stands_still_and_counts_what_waits() {
    let Some(scene) = Scene::stand().await else { return };
    let page = scene.open("/logs/demo/nginx").await;
    page.holds_lines(10).await;
    page.press(" ").await;
    scene
        .until(
            "the count of what waits",
            "/Resume · [1-9]/.test(document.querySelector('#pause').textContent)",
        )
        .await;
    let before = page.copied_lines().await;
    let waiting =
        "Number(document.querySelector('#pause').textContent.match(/(\\d+) waiting/)[1]) >= 4";
    scene.until("four lines to wait", waiting).await;
    assert_eq!(page.copied_lines().await, before);
    page.press(" ").await;
    scene
        .until("the log to go on", "document.querySelector('#pause').textContent === 'Pause'")
        .await;
    let after = page.copied_lines().await;
    assert!(
        after.len() >= before.len() + 4 && after.starts_with(&before[..]),
        "{} then {}",
        before.len(),
        after.len()
    );
    scene.browser.close().await;
}

#[tokio::test]
async fn logs_of_several_services_are_one_in_the_order_of_time() {
    let Some(scene) = Scene::stand().await else { return };
    let page = scene.open("/logs/demo/nginx").await;
    page.holds_lines(10).await;
    page.click_on(".menu input[value=postgres]").await;
    scene
        .until("both services in the address", "location.pathname === '/logs/demo/nginx,postgres'")
        .await;
    scene.until("lines of both", "new Set([...document.querySelectorAll('.log-line .service')].map(name => name.textContent)).size === 2").await;
    let lines = page.copied_lines().await;
    let times: Vec<_> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    assert!(times.is_sorted(), "{times:?}");
    page.enter("#search", "a").await;
    let title = "return document.title";
    assert_eq!(scene.browser.run(title).await, "nginx, postgres · demo · nself-admin");
    for (key, address) in [("d", "/"), ("l", "/logs/demo/nginx,postgres?q=a")] {
        page.press("g").await;
        page.press(key).await;
        let is_there = format!("location.pathname + location.search === '{address}'");
        scene.until(address, &is_there).await;
    }
    scene.browser.close().await;
}

#[tokio::test]
async fn a_log_that_cannot_be_copied_says_so() {
    let Some(scene) = Scene::stand().await else { return };
    let page = scene.open("/logs/demo/nginx").await;
    page.holds_lines(1).await;
    // As over plain http.
    scene.browser.run("Object.defineProperty(navigator, 'clipboard', { value: undefined })").await;
    page.click_on("[data-tool=copy]").await;
    let told = page.shows("#toasts .toast").await;
    assert!(told.starts_with("Nothing was copied"), "{told}");
    scene.browser.close().await;
}

#[tokio::test]
async fn who_scrolls_up_stays_there_until_the_newest_is_asked_for() {
    let Some(scene) = Scene::stand().await else { return };
    let page = scene.open("/logs/demo/nginx").await;
    page.holds_lines(60).await;
    scene.browser.run("document.querySelector('#log').scrollTop = 100").await;
    scene.until("the button", "!document.querySelector('#jump').hidden").await;
    page.holds_lines(page.held_lines().await + 4).await;
    assert_eq!(scene.browser.run("return document.querySelector('#log').scrollTop").await, 100);
    page.click_on("#jump").await;
    scene.until("the end", "(log => log.scrollHeight - log.clientHeight - log.scrollTop < 20)(document.querySelector('#log'))").await;
    scene.until("no button", "document.querySelector('#jump').hidden").await;
    scene.browser.close().await;
}

#[tokio::test]
async fn the_dashboard_shows_what_is_looked_for() {
    let Some(scene) = Scene::stand().await else { return };
    let page = scene.open("/?q=postg").await;
    scene
        .until("one card", "document.querySelectorAll('article.card:not(.skeleton)').length === 1")
        .await;
    assert_eq!(page.statuses("demo").await[0].0, "postgres");
    page.enter("#search", "no such thing").await;
    scene.until("a word on it", "document.querySelector('.empty:not([hidden]) h2')?.textContent === 'No service is what you look for'").await;
    page.enter("#search", "").await;
    page.click("demo", "redis", "stop").await;
    page.status_is("demo", "redis", "stopped").await;
    page.enter("#search", "").await;
    scene.until("the status to choose", "[...document.querySelectorAll('.chip:not([hidden])')].some(chip => /1 stopped/.test(chip.textContent))").await;
    scene.browser.run("[...document.querySelectorAll('.chip')].find(chip => /stopped/.test(chip.textContent)).click()").await;
    scene.until("the stopped one", "[...document.querySelectorAll('article.card')].map(card => card.dataset.service).join() === 'redis'").await;
    scene.browser.close().await;
}

#[tokio::test]
async fn all_services_of_a_project_are_stopped_and_started_by_one_button() {
    let Some(scene) = Scene::stand().await else { return };
    let page = scene.open("/").await;
    page.first_project().await;
    let all = |status: &str| {
        format!(
            "(cards => cards.length === 6 && cards.every(card => card.dataset.status === '{status}'))([...document.querySelectorAll('article.card')])"
        )
    };
    scene.until("the button", "document.querySelector('[data-project-action=stop]:enabled')").await;
    page.click_on("[data-project-action=stop]:enabled").await;
    scene.until("all to stop", &all("stopped")).await;
    page.click_on("[data-project-action=start]:enabled").await;
    scene.until("all to run", &all("running")).await;
    scene.browser.close().await;
}

#[tokio::test]
async fn the_monitor_draws_sorts_and_tells_what_is_pointed_at() {
    let Some(scene) = Scene::stand().await else { return };
    let page = scene.open("/monitor?minutes=1").await;
    scene
        .until(
            "six rows with samples",
            "document.querySelectorAll('.containers .sparkline path').length >= 12 && \
             [...document.querySelectorAll('.containers .sparkline path')].every(path => path.getAttribute('d').split('L').length > 4)",
        )
        .await;
    let colors = "(canvas => { const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const seen = new Set(); for (let at = 0; at < data.length; at += 4)
          if (data[at + 3] > 250 && Math.max(data[at], data[at+1], data[at+2]) - Math.min(data[at], data[at+1], data[at+2]) > 60)
            seen.add(`${data[at]} ${data[at + 1]} ${data[at + 2]}`);
        return seen.size >= 4; })(document.querySelector('.chart canvas'))";
    scene.until("lines in colours of their own", colors).await;
    scene.browser.run("document.querySelector('[data-column=memory] button').click()").await;
    scene.until("the order in the address", "location.search.includes('sort=-memory')").await;
    scene.until("the largest first", "document.querySelector('.containers tbody th').textContent.startsWith('demo-postgres-1')").await;
    let point = "document.querySelector('.chart canvas').dispatchEvent(new PointerEvent('pointermove', { clientX: 0, clientY: 0, bubbles: true }));
        const canvas = document.querySelector('.chart canvas'); const box = canvas.getBoundingClientRect();
        canvas.dispatchEvent(new PointerEvent('pointermove', { clientX: box.right - 20, clientY: box.top + 20, bubbles: true }))";
    scene.browser.run(point).await;
    scene
        .until(
            "the values there",
            "/demo-postgres-1 [\\d.]+ %/.test(document.querySelector('.chart-values').textContent)",
        )
        .await;
    page.press(" ").await;
    scene
        .until(
            "the pause",
            "document.querySelector('#pause').getAttribute('aria-pressed') === 'true'",
        )
        .await;
    scene.browser.close().await;
}

#[tokio::test]
async fn a_container_that_came_later_stays_drawn_when_another_one_is_unticked() {
    let Some(scene) = Scene::stand().await else { return };
    let visitor = Visitor::nobody(&scene.server);
    // It has no samples: nobody has looked yet.
    visitor.post("/api/services/demo/redis/stop", "{}").await;
    wait::until("redis to stop", PATIENCE, async || {
        let told = visitor.get_json("/api/services/demo/redis").await;
        if told["containers"][0]["state"] == "exited" { Ok(()) } else { Err(told.to_string()) }
    })
    .await;
    scene.open("/monitor").await;
    let rows =
        |count| format!("document.querySelectorAll('.containers tbody tr').length === {count}");
    scene.until("all but one", &rows(5)).await;
    visitor.post("/api/services/demo/redis/start", "{}").await;
    scene.until("all", &rows(6)).await;
    scene.browser.run("document.querySelector('.containers tbody input').click()").await;
    let drawn = "[...document.querySelectorAll('.containers tbody input:checked')].length === 5";
    scene.until("five to be drawn", drawn).await;
    scene.browser.close().await;
}

#[tokio::test]
async fn the_link_that_skips_the_header_leads_to_the_page() {
    let Some(scene) = Scene::stand().await else { return };
    let page = scene.open("/?q=redis").await;
    page.first_project().await;
    let skipped = "const card = document.querySelector('article.card');
        document.querySelector('.skip').click();
        return [document.activeElement.id, card.isConnected, location.pathname + location.search + location.hash]";
    let expected = json!(["page", true, "/?q=redis"]);
    assert_eq!(scene.browser.run(skipped).await, expected);
    scene.browser.close().await;
}

#[tokio::test]
async fn keys_lead_to_the_pages_and_to_the_search() {
    let Some(scene) = Scene::stand().await else { return };
    let page = scene.open("/").await;
    page.first_project().await;
    for (key, path) in [("m", "/monitor"), ("d", "/"), ("l", "/logs/demo/auth")] {
        page.press("g").await;
        page.press(key).await;
        scene.until(path, &format!("location.pathname === '{path}'")).await;
    }
    scene.until("the log", "document.querySelector('#search')").await;
    page.press("/").await;
    scene.until("the search", "document.activeElement.id === 'search'").await;
    page.press("?").await;
    scene.until("the keys", "document.querySelector('#help').open").await;
    scene.browser.close().await;
}

#[tokio::test]
async fn tabs_are_independent_and_see_each_other() {
    let Some(scene) = Scene::stand().await else { return };
    let page = scene.open("/").await;
    let other = Browser::start().await;
    let theirs = Page::open(&other, &scene.server.url("/monitor")).await;
    scene.until("the other one", "document.querySelectorAll('#here li').length === 1").await;
    scene
        .until("where it is", "/is on \\/monitor/.test(document.querySelector('#here li').title)")
        .await;
    theirs.shows(".containers tbody tr").await;
    theirs.press("g").await;
    theirs.press("l").await;
    let another = "document.querySelector('.menu input[value=nginx]')";
    other.wait_until("another service", PATIENCE, another).await;
    other.run(&format!("{another}.click()")).await;
    let there =
        "/is on \\/logs\\/demo\\/auth,nginx/.test(document.querySelector('#here li').title)";
    scene.until("where it is then", there).await;
    assert_eq!(page.text("h1").await, "Dashboard");
    other.close().await;
    scene.until("that it left", "document.querySelectorAll('#here li').length === 0").await;
    scene.browser.close().await;
}

#[tokio::test]
async fn older_lines_come_from_the_engine_until_there_are_none() {
    let Some(scene) = Scene::stand().await else { return };
    let page = scene.open("/logs/demo/nginx").await;
    page.holds_lines(10).await;
    let first = page.copied_lines().await.swap_remove(0);
    for _ in 0..100 {
        let text = page.text("[data-tool=older]").await;
        if text == "No older lines" {
            break;
        }
        assert_eq!(text, "Load older");
        page.click_on("[data-tool=older]").await;
        scene
            .until(
                "an answer",
                "document.querySelector('[data-tool=older]').textContent !== 'Loading…'",
            )
            .await;
    }
    assert_eq!(page.text("[data-tool=older]").await, "No older lines");
    let lines = page.copied_lines().await;
    let times: Vec<_> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert!(lines.contains(&first));
    let different: std::collections::HashSet<_> = lines.iter().collect();
    assert_eq!(different.len(), lines.len(), "no line comes twice");
    scene.browser.close().await;
}

#[tokio::test]
async fn the_scale_of_a_chart_follows_what_is_drawn() {
    let Some(scene) = Scene::stand().await else { return };
    scene.open("/monitor?minutes=1&pick=-").await;
    let scale = "(canvas => canvas.width > 300 && canvas.getContext('2d').getImageData(0, 0, 60, canvas.height).data
        .reduce((hash, value) => (hash * 31 + value) | 0, 7))(document.querySelectorAll('.chart canvas')[1])";
    scene.until("a chart of nothing", &format!("window.scaleOfNothing = {scale}")).await;
    scene.until("a row", "document.querySelector('.containers tbody input')").await;
    scene.browser.run("document.querySelector('.containers tbody input').click()").await;
    scene.until("the scale of a container", &format!("{scale} !== window.scaleOfNothing")).await;
    scene.browser.close().await;
}
