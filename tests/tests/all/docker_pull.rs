//! Images pulled by a real engine from a real registry.

use nself_docker::{DockerEngine, PullProgress, pull};
use nself_realtime::event::ProgressStatus;
use nself_tests::engine::Engine;
use nself_tests::missing::{Need, can_run};
use nself_tests::registry::{self, Registry};

const MIB: usize = 1024 * 1024;

/// Checks what holds for every pull, and gives back its end.
fn end_of(told: &[PullProgress]) -> &PullProgress {
    let (last, before) = told.split_last().unwrap();
    assert!(last.status.is_end() && !before.iter().any(|progress| progress.status.is_end()));
    assert!(told.is_sorted_by(|a, b| a.percent <= b.percent), "{told:#?}");
    last
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_is_told_by_bytes_and_ends_once_whether_it_works_or_breaks() {
    if !can_run(&[Need::Engine, Need::Registry]) {
        return;
    }
    // One of its own: it removes images, and others would find theirs missing.
    let engine = Engine::start().await;
    let mut registry = Registry::start().await;
    let host = engine.host();
    let small = registry.publish(&host, "small", "scratch", &[8 * MIB, 4 * MIB, MIB]);
    let large = registry.publish(&host, "large", &small, &[96 * MIB]);
    registry::remove(&host, &[&large, &small]);
    let docker = DockerEngine::new(Some(&host)).unwrap();

    let mut told = Vec::new();
    pull(&docker, &small, |progress| told.push(progress)).await.unwrap();
    let end = end_of(&told);
    assert_eq!((end.status, end.layers.len()), (ProgressStatus::Complete, 3));
    let bytes: u64 = end.layers.iter().filter_map(|layer| layer.total_bytes).sum();
    // What is random does not become smaller, and its archive hardly larger.
    assert!((13 * MIB as u64..14 * MIB as u64).contains(&bytes), "{bytes}");
    assert!(told.iter().any(|progress| (1.0..99.0).contains(&progress.percent)), "{told:#?}");
    println!("a pull of {bytes} bytes in 3 layers was told in {} steps", told.len());

    let mut told = Vec::new();
    pull(&docker, &small, |progress| told.push(progress)).await.unwrap();
    let end = end_of(&told);
    assert_eq!((end.status, end.layers.len()), (ProgressStatus::Complete, 0), "it is there");

    let mut told: Vec<PullProgress> = Vec::new();
    let outcome = pull(&docker, &large, |progress| {
        let before = told.last().is_some_and(is_downloading);
        if is_downloading(&progress) && !before {
            registry.kill();
        }
        told.push(progress);
    });
    let error = outcome.await.unwrap_err();
    let end = end_of(&told);
    println!("a pull whose registry was killed: failed at {} %: {error}", end.percent);
    assert_eq!(end.status, ProgressStatus::Failed);
    assert!(end.percent < 50.0, "less than the download: {told:#?}");
    assert!(end.error.as_ref().is_some_and(|cause| !cause.is_empty()));
    let states: Vec<_> = end.layers.iter().map(|layer| layer.status).collect();
    let (last, below) = states.split_last().unwrap();
    assert_eq!(*last, ProgressStatus::Failed);
    assert_eq!(below, [ProgressStatus::Complete; 3], "those that exist already");
}

fn is_downloading(progress: &PullProgress) -> bool {
    !progress.status.is_end()
        && progress.layers.iter().any(|layer| layer.status == ProgressStatus::InProgress)
}
