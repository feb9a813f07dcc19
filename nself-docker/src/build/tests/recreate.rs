//! Containers that are there already: left, made anew, brought back.

use std::time::Duration;

use nself_realtime::event::HealthState;

use super::stage::{Stage, after_a_while};
use crate::compose::{Mount, MountKind};
use crate::{BuildError, Container, ContainerState, EngineError, Habit, MountSource};

fn refusal() -> EngineError {
    EngineError::Api { status: 500, message: "no".into() }
}

/// A project that is up, and how many calls that took.
async fn up() -> (Stage, usize) {
    let mut stage = Stage::new();
    stage.service("db");
    stage.service("web");
    assert!(stage.run().await.outcome.is_ok());
    let calls = stage.engine.project_calls().len();
    (stage, calls)
}

fn change_web(stage: &mut Stage) {
    let web = stage.project.services.get_mut("web").unwrap();
    web.environment.insert("COLOUR".into(), "red".into());
}

#[tokio::test(start_paused = true)]
async fn a_project_that_did_not_change_is_left_running() {
    let (stage, before) = up().await;
    let told = stage.run().await;
    assert_eq!(stage.calls_of(before), Vec::<String>::new());
    assert_eq!(told.outcome.unwrap().made, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn only_what_changed_is_made_anew() {
    let (mut stage, before) = up().await;
    change_web(&mut stage);
    let told = stage.run().await;
    assert!(told.outcome.is_ok());
    let calls = stage.calls_of(before);
    let temporary = calls.iter().find_map(|call| call.strip_prefix("create ")).unwrap();
    assert!(temporary.ends_with("_shop-web-1"), "{temporary}");
    let expected = [
        format!("create {temporary}"),
        "stop shop-web-1".to_owned(),
        format!("start {temporary}"),
        "remove shop-web-1".to_owned(),
        format!("rename {temporary} to shop-web-1"),
    ];
    assert_eq!(calls, expected);
    assert_eq!(stage.containers().await, ["shop-db-1 Running", "shop-web-1 Running"]);
    assert_eq!(stage.engine.spec_of("shop-web-1").unwrap().environment["COLOUR"], "red");
}

#[tokio::test(start_paused = true)]
async fn a_new_image_of_the_same_name_makes_it_anew() {
    let (stage, before) = up().await;
    stage.engine.add_image("web:1", &[]);
    assert!(stage.run().await.outcome.is_ok());
    assert!(stage.calls_of(before).iter().any(|call| call == "remove shop-web-1"));
}

/// The volumes of `web` by where they are mounted.
fn volumes(stage: &Stage) -> Vec<(String, String)> {
    let name = |mount: &crate::MountSpec| match &mount.source {
        MountSource::Volume { name, .. } => (mount.target.clone(), name.clone().unwrap()),
        other => panic!("{other:?}"),
    };
    let spec = stage.engine.spec_of("shop-web-1").unwrap();
    let mut volumes: Vec<_> = spec.mounts.iter().map(name).collect();
    volumes.sort();
    volumes
}

#[tokio::test(start_paused = true)]
async fn volumes_that_nobody_named_go_over() {
    let mut stage = Stage::new();
    let web = stage.service("web");
    let kind = MountKind::Volume { source: None, nocopy: false };
    web.mounts.push(Mount { target: "/own".into(), read_only: false, kind });
    stage.engine.add_image("web:1", &["/data"]);
    assert!(stage.run().await.outcome.is_ok());
    let before = volumes(&stage);
    change_web(&mut stage);
    assert!(stage.run().await.outcome.is_ok());
    assert_eq!(volumes(&stage), before);
    assert_eq!(before.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_ran_before_runs_again_if_its_successor_does_not() {
    for habit in [
        Habit::new().exit(Duration::from_millis(100), 1),
        Habit::new().health(Duration::from_secs(1), HealthState::Unhealthy),
    ] {
        let (mut stage, before) = up().await;
        change_web(&mut stage);
        stage.engine.set_habit("web:1", habit);
        let old = stage.engine.spec_of("shop-web-1").unwrap();
        let told = stage.run().await;
        assert!(told.outcome.is_err());
        assert_eq!(stage.containers().await, ["shop-db-1 Running", "shop-web-1 Running"]);
        assert_eq!(stage.engine.spec_of("shop-web-1").unwrap(), old);
        assert!(told.logs().contains(&"shop-web-1 runs again as it was"), "{:?}", told.logs());
        assert!(!stage.calls_of(before).iter().any(|call| call == "remove shop-web-1"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_at_any_point_brings_the_old_one_back() {
    for refused in ["create", "start"] {
        let (mut stage, _) = up().await;
        change_web(&mut stage);
        let id = {
            use crate::Engine as _;
            let all = stage.engine.project("shop").await.unwrap();
            all.into_iter().find(|one| one.name == "shop-web-1").unwrap().id
        };
        let temporary = format!("{refused} {}_shop-web-1", &id[..12]);
        stage.engine.refuse_call(&temporary, Some(refusal()));
        let told = stage.run().await;
        assert_eq!(told.error(), "Starting containers: web: no", "{refused}");
        assert_eq!(stage.containers().await, ["shop-db-1 Running", "shop-web-1 Running"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_one_that_cannot_be_brought_back_is_told() {
    let (mut stage, _) = up().await;
    change_web(&mut stage);
    stage.engine.set_habit("web:1", Habit::new().exit(Duration::from_millis(100), 1));
    stage.engine.refuse_call("start shop-web-1", Some(refusal()));
    let told = stage.run().await;
    assert_eq!(
        told.error().lines().next().unwrap(),
        "Starting containers: web: it exited with code 1; and the one before it could not be brought \
         back: no"
    );
}

#[tokio::test(start_paused = true)]
async fn cancelled_in_the_midst_of_a_replacement_the_old_one_runs() {
    let (mut stage, _) = up().await;
    change_web(&mut stage);
    stage
        .engine
        .set_habit("web:1", Habit::new().health(Duration::from_mins(1), HealthState::Healthy));
    let told = stage.run_until(after_a_while(5_000)).await;
    assert!(matches!(told.outcome, Err(BuildError::Cancelled { .. })));
    assert_eq!(stage.containers().await, ["shop-db-1 Running", "shop-web-1 Running"]);
    assert!(!stage.engine.spec_of("shop-web-1").unwrap().environment.contains_key("COLOUR"));
}

#[tokio::test(start_paused = true)]
async fn a_build_that_is_dropped_takes_back_what_is_half_done() {
    let (mut stage, _) = up().await;
    change_web(&mut stage);
    stage
        .engine
        .set_habit("web:1", Habit::new().health(Duration::from_mins(1), HealthState::Healthy));
    let building = stage.build().run(std::future::pending());
    assert!(tokio::time::timeout(Duration::from_secs(5), building).await.is_err());
    after_a_while(5_000).await;
    assert_eq!(stage.containers().await, ["shop-db-1 Running", "shop-web-1 Running"]);
    assert!(!stage.engine.spec_of("shop-web-1").unwrap().environment.contains_key("COLOUR"));
}

#[tokio::test(start_paused = true)]
async fn containers_of_services_that_are_gone_are_told_and_left() {
    let (mut stage, before) = up().await;
    stage.project.services.remove("web");
    let told = stage.run().await;
    assert_eq!(told.outcome.as_ref().unwrap().removed, ["shop-web-1"]);
    assert!(
        told.logs().iter().any(|line| line.starts_with("shop-web-1 is of web, which was removed"))
    );
    assert_eq!(stage.containers().await, ["shop-db-1 Running", "shop-web-1 Running"]);
    assert_eq!(stage.calls_of(before), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_an_interrupted_build_left_is_cleared_away() {
    let (stage, before) = up().await;
    let leftover = Container::new("left", "0123456789ab_shop-web-1", ContainerState::Created);
    stage.engine.add(leftover.in_service("shop", "web"));
    assert!(stage.run().await.outcome.is_ok());
    assert_eq!(stage.containers().await, ["shop-db-1 Running", "shop-web-1 Running"]);
    assert_eq!(stage.calls_of(before)[0], "remove 0123456789ab_shop-web-1");
}

#[tokio::test(start_paused = true)]
async fn a_container_that_stands_still_is_started() {
    let (stage, before) = up().await;
    let id = {
        use crate::Engine as _;
        stage.engine.project("shop").await.unwrap()[1].id.clone()
    };
    stage.engine.exit(&id, 0);
    assert!(stage.run().await.outcome.is_ok());
    assert_eq!(stage.containers().await, ["shop-db-1 Running", "shop-web-1 Running"]);
    assert_eq!(stage.calls_of(before), ["start shop-web-1"]);
}
