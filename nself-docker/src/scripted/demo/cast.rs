//! Who plays in the demo.

use nself_realtime::event::{HealthState, Port};

use crate::engine::{Container, ContainerState};
use crate::scripted::world::World;

/// A service of the demo and its habits.
pub(super) struct Role {
    pub(super) service: &'static str,
    pub(super) container: Container,
    /// It prints once in so many beats.
    pub(super) prints_every: u64,
    pub(super) cpu_percent: u64,
    pub(super) memory: u64,
    /// Bytes a second.
    pub(super) traffic: u64,
    pub(super) pids: u64,
}

/// The whole cast.
pub(super) fn cast(world: &World) -> Vec<Role> {
    let role = |service: &'static str, digit: char, image: &str, ports: &[(u16, u16)]| {
        let id: String = std::iter::repeat_n(digit, 64).collect();
        let mut container =
            Container::new(id, format!("demo-{service}-1"), ContainerState::Running)
                .in_service("demo", service);
        image.clone_into(&mut container.image);
        container.oom_killed = Some(false);
        container.restart_count = Some(0);
        container.log_driver = Some("json-file".to_owned());
        container.started_at = Some(world.after_start(-3_600_000_000_000));
        container.ports = ports
            .iter()
            .map(|(host, inside)| Port {
                container: *inside,
                host: *host,
                address: Some("127.0.0.1".to_owned()),
                protocol: "tcp".to_owned(),
            })
            .collect();
        Role {
            service,
            container,
            prints_every: 6,
            cpu_percent: 4,
            memory: 64 * MIB,
            traffic: 20_000,
            pids: 8,
        }
    };
    let checked = |mut role: Role| {
        role.container.health = Some(HealthState::Healthy);
        role
    };
    let mut storage =
        checked(role("storage", 'c', "minio/minio:RELEASE.2026-01-20", &[(9000, 9000)]));
    storage.container.memory_limit = Some(512 * MIB);
    let mut functions = role("functions", 'd', "node:22-alpine", &[]);
    functions.container.memory_limit = Some(256 * MIB);
    vec![
        Role {
            cpu_percent: 18,
            memory: 310 * MIB,
            pids: 14,
            ..checked(role("postgres", 'a', "postgres:17-alpine", &[(5432, 5432)]))
        },
        Role { memory: 96 * MIB, ..checked(role("auth", 'b', "nself/auth:0.9", &[(4000, 4000)])) },
        Role { cpu_percent: 9, memory: 180 * MIB, traffic: 90_000, ..storage },
        Role { cpu_percent: 12, memory: 120 * MIB, pids: 22, prints_every: 4, ..functions },
        Role { prints_every: 20, memory: 22 * MIB, ..role("redis", 'e', "redis:7-alpine", &[]) },
        Role {
            prints_every: 2,
            memory: 14 * MIB,
            traffic: 240_000,
            pids: 5,
            ..role("nginx", 'f', "nginx:1.27-alpine", &[(8080, 80), (8443, 443)])
        },
    ]
}

/// The identities of those that have misfortunes.
pub(super) const STORAGE: &str = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";
pub(super) const FUNCTIONS: &str =
    "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd";

const MIB: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use nself_realtime::NanoTimestamp;

    #[tokio::test(start_paused = true)]
    async fn those_that_have_misfortunes_are_in_the_cast() {
        let world = World::new(NanoTimestamp::from_unix_nanos(0).unwrap());
        let id_of = |service| {
            let cast = cast(&world);
            cast.into_iter().find(|role| role.service == service).unwrap().container.id
        };
        assert_eq!(id_of("storage"), STORAGE);
        assert_eq!(id_of("functions"), FUNCTIONS);
    }
}
