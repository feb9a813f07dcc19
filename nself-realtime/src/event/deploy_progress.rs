//! `deploy:progress`: a deployment to an environment, from its first stage to its end.

use garde::Validate;
use serde::{Deserialize, Serialize};

use super::progress::{ProgressStatus, lines};
use super::{Delivery, InvalidPayload, Payload, Retention, percent};
use crate::Name;

/// How a deployment stands. Its progress never falls, and it ends as a build does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct DeployProgress {
    /// Which deployment.
    pub deploy_id: Name,
    /// Where to.
    #[garde(length(bytes, min = 1, max = 128))]
    pub environment: String,
    /// What it does now, in words for people.
    #[garde(length(bytes, min = 1, max = 256))]
    pub stage: String,
    /// How it stands.
    pub status: ProgressStatus,
    /// Percent of the whole, 0 to 100.
    #[garde(custom(percent), range(min = 0.0, max = 100.0))]
    pub progress: f64,
    /// Lines of output since the event before.
    #[serde(default)]
    #[garde(length(max = 4_096), inner(length(bytes, max = 65_536)))]
    pub logs: Vec<String>,
    /// How many lines of this event are no longer kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs_dropped: Option<u64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(bytes, max = 16_384))]
    pub error: Option<String>,
    /// Milliseconds since it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elapsed_ms: Option<u64>,
}

impl Payload for DeployProgress {
    const TYPE: &'static str = "deploy:progress";
    const DELIVERY: Delivery = Delivery::Immediate;
    const RETENTION: Retention = Retention::Runs { keys: 20, bytes: 4 * 1024 * 1024 };

    fn key(&self) -> &str {
        self.deploy_id.as_str()
    }

    fn check(&self) -> Result<(), InvalidPayload> {
        InvalidPayload::by_rules(self)
    }

    fn condensed(&self) -> Option<Self> {
        (!self.logs.is_empty()).then(|| Self {
            logs: Vec::new(),
            logs_dropped: Some(lines(&self.logs, self.logs_dropped)),
            ..self.clone()
        })
    }
}
