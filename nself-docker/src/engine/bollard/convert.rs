//! From bollard's models to the frames of this crate. What an engine did not say stays absent.

use std::collections::HashMap;

use ::bollard::models::{
    ContainerInspectResponse, ContainerState as InspectedState, ContainerStateStatusEnum,
    ContainerStatsResponse, EventMessage, Health, HealthStatusEnum, MountPoint, PortMap,
};
use nself_realtime::NanoTimestamp;
use nself_realtime::event::{HealthState, Port};

use crate::details::{Configuration, Mount, argument_list, environment, labels};
use crate::engine::{
    BlockBytes, Container, ContainerAction, ContainerState, EngineEvent, MemoryUsage, StatsFrame,
};

/// An event, if it is one that matters here.
pub(super) fn event(message: EventMessage) -> Option<EngineEvent> {
    let actor = message.actor?;
    let attribute = |name| actor.attributes.as_ref().and_then(|all| all.get(name));
    // The second is Podman's, and comes with all its events.
    let (code, podmans) = (attribute("exitCode"), attribute("containerExitCode"));
    let exit_code = code.or(podmans).and_then(|code| code.parse().ok());
    let action = ContainerAction::parse(message.action.as_deref()?, exit_code, podmans.is_none())?;
    let nanos = message
        .time_nano
        .map(i128::from)
        .or(message.time.map(|seconds| i128::from(seconds) * 1_000_000_000))?;
    Some(EngineEvent::new(actor.id?, NanoTimestamp::from_unix_nanos(nanos)?, action))
}

/// A container as an inspection tells it.
pub(super) fn inspected(response: ContainerInspectResponse) -> Option<Container> {
    let id = response.id.clone()?;
    let name = response.name.as_deref().map_or_else(|| id.clone(), without_slash);
    let said = response.state.clone()?;
    let mut container = Container::new(id, name, state_of_inspected(said.status?));
    container.configuration = Some(Box::new(configuration(&response)));
    if let Some(config) = response.config {
        container.image = config.image.unwrap_or_default();
        label(&mut container, &config.labels.unwrap_or_default());
    }
    if let Some(config) = response.host_config {
        container.memory_limit =
            config.memory.and_then(|bytes| u64::try_from(bytes).ok()).filter(|bytes| *bytes > 0);
        if let Some(log) = config.log_config {
            container.log_driver = log.typ;
            let mode = log.config.as_ref().and_then(|options| options.get("mode"));
            container.log_drops_lines = mode.is_some_and(|mode| mode == "non-blocking");
        }
    }
    container.restart_count = response.restart_count.and_then(|count| u64::try_from(count).ok());
    let ports = response.network_settings.and_then(|settings| settings.ports);
    container.ports = ports.map(port_map).unwrap_or_default();
    state_details(&mut container, said);
    Some(container)
}

/// What of its configuration is for people; secrets go no further than here.
fn configuration(response: &ContainerInspectResponse) -> Configuration {
    let mut shown = Configuration::default();
    if let Some(config) = &response.config {
        let parts = [&config.entrypoint, &config.cmd].into_iter().flatten().flatten();
        shown.command = argument_list(&parts.cloned().collect::<Vec<_>>());
        shown.environment = environment(config.env.as_deref().unwrap_or_default());
        shown.labels = config.labels.as_ref().map(labels).unwrap_or_default();
        shown.user = config.user.clone().filter(|user| !user.is_empty());
    }
    shown.mounts = response.mounts.iter().flatten().map(mount).collect();
    let networks = response.network_settings.as_ref().and_then(|own| own.networks.as_ref());
    shown.networks = networks.map(|own| own.keys().cloned().collect()).unwrap_or_default();
    shown.networks.sort_unstable();
    let policy = response.host_config.as_ref().and_then(|config| config.restart_policy.as_ref());
    let policy = policy.and_then(|policy| policy.name).map(|name| name.to_string());
    shown.restart = policy.filter(|name| !name.is_empty());
    shown
}

fn mount(point: &MountPoint) -> Mount {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    Mount {
        kind: text(&point.typ),
        source: point.name.clone().unwrap_or_else(|| text(&point.source)),
        target: text(&point.destination),
        writable: point.rw.unwrap_or(true),
    }
}

fn state_details(container: &mut Container, said: InspectedState) {
    container.started_at = said.started_at.as_deref().and_then(time_of_run);
    container.error = said.error.filter(|error| !error.is_empty());
    container.oom_killed = said.oom_killed;
    if container.state == ContainerState::Exited {
        container.exit_code = said.exit_code;
    }
    if let Some(health) = said.health.filter(|_| container.state.has_process()) {
        health_details(container, health);
    }
}

fn health_details(container: &mut Container, said: Health) {
    container.health = match said.status {
        Some(HealthStatusEnum::STARTING) => Some(HealthState::Starting),
        Some(HealthStatusEnum::HEALTHY) => Some(HealthState::Healthy),
        Some(HealthStatusEnum::UNHEALTHY) => Some(HealthState::Unhealthy),
        Some(HealthStatusEnum::NONE | HealthStatusEnum::EMPTY) | None => None,
    };
    if container.health.is_none() {
        return;
    }
    container.failing_streak = said.failing_streak.and_then(|streak| u64::try_from(streak).ok());
    if let Some(check) = said.log.and_then(|mut log| log.pop()) {
        container.last_check = check.end.and_then(|time| time.parse().ok());
        container.check_output = check.output.filter(|output| !output.trim().is_empty());
    }
}

/// A sample, without a time if there was no process to measure.
pub(super) fn stats(response: ContainerStatsResponse) -> StatsFrame {
    let mut frame = StatsFrame {
        name: response.name.map(|name| without_slash(&name)),
        read: response.read.as_deref().and_then(time_of_run),
        ..StatsFrame::default()
    };
    if let Some(cpu) = response.cpu_stats {
        frame.online_cpus = cpu.online_cpus.filter(|count| *count > 0);
        if let Some(usage) = cpu.cpu_usage {
            frame.cpu_total_nanos = usage.total_usage;
            let per_core = usage.percpu_usage.and_then(|cores| u32::try_from(cores.len()).ok());
            frame.online_cpus = frame.online_cpus.or(per_core).filter(|count| *count > 0);
        }
    }
    frame.memory = response.memory_stats.and_then(|memory| {
        let caches = memory.stats.unwrap_or_default();
        // The first is cgroup v1's, the second v2's.
        let inactive_file = caches.get("total_inactive_file").or(caches.get("inactive_file"));
        Some(MemoryUsage { usage: memory.usage?, inactive_file: inactive_file.copied() })
    });
    frame.network = response.networks.map(|networks| {
        networks.values().fold((0_u64, 0_u64), |(rx, tx), one| {
            let (more_rx, more_tx) = (one.rx_bytes.unwrap_or(0), one.tx_bytes.unwrap_or(0));
            (rx.saturating_add(more_rx), tx.saturating_add(more_tx))
        })
    });
    let entries = response.blkio_stats.and_then(|stats| stats.io_service_bytes_recursive);
    frame.block_io = entries
        .unwrap_or_default()
        .into_iter()
        .filter_map(|entry| Some(BlockBytes { operation: entry.op?, bytes: entry.value? }))
        .collect();
    frame.pids = response.pids_stats.and_then(|pids| pids.current);
    frame
}

fn state_of_inspected(state: ContainerStateStatusEnum) -> ContainerState {
    use ContainerStateStatusEnum as Inspected;
    match state {
        Inspected::RUNNING | Inspected::STOPPING => ContainerState::Running,
        Inspected::PAUSED => ContainerState::Paused,
        Inspected::RESTARTING => ContainerState::Restarting,
        Inspected::REMOVING => ContainerState::Removing,
        Inspected::CREATED => ContainerState::Created,
        Inspected::EXITED | Inspected::DEAD | Inspected::EMPTY => ContainerState::Exited,
    }
}

/// Takes what the labels of a container say about where it belongs.
pub(super) fn label(container: &mut Container, labels: &HashMap<String, String>) {
    let value = |name| labels.get(name).filter(|value| !value.is_empty()).cloned();
    container.project = value("com.docker.compose.project");
    container.service = value("com.docker.compose.service");
    container.one_off = value("com.docker.compose.oneoff").is_some_and(|v| v == "True");
}

/// Ports as `"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]`, in a fixed order.
fn port_map(map: PortMap) -> Vec<Port> {
    let mut ports: Vec<Port> = map
        .into_iter()
        .flat_map(|(inside, bindings)| {
            bindings.unwrap_or_default().into_iter().filter_map(move |binding| {
                let (number, protocol) = inside.split_once('/').unwrap_or((&inside, "tcp"));
                Some(Port {
                    container: number.parse().ok()?,
                    host: binding.host_port?.parse().ok()?,
                    address: binding.host_ip.filter(|address| !address.is_empty()),
                    protocol: protocol.to_owned(),
                })
            })
        })
        .collect();
    ports.sort_by(|a, b| {
        (a.container, a.host, &a.protocol, &a.address).cmp(&(
            b.container,
            b.host,
            &b.protocol,
            &b.address,
        ))
    });
    ports
}

pub(super) fn without_slash(name: &str) -> String {
    name.strip_prefix('/').unwrap_or(name).to_owned()
}

/// A time, unless it is the engine's word for "never", the year 1.
fn time_of_run(text: &str) -> Option<NanoTimestamp> {
    text.parse().ok().filter(|time: &NanoTimestamp| time.unix_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inspection_becomes_a_container() {
        let response: ContainerInspectResponse = serde_json::from_str(INSPECTION).unwrap();
        let container = inspected(response).unwrap();
        assert_eq!(container.name, "shop-db-1");
        assert_eq!(container.project.as_deref(), Some("shop"));
        assert_eq!(container.service.as_deref(), Some("db"));
        assert_eq!(container.health, Some(HealthState::Unhealthy));
        assert_eq!(container.failing_streak, Some(4));
        assert_eq!(container.check_output.as_deref(), Some("no answer\n"));
        assert_eq!(container.memory_limit, None);
        assert_eq!(container.exit_code, None, "it runs");
        assert!(container.log_drops_lines);
        assert_eq!(container.ports.len(), 1);
        assert_eq!(container.ports.first().map(|port| port.host), Some(15432));
    }

    #[test]
    fn a_sample_of_no_process_has_no_time() {
        let text = r#"{"read":"0001-01-01T00:00:00Z","cpu_stats":{"cpu_usage":{"total_usage":0}}}"#;
        assert_eq!(stats(serde_json::from_str(text).unwrap()).read, None);
    }

    #[test]
    fn both_generations_of_cgroups_are_read() {
        for (cache, generation) in [("total_inactive_file", "v1"), ("inactive_file", "v2")] {
            let text = format!(
                r#"{{"read":"2026-01-31T12:00:00.5Z","memory_stats":{{"usage":100,"stats":{{"{cache}":40}}}}}}"#
            );
            let frame = stats(serde_json::from_str(&text).unwrap());
            let memory = MemoryUsage { usage: 100, inactive_file: Some(40) };
            assert_eq!(frame.memory, Some(memory), "{generation}");
        }
    }

    #[test]
    fn memory_that_was_not_measured_is_absent() {
        let text = r#"{"read":"2026-01-31T12:00:00.5Z","memory_stats":{}}"#;
        assert_eq!(stats(serde_json::from_str(text).unwrap()).memory, None);
    }

    const INSPECTION: &str = r#"{
        "Id": "abc", "Name": "/shop-db-1", "RestartCount": 2,
        "State": {
            "Status": "running", "Running": true, "OOMKilled": false, "ExitCode": 0, "Error": "",
            "StartedAt": "2026-01-31T12:00:00.123456789Z", "FinishedAt": "0001-01-01T00:00:00Z",
            "Health": {
                "Status": "unhealthy", "FailingStreak": 4,
                "Log": [{"End": "2026-01-31T12:00:09.5+01:00", "ExitCode": 1, "Output": "no answer\n"}]
            }
        },
        "Config": {
            "Image": "postgres:16",
            "Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "db"}
        },
        "HostConfig": {"Memory": 0, "LogConfig": {"Type": "json-file", "Config": {"mode": "non-blocking"}}},
        "NetworkSettings": {"Ports": {
            "5432/tcp": [{"HostIp": "127.0.0.1", "HostPort": "15432"}], "9000/tcp": null
        }}
    }"#;
}
