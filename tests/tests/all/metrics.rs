//! `/metrics` tells what happened, as often as it happened.

use std::collections::BTreeSet;
use std::time::Duration;

use nself_tests::server::Server;
use nself_tests::visitor::Visitor;
use nself_tests::wait;
use serde_json::Value;

const DEADLINE: Duration = Duration::from_mins(1);

/// A sample as it stands on the page; none, if there is none of that name with these labels.
async fn sample(local: &Visitor, name: &str) -> Option<f64> {
    let page = local.get("/metrics").await.body;
    let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.map(|value| value.parse().unwrap())
}

async fn until_sample(local: &Visitor, name: &str, holds: impl Fn(f64) -> bool) {
    wait::until(name, DEADLINE, async || match sample(local, name).await {
        Some(value) if holds(value) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
}

fn calls(call: &str, outcome: &str) -> String {
    format!("nself_engine_calls_total{{call=\"{call}\",outcome=\"{outcome}\"}}")
}

#[tokio::test]
async fn what_the_engine_was_asked_is_counted_by_what_came_of_it() {
    let server = Server::start(&["--demo"]).await;
    let local = Visitor::nobody(&server);
    let restarted = calls("restart", "ok");
    assert_eq!(sample(&local, &restarted).await, Some(0.0), "all outcomes are there at once");
    let took = "nself_engine_call_duration_seconds_count{call=\"restart\"}";
    assert_eq!(sample(&local, took).await, None, "what was not measured is absent");
    for (times, service) in [(1.0, "redis"), (2.0, "nginx")] {
        let begun = local.post(&format!("/api/services/demo/{service}/restart"), "{}").await;
        assert_eq!(begun.status, 202, "{}", begun.body);
        until_sample(&local, &restarted, |count| count >= times).await;
        assert_eq!(sample(&local, &restarted).await, Some(times));
        assert_eq!(sample(&local, took).await, Some(times));
    }
    assert_eq!(sample(&local, &calls("stop", "ok")).await, Some(0.0));
    assert_eq!(sample(&local, &calls("version", "unreachable")).await, Some(0.0));
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_counted_as_unreachable() {
    let server = Server::start(&["--docker-host", "unix:///nowhere/engine.sock"]).await;
    let local = Visitor::nobody(&server);
    until_sample(&local, &calls("version", "unreachable"), |count| count >= 2.0).await;
    assert_eq!(sample(&local, &calls("version", "ok")).await, Some(0.0));
    assert_eq!(sample(&local, "nself_engine_online").await, Some(0.0));
}

#[tokio::test]
async fn builds_are_counted_by_their_end_with_the_time_that_they_took() {
    let server = Server::start(&["--demo"]).await;
    let local = Visitor::nobody(&server);
    let ended = async || {
        let begun = local.post("/api/build", "{}").await;
        let begun: Value = serde_json::from_str(&begun.body).unwrap();
        let one = format!("/api/build/{}", begun["buildId"].as_str().unwrap());
        wait::until("the build to end", DEADLINE, async || {
            let report = local.get_json(&one).await;
            let status = report["status"].as_str().unwrap();
            if status == "complete" { Ok(report) } else { Err(report.to_string()) }
        })
        .await
    };
    let seconds = |ms: &Value| Duration::from_millis(ms.as_u64().unwrap()).as_secs_f64();
    let count = "nself_build_duration_seconds_count{outcome=\"complete\"}";
    assert_eq!(sample(&local, count).await, Some(0.0));
    let first = ended().await;
    assert_eq!(sample(&local, count).await, Some(1.0));
    let sum = sample(&local, "nself_build_duration_seconds_sum{outcome=\"complete\"}").await;
    assert_eq!(sum, Some(seconds(&first["elapsedMs"])));
    let start = sample(&local, "nself_build_step_duration_seconds_sum{step=\"start\"}").await;
    assert_eq!(start, Some(seconds(&first["steps"][5]["elapsedMs"])));
    // What the report says was done was asked of the engine.
    let made = first["made"].as_array().unwrap();
    for (kind, call) in [("container ", "create"), ("network ", "create_network")] {
        let count = made.iter().filter(|made| made.as_str().unwrap().starts_with(kind)).count();
        let count = f64::from(u32::try_from(count).unwrap());
        assert!(count > 0.0, "{kind} in {made:?}");
        assert_eq!(sample(&local, &calls(call, "ok")).await, Some(count), "{call}");
    }
    ended().await;
    assert_eq!(sample(&local, count).await, Some(2.0));
    for end in ["failed", "cancelled"] {
        let count = format!("nself_build_duration_seconds_count{{outcome=\"{end}\"}}");
        assert_eq!(sample(&local, &count).await, Some(0.0));
    }
}

/// Every name in a text that begins as those of metrics do.
fn names_in(text: &str) -> BTreeSet<&str> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = text.split(|letter| !is_part(letter));
    // `nself_admin` and its kin are modules, not metrics.
    words.filter(|word| word.starts_with("nself_") && !word.starts_with("nself_admin")).collect()
}

#[tokio::test]
async fn the_dashboard_and_the_documentation_name_the_metrics_that_there_are() {
    let server = Server::start(&["--demo"]).await;
    let page = Visitor::nobody(&server).get("/metrics").await.body;
    let samples = page.lines().filter(|line| !line.starts_with('#'));
    let samples: BTreeSet<&str> =
        samples.filter_map(|line| line.split(['{', ' ']).next()).collect();
    let histograms: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" histogram"))
        .collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");
    let dashboard = std::fs::read_to_string(format!("{folder}/grafana.json")).unwrap();
    let asked = names_in(&dashboard);
    let unknown: Vec<_> = asked.difference(&samples).collect();
    assert!(unknown.is_empty(), "the dashboard asks for {unknown:?}");

    let named: BTreeSet<String> = samples
        .iter()
        .map(|sample| {
            let of = histograms.iter().find(|histogram| sample.starts_with(**histogram));
            (*of.unwrap_or(sample)).to_owned()
        })
        .collect();
    let operating = std::fs::read_to_string(format!("{folder}/operating.md")).unwrap();
    let (_, section) = operating.split_once("## Metrics").unwrap();
    let (table, _) = section.split_once("\n## ").unwrap();
    let documented: BTreeSet<String> = names_in(table).into_iter().map(str::to_owned).collect();
    assert_eq!(documented, named);
}
