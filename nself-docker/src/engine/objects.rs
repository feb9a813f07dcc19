//! What a project has on an engine beside its running: networks, volumes, images, containers.

use std::collections::BTreeMap;

use super::ContainerState;

/// A network that an engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Network {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

impl Network {
    /// A network of that name.
    pub fn new(name: impl Into<String>, labels: BTreeMap<String, String>) -> Self {
        Self { name: name.into(), labels }
    }
}

/// A network to be made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkSpec {
    /// Its name.
    pub name: String,
    /// Its driver; without one the engine's own choice.
    pub driver: Option<String>,
    /// What the driver is told.
    pub options: BTreeMap<String, String>,
    /// Whether nothing leads out of it.
    pub internal: bool,
    /// Whether it has IPv6 addresses; without a value as the engine is configured.
    pub ipv6: Option<bool>,
    /// The ranges of its addresses; without one the engine chooses.
    pub pools: Vec<AddressPool>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// A range of addresses of a network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AddressPool {
    /// The subnet, as `10.5.0.0/16`.
    pub subnet: Option<String>,
    /// The part of it from which containers get theirs.
    pub ip_range: Option<String>,
    /// The gateway's address.
    pub gateway: Option<String>,
}

/// A volume that an engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

impl Volume {
    /// A volume of that name.
    pub fn new(name: impl Into<String>, labels: BTreeMap<String, String>) -> Self {
        Self { name: name.into(), labels }
    }
}

/// A volume to be made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VolumeSpec {
    /// Its name.
    pub name: String,
    /// Its driver; without one the engine's own choice.
    pub driver: Option<String>,
    /// What the driver is told.
    pub options: BTreeMap<String, String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// An image that an engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Image {
    /// Its identity, as `sha256:…`.
    pub id: String,
    /// Where its containers have a volume, named or not.
    pub volumes: Vec<String>,
}

impl Image {
    /// An image with these volumes.
    pub fn new(id: impl Into<String>, volumes: Vec<String>) -> Self {
        Self { id: id.into(), volumes }
    }
}

/// A container of a project, as a list tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProjectContainer {
    /// Its identity.
    pub id: String,
    /// Its name, without the slash that the engine puts before it.
    pub name: String,
    /// The identity of the image that it was made from.
    pub image_id: String,
    /// What it does.
    pub state: ContainerState,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

impl ProjectContainer {
    /// A container of that name.
    pub fn new(
        id: impl Into<String>,
        name: impl Into<String>,
        image_id: impl Into<String>,
        state: ContainerState,
        labels: BTreeMap<String, String>,
    ) -> Self {
        Self { id: id.into(), name: name.into(), image_id: image_id.into(), state, labels }
    }
}

/// A volume as it is mounted into a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountedVolume {
    /// Its name; one that nobody named has 64 hexadecimal digits.
    pub name: String,
    /// Where it is mounted.
    pub target: String,
}
