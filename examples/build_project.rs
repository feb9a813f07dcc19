//! A Compose project from its file to running containers.
//!
//! `build_project DIR` builds the project in a folder on the engine that the Docker command line would use. Without
//! an argument it builds a project of its own on a scripted engine.

use std::sync::Arc;

use futures::StreamExt;
use nself_docker::compose::LoadOptions;
use nself_docker::{Build, DockerEngine, Engine, ProjectSource, ScriptedEngine};
use nself_examples::{Error, shop};
use nself_realtime::clock::{Clock, SystemClock};
use nself_realtime::event::BuildProgress;
use nself_realtime::{Hub, Server, SessionConfig};
use serde_json::Value;

/// Builds, and prints each step once and what is printed meanwhile.
async fn build(engine: Arc<dyn Engine>, project: ProjectSource) -> Result<(), Error> {
    let hub = Hub::new();
    let room = hub.open_room(&shop());
    let mut reader = Server::new(hub, SessionConfig::default()).connect();
    reader.send(format!(r#"{{"type":"subscribe","room":"{}"}}"#, shop())).await;
    let building = tokio::spawn(Build::builder(engine, project).on(room).run(interrupted()));
    let mut step = 0;
    while let Some(frame) = reader.next().await {
        let frame: Value = serde_json::from_slice(&frame)?;
        let events = frame.get("events").and_then(Value::as_array).cloned();
        for event in events.unwrap_or_else(|| vec![frame]) {
            if event.get("type").is_none_or(|kind| kind != "build:progress") {
                continue;
            }
            let now = event.get("data").cloned().unwrap_or_default();
            let now: BuildProgress = serde_json::from_value(now)?;
            if now.current_step > step {
                step = now.current_step;
                println!("[{step}/{}] {} ({} %)", now.total_steps, now.step, now.progress);
            }
            for line in &now.logs {
                println!("      {line}");
            }
            if now.status.is_end() {
                println!("{:?}: {}", now.status, now.message.unwrap_or_default());
                return building.await?.map(drop).map_err(Into::into);
            }
        }
    }
    Ok(())
}

/// Comes to its end when somebody presses Ctrl-C.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    if let Some(folder) = std::env::args().nth(1) {
        let options = LoadOptions::new().environment(std::env::vars());
        let engine = Arc::new(DockerEngine::new(None)?);
        return build(engine, ProjectSource::folder(folder, options)).await;
    }
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("compose.yaml"), COMPOSE)?;
    let engine = ScriptedEngine::new(SystemClock.timestamp().into());
    engine.add_image("redis:7", &[]);
    engine.add_image("nginx:1.27", &[]);
    build(Arc::new(engine), ProjectSource::folder(folder.path(), LoadOptions::new())).await
}

const COMPOSE: &str = "
name: shop
services:
  cache: { image: 'redis:7' }
  web: { image: 'nginx:1.27', depends_on: [cache] }
";
