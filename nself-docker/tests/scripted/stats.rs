//! `docker:stats`: one stream per container, while somebody looks.

use std::time::Duration;

use nself_docker::{Engine as _, Usage};
use serde_json::json;

use crate::stage::{Stage, WEB, all};

const STATS: &str = "docker:stats";

#[tokio::test(start_paused = true)]
async fn the_first_sample_has_no_processor_time_and_the_next_ones_do() {
    let stage = Stage::with_web().await;
    let usage = Usage { cpu_percent: 150, memory: 1_000, received: 10, sent: 20, pids: 3 };
    stage.engine.set_usage(WEB, usage);
    let mut reader = stage.read("shop");
    reader.until("samples", |seen| all(seen, STATS, "containerId").len() == 3).await;
    let samples: Vec<_> =
        reader.seen.iter().filter(|event| event.kind == STATS).map(|event| &event.data).collect();
    assert_eq!(samples[0]["stats"]["cpu"], json!(null));
    assert_eq!(samples[1]["stats"]["cpu"], json!(150.0));
    assert_eq!(samples[2]["stats"]["memory"], json!(1_000));
    assert_eq!(samples[2]["containerName"], json!("shop-web-container"));
    assert_eq!(samples[2]["service"], json!("web"));
}

#[tokio::test(start_paused = true)]
async fn many_viewers_cost_one_stream_and_none_costs_nothing() {
    let stage = Stage::with_web().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(stage.engine.open_stats_streams(), 0);
    let filter = r#"{"types":["docker:stats"],"keys":["web-container"]}"#;
    let mut readers: Vec<_> = (0..5).map(|_| stage.read_only("shop", filter)).collect();
    for reader in &mut readers {
        reader.until("a sample", |seen| !seen.is_empty()).await;
    }
    assert_eq!(stage.engine.open_stats_streams(), 1);
    assert_eq!(stage.engine.open_log_streams(), 0);
    readers.clear();
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(stage.engine.open_stats_streams(), 1, "lingers for whoever reloads");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(stage.engine.open_stats_streams(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_samples_of_a_container_outlive_it_for_five_minutes() {
    let stage = Stage::with_web().await;
    let mut reader = stage.read("shop");
    reader.until("a sample", |seen| !all(seen, STATS, "containerId").is_empty()).await;
    stage.engine.stop(WEB).await.unwrap();
    stage.engine.remove(WEB);
    reader.during(Duration::from_secs(290)).await;
    let mut late = stage.read("shop");
    late.during(Duration::from_secs(1)).await;
    assert!(!late.all(STATS, "containerId").is_empty(), "what became of it can be seen");
    reader.during(Duration::from_secs(20)).await;
    let mut later = stage.read("shop");
    later.during(Duration::from_secs(1)).await;
    assert!(later.all(STATS, "containerId").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stopped_container_has_no_samples_and_a_new_run_begins_anew() {
    let stage = Stage::with_web().await;
    let mut reader = stage.read("shop");
    reader.during(Duration::from_secs(3)).await;
    stage.engine.stop(WEB).await.unwrap();
    reader.during(Duration::from_secs(1)).await;
    assert_eq!(stage.engine.open_stats_streams(), 0);
    let before = reader.all(STATS, "containerId").len();
    reader.during(Duration::from_secs(5)).await;
    assert_eq!(reader.all(STATS, "containerId").len(), before);
    stage.engine.start(WEB).await.unwrap();
    reader.until("a sample", |seen| all(seen, STATS, "containerId").len() > before).await;
    let first = reader.seen.iter().rfind(|event| event.kind == STATS).unwrap();
    assert_eq!(first.data["stats"]["cpu"], json!(null));
}
