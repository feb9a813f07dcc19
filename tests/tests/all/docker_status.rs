//! How real services are: health, restarts, deaths, and an engine that dies itself.

use std::time::Duration;

use nself_docker::{DockerEngine, Engine as _};
use nself_tests::container::Recipe;
use nself_tests::engine::Engine;
use nself_tests::missing::{Need, can_run};
use nself_tests::watcher::{Reader, Watcher};

const SOON: Duration = Duration::from_secs(30);
const STATUS: &str = r#"{"types":["service:status"]}"#;

/// What was told, but for how it began: a container is made and started in two steps, and probed later.
fn states(reader: &Reader) -> Vec<&str> {
    let states = reader.seen.iter().map(|event| event.text("status"));
    states.filter(|state| !["created", "starting"].contains(state)).collect()
}

fn last_is(reader: &Reader, status: &str) -> bool {
    states(reader).last() == Some(&status)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_is_told_when_it_changes() {
    if !can_run(&[Need::Engine]) {
        return;
    }
    let engine = Engine::shared().await;
    let (docker, watcher) = (engine.docker().await, Watcher::start(&engine.host()).await);
    let script = "trap 'rm /well' USR1; trap 'touch /well' USR2; touch /well; \
                  while :; do sleep 0.1; done";
    let container =
        Recipe::shell("ill", "web", script).probed("test -e /well").start(&docker).await;
    watcher.knows("ill", "web").await;
    let mut reader = watcher.read("ill", STATUS);
    for (signal, verdict) in
        [(None, "running"), (Some("SIGUSR1"), "unhealthy"), (Some("SIGUSR2"), "running")]
    {
        if let Some(signal) = signal {
            container.signal(signal).await;
        }
        reader.until(verdict, SOON, |reader| last_is(reader, verdict)).await;
        let health = reader.seen.last().and_then(|event| event.data.pointer("/health/status"));
        let expected = if verdict == "running" { "healthy" } else { "unhealthy" };
        assert_eq!(health.and_then(|health| health.as_str()), Some(expected));
    }
    assert_eq!(states(&reader), ["running", "unhealthy", "running"]);
    container.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_says_why_and_what_was_asked_for_is_no_failure() {
    if !can_run(&[Need::Engine]) {
        return;
    }
    let engine = Engine::shared().await;
    let (docker, watcher) = (engine.docker().await, Watcher::start(&engine.host()).await);
    let script = "trap 'echo last words; exit 3' USR1; while :; do sleep 0.1; done";
    let container = Recipe::shell("mortal", "web", script).start(&docker).await;
    watcher.knows("mortal", "web").await;
    let mut reader = watcher.read("mortal", STATUS);
    let mut system = watcher.read("system", r#"{"types":["notification"]}"#);
    reader.until("running", SOON, |reader| last_is(reader, "running")).await;
    container.stop().await;
    reader.until("stopped", SOON, |reader| last_is(reader, "stopped")).await;
    container.start().await;
    reader.until("running", SOON, |reader| last_is(reader, "running")).await;
    container.signal("SIGUSR1").await;
    reader.until("failed", SOON, |reader| last_is(reader, "failed")).await;
    assert_eq!(states(&reader), ["running", "stopped", "running", "failed"]);
    let failed = reader.seen.last().unwrap();
    assert_eq!(failed.text("message"), "exited with code 3");
    let of_ours =
        |reader: &Reader| reader.seen.iter().filter(|event| event.text("service") == "web").count();
    system.until("a notification", SOON, |reader| of_ours(reader) > 0).await;
    let body = system.seen.last().unwrap().text("body").to_owned();
    assert_eq!(body, "exited with code 3\n\nlast words");
    container.remove().await;
    reader.until("removed", SOON, |reader| last_is(reader, "removed")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_may_have_every_legal_character() {
    if !can_run(&[Need::Engine]) {
        return;
    }
    let engine = Engine::shared().await;
    let (docker, watcher) = (engine.docker().await, Watcher::start(&engine.host()).await);
    let name = "aZ0_.-9_.-Z";
    let recipe = Recipe::shell("legal_0-1", "Web.aZ_9-x", "echo here; exec sleep 1000");
    let container = recipe.named(name).start(&docker).await;
    let mut reader = watcher.read_log("legal_0-1", "Web.aZ_9-x").await;
    reader.until("its line", SOON, |reader| reader.log() == ["here"]).await;
    let mut stats = watcher.read("legal_0-1", r#"{"types":["docker:stats"]}"#);
    stats.until("a sample", SOON, |reader| !reader.seen.is_empty()).await;
    assert_eq!(stats.seen.last().unwrap().text("containerName"), name);
    container.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_dies_is_told_once_and_what_changed_meanwhile_is_found() {
    if !can_run(&[Need::Engine]) {
        return;
    }
    let engine = Engine::start().await;
    let (docker, watcher) = (engine.docker().await, Watcher::start(&engine.host()).await);
    let script = "echo one; exec sleep 1000";
    let _container = Recipe::shell("left", "web", script).start(&docker).await;
    watcher.knows("left", "web").await;
    let mut reader = watcher.read("left", STATUS);
    let mut log = watcher.read_log("left", "web").await;
    let mut system = watcher.read("system", r#"{"types":["engine:status"]}"#);
    reader.until("running", SOON, |reader| last_is(reader, "running")).await;
    log.until("a line", SOON, |reader| reader.log() == ["one"]).await;
    system.until("online", SOON, |reader| last_is(reader, "online")).await;
    engine.kill();
    system.until("offline", SOON, |reader| last_is(reader, "offline")).await;
    let message = system.seen.last().unwrap().text("message").to_owned();
    assert!(message.contains("engine"), "{message}");
    reader.take();
    assert_eq!(states(&reader), ["running"], "nobody knows better");
    engine.start_daemon().await;
    system.until("online", SOON, |reader| last_is(reader, "online")).await;
    reader.until("its end", SOON, |reader| states(reader).len() == 2).await;
    println!("after its engine was killed, a service is {}", states(&reader)[1]);
    assert!(["stopped", "failed"].contains(&states(&reader)[1]));
    log.until("its end", SOON, |reader| reader.log().len() == 2).await;
    assert_eq!(log.log(), ["one", "<stopped: stopped>"]);
    let told: Vec<&str> = states(&system);
    assert_eq!(told, ["online", "offline", "online"]);
}

#[tokio::test]
async fn only_containers_with_the_label_are_seen() {
    if !can_run(&[Need::Engine]) {
        return;
    }
    let engine = Engine::shared().await;
    let docker = engine.docker().await;
    let seen = Recipe::shell("labelled", "seen", "sleep 60").create(&docker).await;
    let other = Recipe::shell("unlabelled", "other", "sleep 60").create(&docker).await;
    let label = "com.docker.compose.project=labelled".to_owned();
    let labelled = DockerEngine::new(Some(&engine.host())).unwrap().with_labels([label]);
    let listed = labelled.list().await.unwrap();
    let ids: Vec<&str> = listed.iter().map(|container| &*container.id).collect();
    assert_eq!(ids, [&*seen.id]);
    let details = labelled.inspect(&seen.id).await.unwrap().configuration.unwrap();
    assert_eq!(details.command, ["sh", "-c", "sleep 60"]);
    seen.remove().await;
    other.remove().await;
}
