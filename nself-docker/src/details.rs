//! What a service is made of, for people, without its secrets.

mod mask;

use std::collections::BTreeMap;

use nself_realtime::{Name, RoomName};
use serde::Serialize;

pub(crate) use self::mask::{argument_list, environment, labels};
use crate::engine::{Container, ContainerState, EngineError};

/// A service and its containers, as the engine describes them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServiceDetails {
    /// The service.
    pub service: Name,
    /// Its containers, by name.
    pub containers: Vec<ContainerDetails>,
}

/// One of its containers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ContainerDetails {
    /// Its identity for ever.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it was made from.
    pub image: String,
    /// What it does: `created`, `running`, `paused`, `restarting`, `exited`, `removing`.
    pub state: &'static str,
    /// How it was configured; absent where the engine does not say.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Configuration>,
}

/// How a container was configured. Values that may be secrets are masked where the engine's answer is
/// read: all of its environment, and what looks like one elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Configuration {
    /// What it runs, masked.
    pub command: Vec<String>,
    /// Its variables, each value masked.
    pub environment: BTreeMap<String, &'static str>,
    /// Its labels, masked.
    pub labels: BTreeMap<String, String>,
    /// What is mounted into it.
    pub mounts: Vec<Mount>,
    /// The networks that it is in.
    pub networks: Vec<String>,
    /// When it is started again: `no`, `always`, `unless-stopped`, `on-failure`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<String>,
    /// As whom it runs; absent for the image's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// Something that is mounted into a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Mount {
    /// `bind`, `volume`, `tmpfs`.
    pub kind: String,
    /// A path of the host, or the name of a volume.
    pub source: String,
    /// Where it is in the container.
    pub target: String,
    /// Whether the container may change it.
    pub writable: bool,
}

/// Why there are no details.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DetailsError {
    /// There is no such service.
    #[error("there is no service {service} in {room}")]
    NotFound {
        /// Where it should have been.
        room: RoomName,
        /// What it should have been called.
        service: Name,
    },
    /// The engine does not answer.
    #[error("the engine is offline: wait until it is back")]
    EngineOffline,
    /// The engine refused.
    #[error("the engine does not say: {0}")]
    Engine(EngineError),
}

impl From<Container> for ContainerDetails {
    fn from(container: Container) -> Self {
        let state = match container.state {
            ContainerState::Created => "created",
            ContainerState::Running => "running",
            ContainerState::Paused => "paused",
            ContainerState::Restarting => "restarting",
            ContainerState::Exited => "exited",
            ContainerState::Removing => "removing",
        };
        let Container { id, name, image, configuration, .. } = container;
        Self { id, name, image, state, configuration: configuration.map(|boxed| *boxed) }
    }
}
