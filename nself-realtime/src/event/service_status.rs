//! `service:status`: how a service of a project is.

use garde::Validate;
use serde::{Deserialize, Serialize};

use super::{Delivery, InvalidPayload, Payload, Retention};
use crate::{Name, NanoTimestamp};

/// How a service is, over all its replicas and across re-creation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct ServiceStatus {
    /// The name of the service.
    pub service: Name,
    /// The state that stands for all replicas.
    pub status: ServiceState,
    /// The container, if there is just one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_id: Option<Name>,
    /// What the container was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(bytes, max = 512))]
    pub image: Option<String>,
    /// How many containers there are, and how many of them run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<Replicas>,
    /// What the health check says, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub health: Option<Health>,
    /// What the last process exited with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// Whether the kernel killed it for want of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oom_killed: Option<bool>,
    /// How often the engine started it again by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_count: Option<u64>,
    /// Since when it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<NanoTimestamp>,
    /// The published ports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(length(max = 256), dive)]
    pub ports: Vec<Port>,
    /// Why it is as it is, or what was refused, in words for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(bytes, max = 4096))]
    pub message: Option<String>,
}

impl ServiceStatus {
    /// A status with nothing but what is required.
    pub fn new(service: Name, status: ServiceState) -> Self {
        Self {
            service,
            status,
            container_id: None,
            image: None,
            replicas: None,
            health: None,
            exit_code: None,
            oom_killed: None,
            restart_count: None,
            started_at: None,
            ports: Vec::new(),
            message: None,
        }
    }
}

impl Payload for ServiceStatus {
    const TYPE: &'static str = "service:status";
    const DELIVERY: Delivery = Delivery::Immediate;
    const RETENTION: Retention = Retention::Latest;

    fn key(&self) -> &str {
        self.service.as_str()
    }

    fn is_removal(&self) -> bool {
        self.status == ServiceState::Removed
    }

    fn check(&self) -> Result<(), InvalidPayload> {
        InvalidPayload::by_rules(self)
    }
}

/// The state of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ServiceState {
    /// There is a container that was never started.
    Created,
    /// It was asked to start, or its health check has not passed yet.
    Starting,
    /// It runs, and its health check, if it has one, passes.
    Running,
    /// It runs, and its health check fails.
    Unhealthy,
    /// It was asked to restart, or the engine starts it again.
    Restarting,
    /// Its processes are frozen.
    Paused,
    /// It was asked to stop.
    Stopping,
    /// It exited with 0, or was asked to.
    Stopped,
    /// It exited by itself with a code other than 0, or was killed for want of memory.
    Failed,
    /// Its last container is gone.
    Removed,
}

/// How many containers a service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Replicas {
    /// Those that there are.
    pub total: u32,
    /// Those that run.
    pub running: u32,
}

/// What a health check says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct Health {
    /// The verdict.
    pub status: HealthState,
    /// When the check ran last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_check: Option<NanoTimestamp>,
    /// How often in a row it has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_streak: Option<u64>,
    /// What the last check printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(bytes, max = 4096))]
    pub output: Option<String>,
}

/// The verdict of a health check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum HealthState {
    /// It has not passed yet, and is still given time.
    Starting,
    /// It passes.
    Healthy,
    /// It fails.
    Unhealthy,
}

/// A published port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct Port {
    /// The port inside the container.
    pub container: u16,
    /// The port on the host.
    pub host: u16,
    /// The address on the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(bytes, max = 64))]
    pub address: Option<String>,
    /// `tcp`, `udp` or `sctp`.
    #[garde(length(bytes, max = 8))]
    pub protocol: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_is_not_on_the_wire() {
        let status = ServiceStatus::new(Name::new("web").unwrap(), ServiceState::Running);
        assert_eq!(
            serde_json::to_string(&status).unwrap(),
            r#"{"service":"web","status":"running"}"#
        );
    }

    #[test]
    fn a_message_too_long_is_refused_by_name() {
        let mut status = ServiceStatus::new(Name::new("web").unwrap(), ServiceState::Failed);
        status.message = Some("x".repeat(5000));
        let error = status.check().unwrap_err().to_string();
        assert!(error.starts_with("service:status: message: "), "{error}");
    }
}
