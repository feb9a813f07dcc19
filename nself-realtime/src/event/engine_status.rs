//! `engine:status`: whether the container engine answers. In the room `system`.

use garde::Validate;
use serde::{Deserialize, Serialize};

use super::{Delivery, InvalidPayload, Payload, Retention};
use crate::Name;

/// Whether an engine answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct EngineStatus {
    /// Which engine.
    pub engine: Name,
    /// Whether it answers.
    pub status: EngineState,
    /// Its version, once it has told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(bytes, max = 128))]
    pub version: Option<String>,
    /// The version of its API, once it has told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(bytes, max = 32))]
    pub api_version: Option<String>,
    /// Why it does not answer and what to do about it, in words for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(bytes, max = 4096))]
    pub message: Option<String>,
}

/// Whether an engine answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum EngineState {
    /// It was asked and has not answered yet.
    Connecting,
    /// It answers.
    Online,
    /// It does not answer; it is asked again.
    Offline,
}

impl Payload for EngineStatus {
    const TYPE: &'static str = "engine:status";
    const DELIVERY: Delivery = Delivery::Immediate;
    const RETENTION: Retention = Retention::Latest;

    fn key(&self) -> &str {
        self.engine.as_str()
    }

    fn check(&self) -> Result<(), InvalidPayload> {
        InvalidPayload::by_rules(self)
    }
}
