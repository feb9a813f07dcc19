//! The whole state of a build, for those who ask instead of listening.

use std::collections::VecDeque;

use nself_realtime::event::{ProgressItem, ProgressStatus};
use nself_realtime::{Name, Timestamp};
use serde::Serialize;

use super::step::BuildStep;

/// A build as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BuildReport {
    /// Which build.
    pub build_id: Name,
    /// How it stands.
    pub status: ProgressStatus,
    /// Percent of the whole, 0 to 100. It never falls, and is 100 only when the build is complete.
    pub progress: f64,
    /// The step that it is at, or ended at.
    pub step: &'static str,
    /// The number of that step, from 1.
    pub current_step: u32,
    /// How many steps there are.
    pub total_steps: u32,
    /// More about the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why it failed, with the last lines of output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// Milliseconds since it began, or until it ended.
    pub elapsed_ms: u64,
    /// The steps in their order.
    pub steps: Vec<StepReport>,
    /// What the step works on.
    pub items: Vec<ProgressItem>,
    /// What it has made, as `network shop_default`.
    pub made: Vec<String>,
    /// Containers of the project whose services are no longer in it. They are left as they are.
    pub removed: Vec<String>,
    /// The last lines of output, 2,000 and 1 MiB at most.
    pub logs: VecDeque<String>,
    /// How many lines came before them.
    pub logs_dropped: u64,
}

/// A step of a build as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StepReport {
    /// What it is called.
    pub name: &'static str,
    /// How it stands.
    pub status: ProgressStatus,
    /// Milliseconds that it took, or has taken so far; absent before it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed_ms: Option<u64>,
}

impl BuildReport {
    pub(super) fn new(build_id: Name, started_at: Timestamp) -> Self {
        let first = BuildStep::Validate;
        let steps = BuildStep::ALL.map(|step| StepReport {
            name: step.name(),
            status: ProgressStatus::Pending,
            elapsed_ms: None,
        });
        Self {
            build_id,
            status: ProgressStatus::Pending,
            progress: 0.0,
            step: first.name(),
            current_step: first.number(),
            total_steps: 6,
            message: None,
            error: None,
            started_at,
            elapsed_ms: 0,
            steps: steps.into(),
            items: Vec::new(),
            made: Vec::new(),
            removed: Vec::new(),
            logs: VecDeque::new(),
            logs_dropped: 0,
        }
    }
}
