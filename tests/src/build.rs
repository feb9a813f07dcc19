//! Builds of a project on an engine, and what they tell.

use std::path::Path;
use std::sync::Arc;

use futures::StreamExt;
use nself_docker::compose::LoadOptions;
use nself_docker::{Build, BuildError, BuildReport, DockerEngine, ProjectSource};
use nself_realtime::event::{BuildProgress, ProgressStatus};
use nself_realtime::{Hub, RoomName, Server, SessionConfig};
use serde_json::Value;
use tokio::sync::watch;

/// A build that has ended.
#[derive(Debug)]
pub struct Built {
    /// What it gave back.
    pub outcome: Result<BuildReport, BuildError>,
    /// What it told, in order.
    pub events: Vec<BuildProgress>,
}

impl Built {
    /// The last event, which is its end.
    pub fn end(&self) -> &BuildProgress {
        self.events.last().expect("a build tells of its end")
    }

    /// Why it failed.
    pub fn error(&self) -> &str {
        self.end().error.as_deref().unwrap_or_default()
    }

    /// All output.
    pub fn logs(&self) -> Vec<&str> {
        self.events.iter().flat_map(|event| &event.logs).map(String::as_str).collect()
    }
}

/// Builds the project of a folder, until `cancel_when` holds for an event, and checks what holds for
/// every build.
pub async fn build(
    host: &str,
    folder: &Path,
    mut cancel_when: impl FnMut(&BuildProgress) -> bool,
) -> Built {
    let hub = Hub::new();
    let name = RoomName::new("built").expect("it is a name");
    let room = hub.open_room(&name);
    let mut reader = Server::new(hub, SessionConfig::default()).connect();
    reader.send(format!(r#"{{"type":"subscribe","room":"{name}"}}"#)).await;
    let engine = Arc::new(DockerEngine::new(Some(host)).expect("the address is one"));
    let project = ProjectSource::folder(folder, LoadOptions::new());
    let (cancel, mut cancelled) = watch::channel(false);
    let build = Build::builder(engine, project).on(room);
    let building = tokio::spawn(build.run(async move {
        if cancelled.wait_for(|cancelled| *cancelled).await.is_err() {
            std::future::pending::<()>().await;
        }
    }));
    let mut events: Vec<BuildProgress> = Vec::new();
    while !events.last().is_some_and(|event| event.status.is_end()) {
        let frame = reader.next().await.expect("the room is open");
        let frame: Value = serde_json::from_slice(&frame).expect("frames are JSON");
        let single = vec![frame.clone()];
        let told = frame.get("events").and_then(Value::as_array).cloned().unwrap_or(single);
        for event in told
            .into_iter()
            .filter(|event| event.get("type").is_some_and(|kind| kind == "build:progress"))
        {
            let event = serde_json::from_value(event.get("data").cloned().unwrap_or_default())
                .expect("it is a payload");
            if cancel_when(&event) {
                cancel.send_replace(true);
            }
            events.push(event);
        }
    }
    let outcome = building.await.expect("a build does not panic");
    let whole = Built { outcome, events };
    whole.check();
    whole
}

impl Built {
    fn check(&self) {
        let before = self.events.iter().rev().skip(1);
        assert!(before.clone().all(|event| !event.status.is_end()), "{:#?}", self.events);
        assert!(self.events.is_sorted_by(|a, b| a.progress <= b.progress), "{:#?}", self.events);
        assert!(self.events.is_sorted_by(|a, b| a.current_step <= b.current_step));
        assert!(self.events.is_sorted_by(|a, b| a.elapsed_ms <= b.elapsed_ms));
        let end = self.end();
        assert_eq!(end.progress >= 100.0, end.status == ProgressStatus::Complete, "{end:#?}");
        assert_eq!(self.outcome.is_ok(), end.status == ProgressStatus::Complete);
        assert_eq!(end.error.is_some(), end.status == ProgressStatus::Failed);
    }
}
