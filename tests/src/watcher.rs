//! The library under test in the test's own process: an engine, a hub, and readers of its rooms.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use nself_docker::{Docker, DockerConfig, DockerEngine};
use nself_realtime::auth::{Access, Identity};
use nself_realtime::{Hub, Peer, SessionConfig, Transmit};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::wait;

/// An engine that is looked after.
#[derive(Debug)]
pub struct Watcher {
    /// Where its events go.
    pub hub: Hub,
    /// The handle of the library.
    pub docker: Docker,
}

impl Watcher {
    /// Looks after the engine at that address, and returns when everything was listed once.
    pub async fn start(host: &str) -> Self {
        let hub = Hub::new();
        let engine = DockerEngine::new(Some(host)).expect("the address is one");
        let docker = Docker::spawn(Arc::new(engine), hub.clone(), DockerConfig::default());
        docker.wait_for_first_list().await;
        Self { hub, docker }
    }

    /// A reader of what a filter, as JSON, asks for.
    pub fn read(&self, room: &str, filter: &str) -> Reader {
        let now = Instant::now().into_std();
        let (access, guest) = (Access::default(), Identity::guest());
        let mut peer = Peer::new(self.hub.clone(), SessionConfig::default(), access, guest, now);
        let subscribe = format!(r#"{{"type":"subscribe","id":1,"room":"{room}","data":{filter}}}"#);
        peer.handle_text(now, &subscribe);
        Reader { peer, seen: Vec::new(), missed: 0 }
    }

    /// Waits until a service is known.
    pub async fn knows(&self, room: &str, service: &str) {
        wait::until(&format!("{room}/{service}"), Duration::from_secs(30), async || {
            let services = self.docker.services();
            let known = services
                .iter()
                .any(|(own, status)| own.as_str() == room && status.service.as_str() == service);
            known.then_some(()).ok_or_else(|| format!("only {} services are known", services.len()))
        })
        .await;
    }

    /// A reader of a service's log.
    pub async fn read_log(&self, room: &str, service: &str) -> Reader {
        self.knows(room, service).await;
        let filter = format!(r#"{{"types":["logs:stream"],"keys":["{service}"]}}"#);
        self.read(room, &filter)
    }
}

/// An event as a reader sees it, or a `gap` where it was told that events are missing.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its type.
    pub kind: String,
    /// When it was seen.
    pub at: Instant,
    /// Its payload.
    pub data: Value,
}

impl Event {
    /// The text of a field; empty if there is none.
    pub fn text(&self, field: &str) -> &str {
        self.data.get(field).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Reads like a page does, and keeps what it has read.
#[derive(Debug)]
pub struct Reader {
    peer: Peer,
    /// What it has read, in order, gaps among it.
    pub seen: Vec<Event>,
    /// How many events the gaps counted that it was told of.
    pub missed: u64,
}

impl Reader {
    /// Reads until that holds; fails after a deadline with what was seen last.
    pub async fn until(&mut self, what: &str, deadline: Duration, holds: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        loop {
            self.take();
            if holds(self) {
                return;
            }
            if begun.elapsed() > deadline {
                let log = self.log();
                let last: Vec<String> =
                    log.iter().rev().take(12).map(|l| l.chars().take(120).collect()).collect();
                panic!("waited {deadline:?} in vain for {what}; the newest first: {last:#?}");
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// The texts of a log, in order: lines, and markers as `<stopped: stopped>`.
    pub fn log(&self) -> Vec<String> {
        let entries = self.seen.iter().filter(|event| event.kind == "logs:stream");
        let text = |event: &Event| match event.text("marker") {
            "" => event.text("line").to_owned(),
            marker => format!("<{marker}: {}>", event.text("text")),
        };
        entries.map(text).collect()
    }

    /// Takes what is there.
    pub fn take(&mut self) {
        let at = Instant::now();
        let now = at.into_std();
        self.peer.handle_alive(now);
        if self.peer.poll_timeout() <= now {
            self.peer.handle_timeout(now);
        }
        let mut frames = Vec::new();
        while self.peer.poll_transmit(now, Waker::noop(), &mut frames) == Transmit::Frames {}
        for frame in frames {
            let frame: Value = serde_json::from_slice(&frame).expect("a frame is JSON");
            let is_gap = frame.get("type").is_some_and(|kind| kind == "gap");
            if is_gap {
                self.missed += frame.pointer("/data/missed").and_then(Value::as_u64).unwrap_or(0);
            }
            match frame.get("events").and_then(Value::as_array) {
                Some(events) => self.seen.extend(events.iter().map(|event| of(event, at))),
                None if is_gap || frame.get("seq").is_some() => self.seen.push(of(&frame, at)),
                None => {}
            }
        }
    }
}

fn of(frame: &Value, at: Instant) -> Event {
    let kind = frame.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    Event { kind, at, data: frame.get("data").cloned().unwrap_or_default() }
}
