//! `build:progress`: a build from its first step to its end.

use garde::Validate;
use serde::{Deserialize, Serialize};

use super::progress::{ProgressItem, ProgressStatus, lines};
use super::{Delivery, InvalidPayload, Payload, Retention, percent};
use crate::Name;

/// How a build stands. Its progress never falls, and it ends in exactly one of `complete`, `failed`
/// and `cancelled`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct BuildProgress {
    /// Which build.
    pub build_id: Name,
    /// What it does now, in words for people.
    #[garde(length(bytes, min = 1, max = 256))]
    pub step: String,
    /// How it stands.
    pub status: ProgressStatus,
    /// Percent of the whole, 0 to 100.
    #[garde(custom(percent), range(min = 0.0, max = 100.0))]
    pub progress: f64,
    /// The number of the step, from 1.
    #[garde(range(max = 1_000))]
    pub current_step: u32,
    /// How many steps there are.
    #[garde(range(max = 1_000))]
    pub total_steps: u32,
    /// More about the step, in words for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(bytes, max = 4096))]
    pub message: Option<String>,
    /// Lines of output since the event before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
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
    /// What the step works on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(length(max = 1_024), dive)]
    pub items: Vec<ProgressItem>,
}

impl Payload for BuildProgress {
    const TYPE: &'static str = "build:progress";
    const DELIVERY: Delivery = Delivery::Immediate;
    const RETENTION: Retention = Retention::Runs { keys: 20, bytes: 4 * 1024 * 1024 };

    fn key(&self) -> &str {
        self.build_id.as_str()
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
