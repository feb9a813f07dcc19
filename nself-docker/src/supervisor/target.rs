//! What can be watched of one container: a view of what the inventory knows.

use nself_realtime::{Emitter, Name};

use crate::engine::ContainerState;
use crate::inventory::{Record, ServiceKey, name_or_digest};
use crate::logs::Phase;

/// A container whose log and stats somebody may want to watch.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) key: ServiceKey,
    pub(super) emitter: Emitter,
    pub(super) container: Name,
    pub(super) name: Name,
    pub(super) image: String,
    pub(super) phase: Phase,
    pub(super) memory_limit: Option<u64>,
    pub(super) log_driver: Option<String>,
    pub(super) log_drops_lines: bool,
}

impl Target {
    pub(super) fn new(record: &Record, emitter: Emitter, connection: u64) -> Self {
        let container = &record.container;
        Self {
            key: record.key.clone(),
            emitter,
            container: name_or_digest(&container.id),
            name: name_or_digest(&container.name),
            image: container.image.clone(),
            phase: Phase {
                created: container.state == ContainerState::Created,
                running: container.state.has_process(),
                restarting: container.state == ContainerState::Restarting,
                run: container.started_at,
                restarts: container.restart_count.unwrap_or(0),
                connection,
            },
            memory_limit: container.memory_limit,
            log_driver: container.log_driver.clone(),
            log_drops_lines: container.log_drops_lines,
        }
    }
}
