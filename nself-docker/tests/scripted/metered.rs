//! Every call of an engine is counted once, under its own name, by what came of it.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use nself_docker::{
    CallOutcome, CallStatistics, ContainerSpec, Engine, EngineCall, EngineError, Frames, ImageSpec,
    LogQuery, MeteredEngine, NetworkSpec, VolumeSpec,
};

use crate::stage::{WEB, away, engine, start, web};

async fn read<T>(mut frames: Frames<T>) {
    while frames.next().await.is_some() {}
}

/// The outcomes of a call that there were, with their numbers.
fn outcomes(of_each: &[CallStatistics], call: EngineCall) -> Vec<(CallOutcome, u64)> {
    let of_one = of_each.iter().find(|of_one| of_one.call == call).unwrap();
    let all: Vec<_> = of_one.outcomes.iter().map(|(outcome, _)| *outcome).collect();
    assert_eq!(all, CallOutcome::ALL);
    of_one.outcomes.iter().copied().filter(|(_, count)| *count > 0).collect()
}

async fn call(engine: &dyn Engine, call: EngineCall) {
    let (spec, image) = (ContainerSpec::default(), ImageSpec::default());
    let (network, volume) = (NetworkSpec::default(), VolumeSpec::default());
    match call {
        EngineCall::Version => drop(engine.version().await),
        EngineCall::Events => read(engine.events(start())).await,
        EngineCall::List => drop(engine.list().await),
        EngineCall::Inspect => drop(engine.inspect(WEB).await),
        EngineCall::Logs => read(engine.logs(WEB, LogQuery::new(1))).await,
        EngineCall::Stats => read(engine.stats(WEB)).await,
        EngineCall::Pull => read(engine.pull("web:1")).await,
        EngineCall::Start => drop(engine.start(WEB).await),
        EngineCall::Stop => drop(engine.stop(WEB).await),
        EngineCall::Restart => drop(engine.restart(WEB).await),
        EngineCall::Network => drop(engine.network("n").await),
        EngineCall::CreateNetwork => drop(engine.create_network(&network).await),
        EngineCall::Volume => drop(engine.volume("v").await),
        EngineCall::CreateVolume => drop(engine.create_volume(&volume).await),
        EngineCall::Image => drop(engine.image("web:1").await),
        EngineCall::Build => read(engine.build(&image, futures::stream::empty().boxed())).await,
        EngineCall::Project => drop(engine.project("shop").await),
        EngineCall::VolumesOf => drop(engine.volumes_of(WEB).await),
        EngineCall::Create => drop(engine.create("c", &spec).await),
        EngineCall::Rename => drop(engine.rename(WEB, "c").await),
        EngineCall::Remove => drop(engine.remove(WEB).await),
        other => panic!("no test calls {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn each_call_is_counted_under_its_own_name() {
    let scripted = engine();
    scripted.add(web(WEB));
    scripted.go_offline(away());
    let metered = MeteredEngine::new(Arc::new(scripted));
    for (before, one) in EngineCall::ALL.into_iter().enumerate() {
        call(&metered, one).await;
        let of_each = metered.calls().statistics();
        assert_eq!(outcomes(&of_each, one), [(CallOutcome::Unreachable, 1)], "{one:?}");
        let all: u64 = of_each.iter().flat_map(|one| &one.outcomes).map(|(_, count)| count).sum();
        assert_eq!(all, before as u64 + 1, "{one:?} counts once");
    }
}

#[tokio::test(start_paused = true)]
async fn what_came_of_a_call_is_told_apart() {
    let scripted = engine();
    scripted.add(web(WEB));
    let metered = MeteredEngine::new(Arc::new(scripted.clone()));
    metered.inspect(WEB).await.unwrap();
    metered.inspect("nobody").await.unwrap_err();
    for (status, times) in [(409, 1), (500, 2)] {
        scripted.refuse_actions(Some(EngineError::Api { status, message: "no".to_owned() }));
        for _ in 0..times {
            metered.stop(WEB).await.unwrap_err();
        }
    }
    let mut log = metered.logs(WEB, LogQuery::new(1).following());
    assert!(futures::poll!(log.next()).is_pending());
    drop(log);
    read(metered.logs(WEB, LogQuery::new(1))).await;

    let of_each = metered.calls().statistics();
    let of = |call| outcomes(&of_each, call);
    assert_eq!(of(EngineCall::Inspect), [(CallOutcome::Ok, 1), (CallOutcome::NotFound, 1)]);
    assert_eq!(of(EngineCall::Stop), [(CallOutcome::Conflict, 1), (CallOutcome::Refused, 2)]);
    assert_eq!(of(EngineCall::Logs), [(CallOutcome::Ok, 1), (CallOutcome::GivenUp, 1)]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_waits_for_any_longer_is_given_up_and_its_time_is_measured() {
    let scripted = engine();
    scripted.add(web(WEB));
    scripted.slow_inspections(Duration::from_secs(20));
    let metered = MeteredEngine::new(Arc::new(scripted));
    let second = Duration::from_secs(1);
    tokio::time::timeout(second, metered.inspect(WEB)).await.unwrap_err();
    let of_each = metered.calls().statistics();
    assert_eq!(outcomes(&of_each, EngineCall::Inspect), [(CallOutcome::GivenUp, 1)]);
    let took = of_each.into_iter().find_map(|one| one.took.filter(|took| took.count() > 0));
    // The clock of a test is exact to the millisecond.
    assert!((second..second + Duration::from_millis(2)).contains(&took.unwrap().sum));
}
