//! What runs have in common, be they builds or deploys: progress that never falls and one end.

use garde::Validate;
use serde::{Deserialize, Serialize};

/// How a run, or a part of one, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ProgressStatus {
    /// It has not begun.
    Pending,
    /// It is under way.
    InProgress,
    /// It has done what it was to do. An end.
    Complete,
    /// It could not. An end.
    Failed,
    /// It was told to stop. An end.
    Cancelled,
}

impl ProgressStatus {
    /// Whether nothing comes after it.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Complete | Self::Failed | Self::Cancelled)
    }
}

/// One of the things that a run works on: an image, a layer, a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct ProgressItem {
    /// What it is called.
    #[garde(length(bytes, min = 1, max = 512))]
    pub name: String,
    /// How it stands.
    pub status: ProgressStatus,
    /// Bytes that are done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_bytes: Option<u64>,
    /// Bytes that there are, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_bytes: Option<u64>,
}

/// How many lines of output there are in all.
pub(super) fn lines(logs: &[String], dropped: Option<u64>) -> u64 {
    dropped.unwrap_or(0) + u64::try_from(logs.len()).unwrap_or(u64::MAX)
}
