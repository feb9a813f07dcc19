//! Whole builds on a real engine with a real registry.
#![expect(
    clippy::indexing_slicing,
    reason = "a test that finds something else than it looks for has failed"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bollard::Docker;
use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::{ListContainersOptions, RemoveContainerOptions};
use nself_realtime::event::ProgressStatus;
use nself_tests::build::{Built, build};
use nself_tests::engine::Engine;
use nself_tests::images;
use nself_tests::missing::{Need, can_run};
use nself_tests::registry::{self, Registry};
use tempfile::TempDir;

const MIB: usize = 1024 * 1024;

/// Five services: two are built, two are pulled, one has a health check and others that wait for it.
fn project(name: &str, db: &str, cache: &str, base: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let compose = format!(
        r#"
name: {name}
x-runs: &runs
  command: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"]
  stop_grace_period: 1s
services:
  db:
    <<: *runs
    image: {db}
    volumes: ["data:/data"]
    healthcheck: {{ test: "test -d /data", interval: 1s, timeout: 5s, retries: 20 }}
  cache: {{ <<: *runs, image: {cache} }}
  migrate:
    image: {base}
    command: ["sh", "-c", "echo migrated > /data/migrated"]
    volumes: ["data:/data"]
    depends_on: {{ db: {{ condition: service_healthy }} }}
  api:
    <<: *runs
    build: {{ context: ./api, args: {{ FLAVOUR: plain }} }}
    environment: {{ COLOUR: "${{COLOUR:-blue}}" }}
    depends_on: {{ migrate: {{ condition: service_completed_successfully }} }}
  web:
    <<: *runs
    build: ./web
    user: "65534:65534"
    working_dir: /tmp
    hostname: frontend
    ports: ["127.0.0.1::8080"]
    expose: ["9000"]
    environment: {{ EMPTY: "", EQUALS: "a=b" }}
    labels: {{ own: label }}
    volumes: ["./page:/page:ro", "/scratch", {{ type: tmpfs, target: /memory, tmpfs: {{ size: 1m }} }}]
    tmpfs: /run
    secrets: [key]
    networks: {{ default: {{ aliases: [www] }}, inner: {{}} }}
    extra_hosts: ["elsewhere:192.0.2.7"]
    restart: on-failure:3
    stop_signal: SIGTERM
    read_only: true
    shm_size: 32m
    mem_limit: 64m
    ulimits: {{ nofile: {{ soft: 512, hard: 1024 }} }}
    logging: {{ driver: json-file, options: {{ max-size: 1m }} }}
    depends_on: [cache, api]
networks:
  inner: {{ internal: true, labels: {{ of: inner }} }}
volumes:
  data: {{}}
secrets:
  key: {{ file: ./key.txt }}
"#
    );
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("compose.yaml", &compose);
    write("key.txt", "secret");
    write("page/index.html", "page");
    write("api/Dockerfile", &format!("FROM {base}\nARG FLAVOUR\nRUN echo $FLAVOUR > /flavour\n"));
    write("web/.dockerignore", "drop\n");
    write("web/drop", "d");
    write("web/keep", "k");
    write(
        "web/Dockerfile",
        &format!("FROM {base}\nCOPY . /sent\nRUN test -f /sent/keep && ! test -e /sent/drop\n"),
    );
    folder
}

/// What every build here stands on: the shared engine, and an image that it has.
struct Ground {
    host: String,
    docker: Docker,
    base: String,
}

impl Ground {
    /// `None` where this machine has no engine or no registry: that was told.
    async fn find() -> Option<Self> {
        if !can_run(&[Need::Engine, Need::Registry]) {
            return None;
        }
        let engine = Engine::shared().await;
        let docker = engine.docker().await;
        let base = images::import(&docker, "printer").await;
        Some(Self { host: engine.host(), docker, base })
    }
}

/// What a project's containers are, by service.
async fn containers(docker: &Docker, project: &str) -> BTreeMap<String, ContainerInspectResponse> {
    let filters = [("label".to_owned(), vec![format!("com.docker.compose.project={project}")])];
    let options =
        ListContainersOptions { all: true, filters: Some(filters.into()), ..Default::default() };
    let mut found = BTreeMap::new();
    for one in docker.list_containers(Some(options)).await.unwrap() {
        let details = docker.inspect_container(&one.id.unwrap(), None).await.unwrap();
        let service = one.labels.unwrap()["com.docker.compose.service"].clone();
        found.insert(service, details);
    }
    found
}

async fn identities(docker: &Docker, project: &str) -> BTreeMap<String, String> {
    let all = containers(docker, project).await;
    all.into_iter().map(|(service, details)| (service, details.id.unwrap())).collect()
}

fn is_running(details: &ContainerInspectResponse) -> bool {
    details.state.as_ref().and_then(|state| state.running).unwrap()
}

/// Removes what a project left, so that the engine's folder can go.
async fn down(docker: &Docker, project: &str) {
    for id in identities(docker, project).await.values() {
        let force = RemoveContainerOptions { force: true, v: true, ..Default::default() };
        docker.remove_container(id, Some(force)).await.unwrap();
    }
    for network in [format!("{project}_default"), format!("{project}_inner")] {
        let _ = docker.remove_network(&network).await;
    }
}

async fn built(host: &str, folder: &Path) -> Built {
    build(host, folder, |_| false).await
}

fn complete(built: &Built) {
    assert_eq!(built.end().status, ProgressStatus::Complete, "{:#?}", built.end());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_goes_up_from_nothing_and_only_what_changed_is_made_anew() {
    let Some(Ground { host, docker, base }) = Ground::find().await else { return };
    let registry = Registry::start().await;
    let db = registry.publish(&host, "db", &base, &[30 * MIB, 20 * MIB, 10 * MIB]);
    let cache = registry.publish(&host, "cache", &base, &[MIB]);
    registry::remove(&host, &[&db, &cache]);
    let folder = project("shop", &db, &cache, &base);

    let first = built(&host, folder.path()).await;
    complete(&first);
    println!("from nothing: {} ms, {} events", first.end().elapsed_ms.unwrap(), first.events.len());
    let pulling = first.events.iter().rfind(|event| event.current_step == 5).unwrap();
    let pulled: u64 = pulling
        .items
        .iter()
        .filter(|item| item.name == db)
        .filter_map(|item| item.total_bytes)
        .sum();
    assert!(pulled >= 60 * MIB as u64, "{pulling:#?}");
    assert!(
        first
            .events
            .iter()
            .any(|event| event.current_step == 5 && (70.1..84.9).contains(&event.progress))
    );
    assert!(first.logs().iter().any(|line| line.starts_with("Step 3/")), "{:#?}", first.logs());
    let all = containers(&docker, "shop").await;
    let running: Vec<_> =
        all.iter().filter(|(_, one)| is_running(one)).map(|(name, _)| name.as_str()).collect();
    assert_eq!(running, ["api", "cache", "db", "web"]);
    inspect_web(&all["web"], folder.path());

    let before = identities(&docker, "shop").await;
    let again = built(&host, folder.path()).await;
    complete(&again);
    println!("again, unchanged: {} ms", again.end().elapsed_ms.unwrap());
    assert_eq!(identities(&docker, "shop").await, before);
    assert!(again.outcome.as_ref().unwrap().made.iter().all(|made| made.starts_with("image ")));

    fs::write(folder.path().join(".env"), "COLOUR=red").unwrap();
    complete(&built(&host, folder.path()).await);
    let after = identities(&docker, "shop").await;
    let changed: Vec<_> = before.keys().filter(|name| before[*name] != after[*name]).collect();
    assert_eq!(changed, ["api"]);
    let all = containers(&docker, "shop").await;
    assert!(
        all["api"]
            .config
            .as_ref()
            .unwrap()
            .env
            .as_ref()
            .unwrap()
            .contains(&"COLOUR=red".to_owned())
    );
    assert_eq!(all["api"].name.as_deref(), Some("/shop-api-1"));

    // A change whose container cannot start: what runs goes on.
    let compose = fs::read_to_string(folder.path().join("compose.yaml")).unwrap();
    let broken =
        compose.replace("hostname: frontend", "hostname: frontend\n    entrypoint: [/none]");
    fs::write(folder.path().join("compose.yaml"), &broken).unwrap();
    let failed = built(&host, folder.path()).await;
    assert!(failed.error().starts_with("Starting containers: web: "), "{}", failed.error());
    assert_eq!(identities(&docker, "shop").await, after);
    assert!(is_running(&containers(&docker, "shop").await["web"]));

    // A volume that nobody named goes over.
    let scratch = |details: &ContainerInspectResponse| {
        let mounts = details.mounts.clone().unwrap();
        let found =
            mounts.into_iter().find(|mount| mount.destination.as_deref() == Some("/scratch"));
        found.and_then(|mount| mount.name).unwrap()
    };
    let volume = scratch(&containers(&docker, "shop").await["web"]);
    fs::write(folder.path().join("compose.yaml"), compose.replace("own: label", "own: other"))
        .unwrap();
    complete(&built(&host, folder.path()).await);
    let web = &containers(&docker, "shop").await["web"];
    assert_ne!(web.id.as_ref(), Some(&after["web"]));
    assert_eq!(scratch(web), volume);
    down(&docker, "shop").await;
}

/// Field by field, what the file says.
fn inspect_web(web: &ContainerInspectResponse, folder: &Path) {
    let (config, host) = (web.config.clone().unwrap(), web.host_config.clone().unwrap());
    let env = config.env.unwrap();
    assert!(
        env.contains(&"EMPTY=".to_owned()) && env.contains(&"EQUALS=a=b".to_owned()),
        "{env:?}"
    );
    assert_eq!(config.user.as_deref(), Some("65534:65534"));
    assert_eq!(config.working_dir.as_deref(), Some("/tmp"));
    assert_eq!(config.hostname.as_deref(), Some("frontend"));
    assert_eq!(config.stop_signal.as_deref(), Some("SIGTERM"));
    assert_eq!(config.stop_timeout, Some(1));
    let mut exposed = config.exposed_ports.unwrap();
    exposed.sort();
    assert_eq!(exposed, ["8080/tcp", "9000/tcp"]);
    let labels = config.labels.unwrap();
    let compose = |name: &str| labels[&format!("com.docker.compose.{name}")].as_str();
    assert_eq!(
        ["project", "service", "container-number", "oneoff"].map(compose),
        ["shop", "web", "1", "False"]
    );
    assert_eq!(Path::new(compose("project.working_dir")), folder.canonicalize().unwrap());
    assert_eq!(labels["own"], "label");
    assert_eq!(compose("image"), web.image.as_deref().unwrap());
    assert_eq!(host.readonly_rootfs, Some(true));
    assert_eq!((host.shm_size, host.memory), (Some(32 << 20), Some(64 << 20)));
    assert_eq!(host.extra_hosts.unwrap(), ["elsewhere:192.0.2.7"]);
    let restart = host.restart_policy.unwrap();
    assert_eq!(
        (restart.name.unwrap().to_string(), restart.maximum_retry_count),
        ("on-failure".to_owned(), Some(3))
    );
    let limits = host.ulimits.unwrap();
    assert_eq!(
        (limits[0].name.as_deref(), limits[0].soft, limits[0].hard),
        (Some("nofile"), Some(512), Some(1024))
    );
    let log = host.log_config.unwrap();
    assert_eq!(
        (log.typ.as_deref(), log.config.unwrap()["max-size"].as_str()),
        (Some("json-file"), "1m")
    );
    let bindings = host.port_bindings.unwrap()["8080/tcp"].clone().unwrap();
    assert_eq!(bindings[0].host_ip.as_deref(), Some("127.0.0.1"));
    assert!(host.tmpfs.unwrap().contains_key("/run"));
    let mounts: BTreeMap<_, _> = web
        .mounts
        .clone()
        .unwrap()
        .into_iter()
        .map(|mount| (mount.destination.clone().unwrap(), mount))
        .collect();
    let page = folder.canonicalize().unwrap().join("page");
    assert_eq!(
        (mounts["/page"].source.as_deref(), mounts["/page"].rw),
        (page.to_str(), Some(false))
    );
    assert_eq!(mounts["/run/secrets/key"].rw, Some(false));
    assert_eq!(mounts["/scratch"].name.as_ref().unwrap().len(), 64);
    assert!(mounts.contains_key("/memory"), "{mounts:?}");
    let networks = web.network_settings.clone().unwrap().networks.unwrap();
    let names: Vec<_> = {
        let mut names: Vec<_> = networks.keys().cloned().collect();
        names.sort();
        names
    };
    assert_eq!(names, ["shop_default", "shop_inner"]);
    let aliases = networks["shop_default"].aliases.clone().unwrap();
    assert!(
        ["web", "www", "shop-web-1"].iter().all(|name| aliases.iter().any(|own| own == name)),
        "{aliases:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_names_step_service_and_cause() {
    let Some(Ground { host, docker, base }) = Ground::find().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();

    write("compose.yaml", "name: faulty\nservices: { web: { build: . } }\n");
    // The engine may lose the last words of a command that ends at once.
    write(
        "Dockerfile",
        &format!("FROM {base}\nRUN echo one\nRUN echo two; echo three >&2; sleep 1; exit 7\n"),
    );
    let failed = built(&host, folder.path()).await;
    let error = failed.error();
    assert!(error.starts_with("Building images: web: The command '/bin/sh -c echo two"), "{error}");
    assert!(error.contains("returned a non-zero code: 7"), "{error}");
    // What goes into two pipes comes in either order, what is on the second one in red.
    let holds = |is: fn(&str) -> bool| error.lines().any(is);
    assert!(
        holds(|line| line.starts_with("Step 3/")) && holds(|line| line.ends_with("two")),
        "{error}"
    );
    assert!(failed.logs().iter().any(|line| line.ends_with("three")), "{:?}", failed.logs());
    assert!(failed.end().progress < 70.0);

    write(
        "compose.yaml",
        &format!(
            "name: faulty\nservices:\n  db:\n    image: {base}\n    command: [sh, -c, 'echo out of order; sleep 600']\n    \
         stop_grace_period: 0s\n    healthcheck: {{ test: 'exit 1', interval: 1s, retries: 2 }}\n  \
         api:\n    image: {base}\n    depends_on: {{ db: {{ condition: service_healthy }} }}\n"
        ),
    );
    let failed = built(&host, folder.path()).await;
    let error = failed.error();
    assert!(error.starts_with("Starting containers: db: its health check failed"), "{error}");
    assert!(error.ends_with("\nout of order"), "{error}");
    assert!(!containers(&docker, "faulty").await.contains_key("api"));
    down(&docker, "faulty").await;

    let mut registry = Registry::start().await;
    let large = registry.publish(&host, "large", &base, &[96 * MIB]);
    registry::remove(&host, &[&large]);
    write("compose.yaml", &format!("name: faulty\nservices: {{ web: {{ image: '{large}' }} }}\n"));
    let failed = build(&host, folder.path(), |event| {
        let loading =
            event.items.iter().any(|item| item.current_bytes.is_some_and(|bytes| bytes > 0));
        if event.current_step == 5 && loading && !event.status.is_end() {
            registry.kill();
        }
        false
    })
    .await;
    assert!(failed.error().starts_with("Pulling images: web: "), "{}", failed.error());
    println!("a pull whose registry was killed: {}", failed.error());
    down(&docker, "faulty").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_is_cancelled_in_each_step_and_goes_through_afterwards() {
    let Some(Ground { host, docker, base }) = Ground::find().await else { return };
    let registry = Registry::start().await;
    let db = registry.publish(&host, "slow-db", &base, &[48 * MIB]);
    registry::remove(&host, &[&db]);
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "compose.yaml",
        &format!(
            "name: halted\nservices:\n  api:\n    build: .\n    command: [sleep, '600']\n    \
         stop_grace_period: 0s\n    depends_on: {{ db: {{ condition: service_healthy }} }}\n  \
         db:\n    image: {db}\n    command: [sleep, '600']\n    stop_grace_period: 0s\n    \
         healthcheck: {{ test: 'test -e /well', interval: 1s, retries: 600 }}\n"
        ),
    );
    // It waits until the test has seen it, however slow the machine is.
    write("Dockerfile", &format!("FROM {base}\nRUN echo begun; sleep 600\n"));
    let cancelled =
        build(&host, folder.path(), |event| event.logs.iter().any(|line| line == "begun")).await;
    assert_eq!(
        (cancelled.end().status, cancelled.end().current_step),
        (ProgressStatus::Cancelled, 4)
    );
    assert_eq!(
        cancelled.end().message.as_deref(),
        Some("made before and left: network halted_default")
    );

    write("Dockerfile", &format!("FROM {base}\nRUN echo begun\n"));
    for step in [5, 1, 2, 3, 6] {
        let cancelled = build(&host, folder.path(), |event| event.current_step == step).await;
        let end = cancelled.end();
        assert_eq!(end.status, ProgressStatus::Cancelled, "{end:#?}");
        assert!(end.current_step >= step, "{end:#?}");
    }
    let running = containers(&docker, "halted").await;
    assert!(!running.contains_key("api"), "it waits for the other one");

    write(
        "compose.yaml",
        &fs::read_to_string(folder.path().join("compose.yaml"))
            .unwrap()
            .replace("test -e /well", "true"),
    );
    complete(&built(&host, folder.path()).await);
    let all = containers(&docker, "halted").await;
    assert!(is_running(&all["api"]) && is_running(&all["db"]) && all.len() == 2);
    down(&docker, "halted").await;
}
