//! The one status that stands for all containers of a service.

use nself_realtime::Name;
use nself_realtime::event::{Health, HealthState, Port, Replicas, ServiceState, ServiceStatus};

use super::Record;
use super::death::cause_of_death;
use super::key::name_or_digest;
use crate::engine::ContainerState;
use crate::text::at_most;

/// How a service with these containers is; `None` without any.
pub(super) fn status_of(service: &Name, replicas: &[&Record]) -> Option<ServiceStatus> {
    let (state, of) = replicas
        .iter()
        .map(|record| (state_of(record), *record))
        .min_by_key(|(state, _)| rank(*state))?;
    let container = &of.container;
    let mut status = ServiceStatus::new(service.clone(), state);
    let running = replicas.iter().filter(|record| record.container.state.has_process()).count();
    status.replicas = Some(Replicas { total: count(replicas.len()), running: count(running) });
    if let [only] = replicas {
        status.container_id = Some(name_or_digest(&only.container.id));
    }
    status.image = Some(at_most(&container.image, 512)).filter(|image| !image.is_empty());
    status.restart_count = container.restart_count;
    if container.state.is_up() {
        status.started_at = container.started_at;
        status.health = health_of(of);
        status.ports = ports_of(replicas);
    }
    if container.state == ContainerState::Exited {
        status.exit_code = container.exit_code;
        status.oom_killed = container.oom_killed;
    }
    if state == ServiceState::Failed {
        status.message = Some(at_most(&cause_of_death(container), 4_096));
    }
    Some(status)
}

/// Whether two statuses say the same. What a health check said last changes with every probe and is
/// no news while the verdict stands.
pub(super) fn same(a: &ServiceStatus, b: &ServiceStatus) -> bool {
    let verdict = |status: &ServiceStatus| {
        let mut status = status.clone();
        if let Some(health) = &mut status.health {
            *health = plain(health.status);
        }
        status
    };
    verdict(a) == verdict(b)
}

fn state_of(record: &Record) -> ServiceState {
    match record.container.state {
        ContainerState::Running => match record.container.health {
            Some(HealthState::Unhealthy) => ServiceState::Unhealthy,
            Some(HealthState::Starting) => ServiceState::Starting,
            _ => ServiceState::Running,
        },
        ContainerState::Paused => ServiceState::Paused,
        ContainerState::Restarting => ServiceState::Restarting,
        ContainerState::Created => ServiceState::Created,
        ContainerState::Exited if record.has_failed() => ServiceState::Failed,
        ContainerState::Exited | ContainerState::Removing => ServiceState::Stopped,
    }
}

/// Which of several states stands for all: the one that needs most attention of those that are up;
/// if none is, the one that does of those that are not.
fn rank(state: ServiceState) -> u8 {
    match state {
        ServiceState::Unhealthy => 0,
        ServiceState::Restarting => 1,
        ServiceState::Starting => 2,
        ServiceState::Running => 3,
        ServiceState::Paused => 4,
        ServiceState::Failed => 5,
        ServiceState::Stopped => 6,
        _ => 7,
    }
}

fn health_of(record: &Record) -> Option<Health> {
    let container = &record.container;
    Some(Health {
        last_check: container.last_check,
        failing_streak: container.failing_streak,
        output: container.check_output.as_deref().map(|output| at_most(output, 4_096)),
        ..plain(container.health?)
    })
}

fn plain(status: HealthState) -> Health {
    Health { status, last_check: None, failing_streak: None, output: None }
}

fn ports_of(replicas: &[&Record]) -> Vec<Port> {
    let mut ports: Vec<Port> = Vec::new();
    for port in replicas.iter().flat_map(|record| &record.container.ports) {
        if ports.len() < 256 && !ports.contains(port) {
            ports.push(port.clone());
        }
    }
    ports
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
