//! A scripted engine, a hub, the crate between them, and a reader that collects what is published.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use nself_docker::{
    Container, ContainerState, Docker, DockerConfig, EngineError, LogPipe, ScriptedEngine,
};
use nself_realtime::auth::{Access, Identity};
use nself_realtime::clock::TokioClock;
use nself_realtime::{Hub, NanoTimestamp, Peer, SessionConfig};
use serde_json::Value;
use tokio::time::{Instant, sleep};

pub(crate) const WEB: &str = "web-container";

/// Everything a test needs.
pub(crate) struct Stage {
    pub(crate) engine: ScriptedEngine,
    pub(crate) hub: Hub,
    pub(crate) docker: Docker,
}

impl Stage {
    /// An engine with one running container: service `web` of the project `shop`.
    pub(crate) async fn with_web() -> Self {
        let engine = engine();
        engine.add(web(WEB));
        Self::with(engine).await
    }

    /// That engine, and everything known that it has to tell.
    pub(crate) async fn with(engine: ScriptedEngine) -> Self {
        let stage = Self::begin(engine);
        stage.docker.wait_for_first_list().await;
        stage
    }

    /// That engine, and nothing known yet.
    pub(crate) fn begin(engine: ScriptedEngine) -> Self {
        let hub = Hub::builder().clock(TokioClock::starting_at(start().into())).build();
        let shared = Arc::new(engine.clone());
        let docker = Docker::spawn(shared, hub.clone(), DockerConfig::default());
        Self { engine, hub, docker }
    }

    /// A reader of everything in a room.
    pub(crate) fn read(&self, room: &str) -> Reader {
        self.read_only(room, "{}")
    }

    /// A reader of what a filter asks for.
    pub(crate) fn read_only(&self, room: &str, filter: &str) -> Reader {
        let now = Instant::now().into_std();
        let mut peer = Peer::new(
            self.hub.clone(),
            SessionConfig::default(),
            Access::default(),
            Identity::guest(),
            now,
        );
        let subscribe = format!(r#"{{"type":"subscribe","id":1,"room":"{room}","data":{filter}}}"#);
        peer.handle_text(now, &subscribe);
        Reader { peer, seen: Vec::new(), missed: 0 }
    }

    pub(crate) fn print(&self, line: &str) {
        self.engine.print(WEB, LogPipe::Stdout, line);
    }
}

/// Reads like a page does, and keeps what it has read.
pub(crate) struct Reader {
    peer: Peer,
    pub(crate) seen: Vec<Event>,
    /// How many events the gaps counted that it was told of.
    pub(crate) missed: u64,
}

/// An event as a reader sees it.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) data: Value,
}

impl Reader {
    /// Reads until that holds for what was seen; panics after a minute of virtual time.
    pub(crate) async fn until(&mut self, what: &str, holds: impl Fn(&[Event]) -> bool) {
        for _ in 0..6_000 {
            self.take();
            if holds(&self.seen) {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("{what} did not happen; seen: {:#?}", self.seen);
    }

    /// Reads for that long.
    pub(crate) async fn during(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.take();
            sleep(Duration::from_millis(20)).await;
        }
        self.take();
    }

    /// The values of a field of all events of a kind, in order.
    pub(crate) fn all(&self, kind: &str, field: &str) -> Vec<String> {
        all(&self.seen, kind, field)
    }

    /// The texts of lines and markers, in order.
    pub(crate) fn log(&self) -> Vec<String> {
        log(&self.seen)
    }

    fn take(&mut self) {
        let now = Instant::now().into_std();
        self.peer.handle_alive(Instant::now().into_std());
        if self.peer.poll_timeout() <= now {
            self.peer.handle_timeout(now);
        }
        let mut frames = Vec::new();
        while self.peer.poll_transmit(now, Waker::noop(), &mut frames)
            == nself_realtime::Transmit::Frames
        {}
        for frame in frames {
            let frame: Value = serde_json::from_slice(&frame).unwrap();
            if frame["type"] == "gap" {
                self.missed += frame["data"]["missed"].as_u64().unwrap();
            }
            match frame.get("events").and_then(Value::as_array) {
                Some(events) => self.seen.extend(events.iter().map(Event::new)),
                None if frame.get("seq").is_some() => self.seen.push(Event::new(&frame)),
                None => {}
            }
        }
    }
}

impl Event {
    fn new(frame: &Value) -> Self {
        let kind = frame["type"].as_str().unwrap().to_owned();
        Self { kind, data: frame["data"].clone() }
    }

    pub(crate) fn text(&self, field: &str) -> String {
        self.data[field].as_str().unwrap_or_default().to_owned()
    }
}

pub(crate) fn all(seen: &[Event], kind: &str, field: &str) -> Vec<String> {
    seen.iter().filter(|event| event.kind == kind).map(|event| event.text(field)).collect()
}

pub(crate) fn log(seen: &[Event]) -> Vec<String> {
    seen.iter()
        .filter(|event| event.kind == "logs:stream")
        .map(|event| match event.text("marker") {
            marker if marker.is_empty() => event.text("line"),
            marker => format!("<{marker}: {}>", event.text("text")),
        })
        .collect()
}

pub(crate) fn engine() -> ScriptedEngine {
    ScriptedEngine::new(start())
}

/// A running container of the service `web` of the project `shop`.
pub(crate) fn web(id: &str) -> Container {
    let mut container =
        Container::new(id, format!("shop-{id}"), ContainerState::Running).in_service("shop", "web");
    "web:1".clone_into(&mut container.image);
    container.started_at = Some(start());
    container.oom_killed = Some(false);
    container.restart_count = Some(0);
    container.log_driver = Some("json-file".to_owned());
    container
}

pub(crate) fn away() -> EngineError {
    EngineError::Refused { address: "unix:///scripted.sock".to_owned() }
}

pub(crate) fn start() -> NanoTimestamp {
    "2026-01-31T12:00:00Z".parse().unwrap()
}
