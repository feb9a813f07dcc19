//! Frames of real engines become what they mean. Where they come from stands beside them.

use nself_realtime::event::{BlockIo, NetworkIo, Stats};
use serde::de::DeserializeOwned;

use super::convert;
use super::list::Listed;
use crate::engine::{Container, ContainerAction, ContainerState, EngineEvent};
use crate::inventory::ServiceKey;
use crate::stats::Sampler;

const V1: &str = include_str!("../../../tests/fixtures/docker-20.10-cgroup-v1-stats.jsonl");
const V2: &str = include_str!("../../../tests/fixtures/docker-cgroup-v2-stats.jsonl");
const HOST: &str = include_str!("../../../tests/fixtures/docker-20.10-host-network-stats.jsonl");
const STOPPED: &str = include_str!("../../../tests/fixtures/docker-20.10-stopped-stats.jsonl");
const PODMAN: &str = include_str!("../../../tests/fixtures/podman-4.3-stats.jsonl");

fn frames<T: DeserializeOwned>(text: &str) -> impl Iterator<Item = T> {
    text.lines().map(|line| serde_json::from_str(line).unwrap())
}

fn samples(text: &str, memory_limit: Option<u64>) -> Vec<Option<Stats>> {
    let mut sampler = Sampler::new(memory_limit);
    frames(text).map(|frame| sampler.sample(&convert::stats(frame))).collect()
}

fn events(text: &str) -> Vec<EngineEvent> {
    frames(text).filter_map(convert::event).collect()
}

#[test]
fn cgroup_v1_is_measured_as_the_command_line_does() {
    let samples = samples(V1, Some(64 * 1024 * 1024));
    let [Some(first), Some(second), Some(_)] = &samples[..] else { panic!("{samples:?}") };
    assert_eq!(first.cpu, None, "no average since birth");
    // (4080328061 − 3505444858) ns of 1025732828 ns.
    assert_eq!(second.cpu, Some(56.05));
    assert_eq!(first.memory, Some(11_370_496 - 8_388_608));
    assert_eq!(first.memory_percent, Some(4.44));
    assert_eq!(first.network, Some(NetworkIo { rx: 1_166, tx: 0 }));
    assert_eq!(first.block_io, None, "an empty list is unknown, not 0");
    assert_eq!((first.pids, first.online_cpus), (Some(2), Some(2)));
}

#[test]
fn cgroup_v2_is_measured_as_the_command_line_does() {
    let samples = samples(V2, None);
    let [Some(only)] = &samples[..] else { panic!("{samples:?}") };
    assert_eq!(only.memory, Some(14_200_832 - 1_933_312));
    assert_eq!((only.memory_limit, only.memory_percent), (None, None), "the host's is no limit");
    assert_eq!(only.network, Some(NetworkIo { rx: 5_338 + 4_641, tx: 648 + 690 }));
    assert_eq!(only.block_io, Some(BlockIo { read: 7_593_984, write: 100 }));
    assert_eq!((only.pids, only.online_cpus), (Some(4), Some(5)));
}

#[test]
fn podman_is_measured_though_it_says_less() {
    let samples = samples(PODMAN, None);
    let [Some(first), Some(second)] = &samples[..] else { panic!("{samples:?}") };
    // (87461205 − 71474402) ns of 5005903714 ns.
    assert_eq!((first.cpu, second.cpu), (None, Some(0.32)));
    assert_eq!(first.memory, Some(749_568));
    assert_eq!(first.block_io, None);
}

#[test]
fn what_is_not_there_is_absent() {
    let host = samples(HOST, None);
    assert_eq!(host[0].as_ref().unwrap().network, None);
    let text = r#"{"read":"2026-01-31T12:00:00.12345678Z","memory_stats":{},"cpu_stats":{}}"#;
    let bare = samples(text, Some(1_000)).remove(0).unwrap();
    assert_eq!((bare.memory, bare.memory_percent, bare.pids), (None, None, None));
    assert!(samples(STOPPED, None).iter().all(Option::is_none));
}

#[test]
fn lists_and_inspections_of_both_engines_are_read() {
    let read = |list: &str, inspection: &str| -> (Vec<Container>, Container) {
        let listed: Vec<Listed> = serde_json::from_str(list).unwrap();
        let inspected = serde_json::from_str(inspection).unwrap();
        let listed = listed.into_iter().map(Listed::into_container).collect();
        (listed, convert::inspected(inspected).unwrap())
    };
    for (list, inspection) in [
        (
            include_str!("../../../tests/fixtures/docker-20.10-list.json"),
            include_str!("../../../tests/fixtures/docker-20.10-inspect.json"),
        ),
        (
            include_str!("../../../tests/fixtures/podman-4.3-list.json"),
            include_str!("../../../tests/fixtures/podman-4.3-inspect.json"),
        ),
    ] {
        let (listed, inspected) = read(list, inspection);
        let of_list = listed.iter().find(|container| container.id == inspected.id).unwrap();
        for container in [of_list, &inspected] {
            assert_eq!(container.name, "shop-web-1");
            assert_eq!(container.state, ContainerState::Running);
            assert_eq!(container.health, None);
            let key = ServiceKey::of(container);
            assert_eq!((key.room.as_str(), key.service.as_str()), ("shop", "web"));
        }
        assert!(inspected.started_at.is_some() && inspected.restart_count == Some(0));
    }
}

#[test]
fn states_that_only_podman_has_spoil_no_list() {
    let list = include_str!("../../../tests/fixtures/podman-states-list.json");
    let listed: Vec<Listed> = serde_json::from_str(list).unwrap();
    let listed: Vec<_> = listed.into_iter().map(Listed::into_container).collect();
    let seen: Vec<_> =
        listed.iter().map(|one| (one.name.as_str(), one.state, one.exit_code)).collect();
    assert_eq!(
        seen,
        [
            ("shop-web-1", ContainerState::Running, None),
            ("shop-db-1", ContainerState::Exited, Some(137)),
            // Without an exit code an inspection decides.
            ("shop-api-1", ContainerState::Exited, None),
            ("shop-jobs-1", ContainerState::Running, None),
        ]
    );
}

#[test]
fn events_of_both_engines_are_read_and_probes_are_left_out() {
    use ContainerAction::{Die, Kill, Restart, Start, Stop};

    let actions = |text| events(text).into_iter().map(|event| event.action).collect::<Vec<_>>();
    let die = |tells_signals| Die { exit_code: Some(137), tells_signals };
    let docker = actions(include_str!("../../../tests/fixtures/docker-20.10-events.jsonl"));
    let stop = [Kill, Kill, die(true), Stop];
    assert_eq!(docker, [&stop[..], &stop, &[Start, Restart]].concat());
    let podman = actions(include_str!("../../../tests/fixtures/podman-4.3-events.jsonl"));
    assert_eq!(podman, [Start, die(false), Start, Kill, die(false)]);
}
