//! A scripted engine, projects made by hand, a folder for them, and a reader of what a build tells.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use nself_realtime::clock::TokioClock;
use nself_realtime::event::{BuildProgress, ProgressStatus};
use nself_realtime::{Hub, NanoTimestamp, RoomName, Server, SessionConfig};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::compose::{
    self, Condition, Dependency, Network, NetworkMember, Project, Restart, Service, ServiceNetwork,
};
use crate::{Build, BuildError, BuildReport, PullFrame, ScriptedEngine};

/// Everything a test needs.
pub(super) struct Stage {
    pub(super) engine: ScriptedEngine,
    hub: Hub,
    _folder: TempDir,
    pub(super) project: Project,
}

/// How a build went: what it gave back, and what it told.
pub(super) struct Told {
    pub(super) outcome: Result<BuildReport, BuildError>,
    pub(super) events: Vec<BuildProgress>,
}

impl Stage {
    /// A project `shop` without services.
    pub(super) fn new() -> Self {
        let start: NanoTimestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let network = Network {
            name: "shop_default".into(),
            external: false,
            driver: None,
            driver_opts: BTreeMap::new(),
            internal: false,
            enable_ipv6: None,
            labels: BTreeMap::new(),
            pools: Vec::new(),
        };
        let dir = folder.path().canonicalize().unwrap();
        let project = Project {
            name: "shop".into(),
            files: vec![dir.join("compose.yaml")],
            dir,
            services: BTreeMap::new(),
            networks: [("default".to_owned(), network)].into(),
            volumes: BTreeMap::new(),
        };
        let hub = Hub::builder().clock(TokioClock::starting_at(start.into())).build();
        Self { engine: ScriptedEngine::new(start), hub, _folder: folder, project }
    }

    /// Adds a service whose image is there.
    pub(super) fn service(&mut self, name: &str) -> &mut Service {
        let image = format!("{name}:1");
        self.engine.add_image(&image, &[]);
        self.service_of(name, &image)
    }

    /// Adds a service.
    pub(super) fn service_of(&mut self, name: &str, image: &str) -> &mut Service {
        self.project.services.entry(name.to_owned()).or_insert(service(image))
    }

    /// Adds a service that is built.
    pub(super) fn built(&mut self, name: &str) -> &mut Service {
        let context = self.project.dir.join(name);
        std::fs::create_dir_all(&context).unwrap();
        let dockerfile = context.join("Dockerfile");
        std::fs::write(&dockerfile, "FROM base\nRUN make\n").unwrap();
        let image = format!("shop-{name}");
        let service = self.service_of(name, &image);
        let build = compose::Build { context, dockerfile, args: BTreeMap::new(), target: None };
        service.build = Some(build);
        service
    }

    /// A build as it is, of the project as it is now.
    pub(super) fn build(&self) -> Build {
        let room = self.hub.open_room(&RoomName::new("shop").unwrap());
        Build::builder(Arc::new(self.engine.clone()), self.project.clone()).on(room)
    }

    /// Builds to the end.
    pub(super) async fn run(&self) -> Told {
        self.run_until(std::future::pending()).await
    }

    /// Builds until that is over, and checks what holds for each build.
    pub(super) async fn run_until(&self, cancel: impl Future<Output = ()> + Send) -> Told {
        let mut reader = Server::new(self.hub.clone(), SessionConfig::default()).connect();
        let build = self.build();
        let id = build.id.clone();
        reader.send(r#"{"type":"subscribe","room":"shop"}"#.to_owned()).await;
        let mut events: Vec<BuildProgress> = Vec::new();
        let reading = async {
            while !events.last().is_some_and(|event| event.status.is_end()) {
                let frame: Value = serde_json::from_slice(&reader.next().await.unwrap()).unwrap();
                let single = vec![frame.clone()];
                let told = frame.get("events").and_then(Value::as_array).cloned().unwrap_or(single);
                let told = told.into_iter().filter(|event| event["type"] == "build:progress");
                let told = told.map(|event| serde_json::from_value(event["data"].clone()).unwrap());
                events.extend(told.filter(|event: &BuildProgress| event.build_id == id));
            }
        };
        let (outcome, ()) = tokio::join!(build.run(cancel), reading);
        let told = Told { outcome, events };
        told.check();
        told
    }

    /// What was asked of the engine since it was asked last.
    pub(super) fn calls_of(&self, before: usize) -> Vec<String> {
        self.engine.project_calls().split_off(before)
    }

    /// The names of the containers, with what they do.
    pub(super) async fn containers(&self) -> Vec<String> {
        use crate::Engine as _;
        let mut containers = self.engine.project("shop").await.unwrap();
        containers.sort_by(|a, b| a.name.cmp(&b.name));
        let of = |one: &crate::ProjectContainer| format!("{} {:?}", one.name, one.state);
        containers.iter().map(of).collect()
    }
}

impl Told {
    fn check(&self) {
        let (last, before) = self.events.split_last().unwrap();
        assert!(before.iter().all(|event| !event.status.is_end()), "{:#?}", self.events);
        assert!(self.events.is_sorted_by(|a, b| a.progress <= b.progress), "{:#?}", self.events);
        assert!(self.events.is_sorted_by(|a, b| a.current_step <= b.current_step));
        assert!(self.events.is_sorted_by(|a, b| a.elapsed_ms <= b.elapsed_ms));
        assert!(before.iter().all(|event| event.progress < 100.0));
        assert_eq!(last.progress >= 100.0, last.status == ProgressStatus::Complete);
        assert_eq!(last.error.is_some(), last.status == ProgressStatus::Failed);
        assert_eq!(self.outcome.is_ok(), last.status == ProgressStatus::Complete);
        assert!(last.items.iter().all(|item| item.status.is_end()), "{last:#?}");
    }

    pub(super) fn last(&self) -> &BuildProgress {
        self.events.last().unwrap()
    }

    /// Why it failed, as it was told.
    pub(super) fn error(&self) -> String {
        self.last().error.clone().unwrap()
    }

    /// All output.
    pub(super) fn logs(&self) -> Vec<&str> {
        self.events.iter().flat_map(|event| &event.logs).map(String::as_str).collect()
    }

    /// The percentages of a step, each once.
    pub(super) fn percents(&self, step: u32) -> Vec<f64> {
        let of_step = self.events.iter().filter(|event| event.current_step == step);
        let mut percents: Vec<_> = of_step.map(|event| event.progress).collect();
        percents.dedup();
        percents
    }
}

fn service(image: &str) -> Service {
    let member = ("default".to_owned(), NetworkMember::default());
    Service {
        image: image.to_owned(),
        build: None,
        command: None,
        entrypoint: None,
        environment: BTreeMap::new(),
        ports: Vec::new(),
        expose: Vec::new(),
        mounts: Vec::new(),
        tmpfs: BTreeMap::new(),
        secrets: Vec::new(),
        configs: Vec::new(),
        network: ServiceNetwork::Networks([member].into()),
        depends_on: BTreeMap::new(),
        healthcheck: None,
        restart: Restart::No,
        labels: BTreeMap::new(),
        user: None,
        working_dir: None,
        hostname: None,
        extra_hosts: Vec::new(),
        stop_signal: None,
        stop_grace_period: None,
        init: None,
        read_only: false,
        shm_size_bytes: None,
        mem_limit_bytes: None,
        nano_cpus: None,
        ulimits: BTreeMap::new(),
        logging: None,
        privileged: false,
        host_namespaces: BTreeSet::new(),
        cap_add: Vec::new(),
        devices: Vec::new(),
        security_opt: Vec::new(),
    }
}

/// Makes a service wait for another.
pub(super) fn after(service: &mut Service, other: &str, condition: Condition) {
    let dependency = Dependency { condition, required: true };
    service.depends_on.insert(other.to_owned(), dependency);
}

pub(super) fn layer(id: &str, status: &str, current: u64, total: u64) -> PullFrame {
    PullFrame {
        id: Some(id.to_owned()),
        status: status.to_owned(),
        current: (current > 0).then_some(current),
        total: (total > 0).then_some(total),
    }
}

pub(super) async fn after_a_while(millis: u64) {
    sleep(Duration::from_millis(millis)).await;
}

pub(super) fn path(text: &str) -> PathBuf {
    PathBuf::from(text)
}
