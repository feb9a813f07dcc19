//! How fast the page is, measured by the browser itself and printed; nothing here fails for being slow.

use std::time::Duration;

use nself_tests::browser::Browser;
use nself_tests::container::Recipe;
use nself_tests::missing::{Need, can_run};
use nself_tests::on_engine::OnEngine;
use nself_tests::page::Page;
use nself_tests::server::Server;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_mins(3);

/// Notes long tasks, and how late each key is handled and painted.
const MEASURE: &str = "
    const measured = window.measured = { longest: 0, long: 0, handled: [], painted: [] };
    new PerformanceObserver(list => list.getEntries().forEach(({ duration }) => {
      measured.long += 1;
      measured.longest = Math.max(measured.longest, duration);
    })).observe({ type: 'longtask' });
    addEventListener('keydown', event => {
      measured.handled.push(performance.now() - event.timeStamp);
      requestAnimationFrame(() => setTimeout(() => measured.painted.push(performance.now() - event.timeStamp)));
    }, true);
    measured.start = performance.now();";

#[tokio::test]
#[ignore = "a measurement of a minute, for a machine that does nothing else"]
async fn five_thousand_lines_a_second_for_a_minute() {
    let Some(on) = OnEngine::stand().await else { return };
    let browser = &on.browser;
    let recipe = Recipe::new("speed", "printer", &["/printer", "steady", "500", "650"]);
    let container = recipe.start(&on.docker).await;
    let page = on.open("/logs/speed/printer").await;
    page.holds_lines(2_000).await;
    browser.run(MEASURE).await;
    let mut heaps = Vec::new();
    for second in 1..=60 {
        let passed = format!("performance.now() - measured.start >= {}", second * 1_000);
        browser.wait_until("the next second", PATIENCE, &passed).await;
        press(browser, "Shift").await;
        if second % 20 == 0 {
            heaps.push(browser.heap().await);
        }
    }
    let measured = browser.run("return measured").await;
    let count = page.text(".log-count").await;
    let gaps = browser.run("return document.querySelectorAll('.log-marker').length").await;
    println!("5,000 lines a second for a minute: {count}, {gaps} markers in sight");
    println!(
        "tasks over 50 ms: {}, longest {:.0} ms",
        measured["long"],
        number(&measured["longest"])
    );
    println!("published → painted, as the page reads it out: {}", page.text("#latency").await);
    println!("heap at 20, 40 and 60 s, collected: {heaps:.1?} MiB");
    for what in ["handled", "painted"] {
        println!("a key is {what} after: {}", spread(&measured[what]));
    }
    println!(
        "elements in the document: {}",
        browser.run("return document.querySelectorAll('*').length").await
    );
    on.browser.close().await;
    container.remove().await;
}

#[tokio::test]
async fn the_first_load_and_what_it_transfers() {
    if !can_run(&[Need::Browser]) {
        return;
    }
    let script = "
        const entries = performance.getEntries().filter(entry => 'transferSize' in entry && !entry.name.includes('/api/'));
        const sum = field => entries.reduce((total, entry) => total + entry[field], 0);
        const [{ responseEnd, domContentLoadedEventEnd }] = performance.getEntriesByType('navigation');
        return { files: entries.length, transferred: sum('transferSize'), whole: sum('decodedBodySize'),
          document: responseEnd, last: Math.max(...entries.map(entry => entry.responseEnd)),
          ready: domContentLoadedEventEnd };";
    let browser = Browser::start().await;
    // Each server is an origin of its own, of which the browser has nothing.
    for browser_is in ["just started", "at work"] {
        let server = Server::start(&["--demo"]).await;
        Page::open(&browser, &server.url("/")).await.first_project().await;
        let load = browser.run(script).await;
        let figure = |name: &str| number(&load[name]);
        println!(
            "first load, the browser {browser_is}: {} files, {:.1} KiB transferred, {:.1} KiB unpacked; the document after \
             {:.0} ms, the last file after {:.0} ms, interactive after {:.0} ms",
            load["files"],
            figure("transferred") / 1_024.0,
            figure("whole") / 1_024.0,
            figure("document"),
            figure("last"),
            figure("ready")
        );
        assert!(figure("transferred") > 0.0);
    }
    browser.close().await;
}

/// Notes of each live event how long it took from its publication until the frame after it was on the screen.
const NOTE_PAINTING: &str = "
    const painted = window.painted = [];
    const after = new MessageChannel();
    let waiting = [], told = [];
    after.port2.onmessage = () => {
      const now = performance.timeOrigin + performance.now();
      painted.push(...told.splice(0).map(published => now - published));
    };
    const frame = () => { told.push(...waiting.splice(0)); after.port1.postMessage(undefined); };
    const note = ({ data }) => {
      const { type, events, seq, timestamp } = JSON.parse(data);
      const live = type === 'batch' ? events : seq !== undefined ? [{ timestamp }] : [];
      if (live.length > 0 && waiting.length === 0) requestAnimationFrame(frame);
      waiting.push(...live.map(event => Date.parse(event.timestamp)));
    };
    window.WebSocket = class extends WebSocket {
      constructor(...how) { super(...how); this.addEventListener('message', note); }
    };";

#[tokio::test]
async fn from_publication_to_the_screen_over_a_thousand_events() {
    let Some(on) = OnEngine::stand().await else { return };
    let browser = &on.browser;
    browser.run_before_each_page(NOTE_PAINTING).await;
    let recipe = Recipe::new("painted", "printer", &["/printer", "steady", "10", "3000"]);
    let container = recipe.start(&on.docker).await;
    let page = on.open("/logs/painted/printer").await;
    // What was printed before is history, and older than the page.
    page.holds_lines(200).await;
    browser.run("painted.length = 0").await;
    browser.wait_until("a thousand events", PATIENCE, "painted.length >= 1000").await;
    let measured = browser.run("return painted.slice(0, 1000)").await;
    println!("published → painted: {}", spread(&measured));
    println!("as the page reads it out: {}", page.text("#latency").await);
    on.browser.close().await;
    container.remove().await;
}

#[tokio::test]
#[ignore = "half an hour of streaming, for a machine that does nothing else; scripts/test --full"]
async fn half_an_hour_of_streaming() {
    let Some(on) = OnEngine::stand().await else { return };
    let minutes = std::env::var("NSELF_STREAM_MINUTES").map_or(30, |text| text.parse().unwrap());
    let browser = &on.browser;
    let lines = (minutes * 60_u32 + 60) * 10;
    let recipe = Recipe::new("soak", "printer", &["/printer", "steady", "500", &lines.to_string()]);
    let container = recipe.start(&on.docker).await;
    let page = on.open("/logs/soak/printer").await;
    page.holds_lines(2_000).await;
    browser.run("window.begun = performance.now()").await;
    for minute in 1..=minutes {
        let passed = format!("performance.now() - begun >= {}", u64::from(minute) * 60_000);
        browser.wait_until("the next minute", PATIENCE, &passed).await;
        let elements = browser.run("return document.querySelectorAll('*').length").await;
        println!(
            "minute {minute}: heap {:.1} MiB, {elements} elements, {}, {}",
            browser.heap().await,
            page.text(".log-count").await,
            page.text("#latency").await
        );
    }
    assert_eq!(browser.console(), Vec::<String>::new());
    on.browser.close().await;
    container.remove().await;
}

async fn press(browser: &Browser, key: &str) {
    for kind in ["keyDown", "keyUp"] {
        browser.devtools("Input.dispatchKeyEvent", json!({"type": kind, "key": key})).await;
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn spread(values: &Value) -> String {
    let mut values: Vec<f64> = values.as_array().into_iter().flatten().map(number).collect();
    values.sort_by(f64::total_cmp);
    let at = |part: usize| {
        values.get((values.len().saturating_sub(1)) * part / 100).copied().unwrap_or(f64::NAN)
    };
    format!(
        "median {:.1} ms, p99 {:.1} ms, longest {:.1} ms, of {}",
        at(50),
        at(99),
        at(100),
        values.len()
    )
}
