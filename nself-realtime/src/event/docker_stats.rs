//! `docker:stats`: what a container uses. What was not measured is absent, never 0.

use garde::Validate;
use serde::{Deserialize, Serialize};

use super::{Delivery, InvalidPayload, Payload, Retention, percent};
use crate::Name;

/// One sample of what a container uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct DockerStats {
    /// The container.
    pub container_id: Name,
    /// Its name at the engine.
    pub container_name: Name,
    /// The service that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Name>,
    /// The sample.
    #[garde(dive)]
    pub stats: Stats,
}

/// The figures of one sample.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct Stats {
    /// Percent of one core: 200 means that two are busy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0)))]
    #[garde(inner(custom(percent)))]
    pub cpu: Option<f64>,
    /// Bytes in use, without the page cache that can be given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// How many bytes it may use; absent without a limit of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit: Option<u64>,
    /// `memory` as percent of `memoryLimit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0)))]
    #[garde(inner(custom(percent)))]
    pub memory_percent: Option<f64>,
    /// Bytes over all network interfaces since the container's start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkIo>,
    /// Bytes to and from block devices since the container's start.
    #[serde(default, rename = "blockIO", skip_serializing_if = "Option::is_none")]
    pub block_io: Option<BlockIo>,
    /// Processes and threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pids: Option<u64>,
    /// Cores that it may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub online_cpus: Option<u32>,
}

/// Bytes over the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NetworkIo {
    /// Received.
    pub rx: u64,
    /// Sent.
    pub tx: u64,
}

/// Bytes to and from block devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlockIo {
    /// Read.
    pub read: u64,
    /// Written.
    pub write: u64,
}

impl Payload for DockerStats {
    const TYPE: &'static str = "docker:stats";
    const DELIVERY: Delivery = Delivery::Batched;
    const RETENTION: Retention = Retention::Ring { events: 300, bytes: 256 * 1024 };

    fn key(&self) -> &str {
        self.container_id.as_str()
    }

    fn check(&self) -> Result<(), InvalidPayload> {
        InvalidPayload::by_rules(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(cpu: f64) -> DockerStats {
        DockerStats {
            container_id: Name::new("c0").unwrap(),
            container_name: Name::new("shop-web-1").unwrap(),
            service: None,
            stats: Stats { cpu: Some(cpu), ..Stats::default() },
        }
    }

    #[test]
    fn what_was_not_measured_is_absent() {
        assert_eq!(
            serde_json::to_string(&sample(12.5)).unwrap(),
            r#"{"containerId":"c0","containerName":"shop-web-1","stats":{"cpu":12.5}}"#
        );
    }

    #[test]
    fn negative_and_undefined_percentages_are_refused() {
        assert!(sample(0.0).check().is_ok());
        assert!(sample(-0.1).check().is_err());
        assert!(sample(f64::NAN).check().is_err());
    }
}
