//! A Docker engine to standard output, without a server: how the services of a project are and what they
//! print, a frame of JSON a line.
//!
//! `docker_watch PROJECT` watches the engine that the Docker command line would use. Without an argument
//! it watches a scripted engine until that has printed a line.

use std::sync::Arc;

use futures::StreamExt;
use nself_docker::{
    Container, ContainerState, Docker, DockerConfig, DockerEngine, Engine, LogPipe, ScriptedEngine,
    room_of_project,
};
use nself_examples::Error;
use nself_realtime::clock::{Clock, SystemClock};
use nself_realtime::{Hub, Server, SessionConfig};

/// Prints what a project's room says until a frame has that text.
async fn watch(engine: Arc<dyn Engine>, project: &str, last: Option<&str>) -> Result<(), Error> {
    let hub = Hub::new();
    let docker = Docker::spawn(engine, hub.clone(), DockerConfig::default());
    docker.wait_for_first_list().await;
    let mut reader = Server::new(hub, SessionConfig::default()).connect();
    let types = r#"{"types":["service:status","logs:stream"]}"#;
    let room = room_of_project(project);
    reader.send(format!(r#"{{"type":"subscribe","room":"{room}","data":{types}}}"#)).await;
    while let Some(frame) = reader.next().await {
        let frame = String::from_utf8(frame.to_vec())?;
        println!("{frame}");
        if last.is_some_and(|last| frame.contains(last)) {
            break;
        }
    }
    docker.shutdown().await;
    Ok(())
}

/// An engine with a container that has printed a line.
fn scripted() -> ScriptedEngine {
    let engine = ScriptedEngine::new(SystemClock.timestamp().into());
    let mut container = Container::new("c1", "shop-web-1", ContainerState::Running);
    container.project = Some("shop".to_owned());
    container.service = Some("web".to_owned());
    engine.add(container);
    engine.print("c1", LogPipe::Stdout, "listening on 8080");
    engine
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    match std::env::args().nth(1) {
        Some(project) => watch(Arc::new(DockerEngine::new(None)?), &project, None).await,
        None => watch(Arc::new(scripted()), "shop", Some("listening")).await,
    }
}
