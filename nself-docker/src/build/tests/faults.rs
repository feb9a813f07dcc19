//! What can go wrong before containers start, cancelling, and builds one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use nself_realtime::event::ProgressStatus;
use nself_realtime::{Server, SessionConfig};
use serde_json::{Value, json};

use super::stage::{Stage, after_a_while, layer};
use crate::compose::Volume;
use crate::{BuildError, BuildFrame, BuildStatistics, Builds, BuildsError, EngineError, PullFrame};

fn no_space() -> EngineError {
    EngineError::Api { status: 500, message: "no space left on device".into() }
}

fn volume(external: bool) -> Volume {
    Volume {
        name: "shop_data".into(),
        external,
        driver: None,
        driver_opts: BTreeMap::new(),
        labels: BTreeMap::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_that_cannot_be_made_ends_the_build_there() {
    let mut stage = Stage::new();
    stage.service("web");
    stage.engine.refuse_call("create network shop_default", Some(no_space()));
    let told = stage.run().await;
    assert_eq!(told.error(), "Creating networks: no space left on device");
    assert_eq!((told.last().current_step, told.last().progress), (3, 40.0));
    assert_eq!(stage.calls_of(0), ["create network shop_default"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_external_has_to_be_there_and_what_is_there_has_to_be_ours() {
    use crate::Engine as _;
    let mut stage = Stage::new();
    stage.service("web");
    stage.project.volumes.insert("data".into(), volume(true));
    let told = stage.run().await;
    let expected = "Creating networks: the volume shop_data is external and not there: make it with \
                    `docker volume create shop_data`";
    assert_eq!(told.error(), expected);
    let foreign = crate::VolumeSpec { name: "shop_data".into(), ..crate::VolumeSpec::default() };
    stage.engine.create_volume(&foreign).await.unwrap();
    assert!(stage.run().await.outcome.is_ok());
    stage.project.volumes.insert("data".into(), volume(false));
    let error = stage.run().await.error();
    assert!(
        error.contains("there is a volume shop_data that this project did not make"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_build_of_an_image_that_fails_names_the_service_and_quotes_its_output() {
    let mut stage = Stage::new();
    stage.built("web");
    let message = "The command '/bin/sh -c make' returned a non-zero code: 2".to_owned();
    let mut history: Vec<_> = (0..25)
        .map(|n| (Duration::from_millis(10), Ok(BuildFrame::Output(format!("line {n}\n")))))
        .collect();
    history.push((Duration::ZERO, Err(EngineError::Api { status: 2, message: message.clone() })));
    stage.engine.set_build("shop-web", history);
    let told = stage.run().await;
    let error = told.error();
    assert!(error.starts_with(&format!("Building images: web: {message}\n\n")), "{error}");
    assert!(error.contains("\nline 6\n") && error.ends_with("\nline 24"), "{error}");
    assert!(!error.contains("\nline 4\n"), "20 lines: {error}");
    assert!(told.logs().contains(&message.as_str()));
    assert_eq!(told.last().items[0].status, ProgressStatus::Failed);
}

#[tokio::test(start_paused = true)]
async fn what_the_builder_cannot_do_is_refused_before_the_engine_is_asked() {
    let mut stage = Stage::new();
    stage.built("web");
    let dockerfile = stage.project.dir.join("web/Dockerfile");
    std::fs::write(&dockerfile, "FROM a\nRUN --mount=type=cache,target=/x make").unwrap();
    let told = stage.run().await;
    let expected =
        format!("Building images: web: {}:2: `RUN --mount` needs BuildKit", dockerfile.display());
    assert!(told.error().starts_with(&expected), "{}", told.error());
    assert!(!stage.calls_of(0).iter().any(|call| call.starts_with("build")));
}

#[tokio::test(start_paused = true)]
async fn a_context_that_cannot_be_packed_is_the_cause() {
    use std::os::unix::ffi::OsStrExt as _;
    let mut stage = Stage::new();
    stage.built("web");
    let bad = std::ffi::OsStr::from_bytes(b"bad\xff");
    std::fs::write(stage.project.dir.join("web").join(bad), "").unwrap();
    let error = stage.run().await.error();
    assert!(error.contains("web: the name of") && error.contains("is not UTF-8"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_pull_that_breaks_names_service_and_cause() {
    let mut stage = Stage::new();
    stage.service_of("db", "hub/db:1");
    stage.service_of("web", "hub/missing:1");
    let begun = (Duration::from_millis(100), Ok(layer("l1", "Downloading", 10, 100)));
    let broken = EngineError::Broken { message: "connection reset".into() };
    stage.engine.set_pull("hub/db:1", vec![begun, (Duration::from_secs(5), Err(broken))]);
    let told = stage.run().await;
    let expected = "Pulling images: web: manifest for hub/missing:1 not found";
    assert_eq!(told.error(), expected);
    assert_eq!(stage.engine.open_pulls(), 0, "the other one has ended too");
    stage.project.services.remove("web");
    let told = stage.run().await;
    assert!(told.error().starts_with("Pulling images: db: the connection to the engine broke"));
    assert!(told.last().items.iter().all(|item| item.status == ProgressStatus::Failed));
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_goes_away_ends_the_build() {
    let mut stage = Stage::new();
    stage.service("web");
    let away = EngineError::Refused { address: "unix:///scripted.sock".into() };
    stage.engine.go_offline(away);
    let told = stage.run().await;
    assert!(told.error().contains("nobody listens at"), "{}", told.error());
    assert_eq!(told.last().current_step, 3);
}

#[tokio::test(start_paused = true)]
async fn a_build_can_be_cancelled_in_each_step() {
    let slow = |seconds: u64| Duration::from_secs(seconds);
    for (after, step) in [(0, 1), (1_000, 4), (6_000, 5), (11_500, 6)] {
        let mut stage = Stage::new();
        stage.built("web");
        let line = BuildFrame::Output("Step 1/1 : RUN sleep 5\n".into());
        stage.engine.set_build("shop-web", vec![(slow(5), Ok(line))]);
        stage.service_of("db", "hub/db:1");
        let last = PullFrame { status: "Status: Downloaded".into(), ..PullFrame::default() };
        let layer = layer("l1", "Downloading", 1, 2);
        stage.engine.set_pull("hub/db:1", vec![(slow(1), Ok(layer)), (slow(5), Ok(last))]);
        let told = stage.run_until(after_a_while(after)).await;
        let Err(BuildError::Cancelled { made, .. }) = &told.outcome else { panic!("{after}") };
        assert_eq!(told.last().current_step, step, "after {after} ms");
        let message = told.last().message.clone().unwrap();
        match step {
            1 => assert_eq!((made.len(), message.as_str()), (0, "nothing had been made")),
            4 => assert_eq!(*made, ["network shop_default"]),
            5 => assert_eq!(*made, ["network shop_default", "image shop-web"]),
            _ => assert!(message.contains("image hub/db:1"), "{message}"),
        }
        assert_eq!(stage.engine.open_pulls(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn one_build_at_a_time_and_the_last_twenty_are_kept() {
    let mut stage = Stage::new();
    stage.service("web");
    let room = nself_realtime::RoomName::new("shop").unwrap();
    let hub = nself_realtime::Hub::new();
    let builds = Builds::new(Arc::new(stage.engine.clone()), stage.project.clone(), hub, room);
    let first = builds.start().await.unwrap();
    match builds.start().await.unwrap_err() {
        BuildsError::Conflict { running } => assert_eq!(running, first),
        other => panic!("{other}"),
    }
    let ended = async |id: &str| {
        while !builds.report(id).unwrap().status.is_end() {
            after_a_while(10).await;
        }
        builds.report(id).unwrap()
    };
    assert_eq!(ended(first.as_str()).await.status, ProgressStatus::Complete);
    let second = builds.start().await.unwrap();
    builds.cancel(second.as_str()).unwrap();
    assert_eq!(ended(second.as_str()).await.status, ProgressStatus::Cancelled);
    builds.cancel(second.as_str()).unwrap();
    for _ in 0..19 {
        let id = builds.start().await.unwrap();
        ended(id.as_str()).await;
    }
    assert_eq!(builds.reports().len(), 20);
    assert!(matches!(builds.report(first.as_str()), Err(BuildsError::NotFound { .. })));
    assert_eq!(builds.reports()[19].build_id, second, "the newest is the first");
    let BuildStatistics { builds: ends, steps } = builds.statistics();
    let ends: Vec<_> = ends.iter().map(|(end, took)| (*end, took.count())).collect();
    let (complete, cancelled) = (ProgressStatus::Complete, ProgressStatus::Cancelled);
    assert_eq!(ends, [(complete, 20), (ProgressStatus::Failed, 0), (cancelled, 1)]);
    let begun: Vec<_> = steps.iter().map(|(step, took)| (step.as_str(), took.count())).collect();
    let [first_step, .., last_step] = &*begun else { panic!("{begun:?}") };
    assert_eq!((*first_step, *last_step), (("validate", 21), ("start", 20)), "{begun:?}");
    stage.engine.go_offline(EngineError::Refused { address: "x".into() });
    assert!(matches!(builds.start().await, Err(BuildsError::EngineOffline)));
    builds.shutdown().await;
    assert!(matches!(builds.start().await, Err(BuildsError::Closing)));
}

#[tokio::test(start_paused = true)]
async fn a_build_that_is_asked_for_while_the_program_ends_does_not_begin() {
    let mut stage = Stage::new();
    stage.service("web");
    let room = nself_realtime::RoomName::new("shop").unwrap();
    let hub = nself_realtime::Hub::new();
    let builds = Builds::new(Arc::new(stage.engine.clone()), stage.project.clone(), hub, room);
    // The project is being read when everything ends.
    let (begun, ()) = tokio::join!(builds.start(), builds.shutdown());
    assert!(matches!(begun, Err(BuildsError::Closing)), "{begun:?}");
    assert!(builds.reports().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_build_that_fails_is_told_where_nobody_looks_at_builds_and_one_that_was_cancelled_is_not()
{
    let mut stage = Stage::new();
    stage.built("web");
    let fails = Err(EngineError::Api { status: 2, message: "no such file".into() });
    stage.engine.set_build("shop-web", vec![(Duration::from_secs(1), fails)]);
    let hub = nself_realtime::Hub::new();
    let mut reader = Server::new(hub.clone(), SessionConfig::default()).connect();
    let subscribe = r#"{"type":"subscribe","room":"system","data":{"types":["notification"]}}"#;
    reader.send(subscribe.to_owned()).await;
    let room = nself_realtime::RoomName::new("shop").unwrap();
    let builds = Builds::new(Arc::new(stage.engine.clone()), stage.project.clone(), hub, room);
    let cancelled = builds.start().await.unwrap();
    builds.cancel(cancelled.as_str()).unwrap();
    while !builds.report(cancelled.as_str()).unwrap().status.is_end() {
        after_a_while(10).await;
    }
    let failed = builds.start().await.unwrap();
    let told = loop {
        let frame: Value = serde_json::from_slice(&reader.next().await.unwrap()).unwrap();
        if frame["type"] == "notification" {
            break frame["data"].clone();
        }
    };
    let href = format!("/build?run={failed}");
    let expected = json!({
        "id": "build-failed:shop",
        "severity": "warning",
        "title": "The build of shop failed",
        "body": "Building images: web: no such file",
        "action": { "label": "Show the build", "href": href },
    });
    assert_eq!(told, expected);
}
