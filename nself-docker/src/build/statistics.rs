//! How builds ended and how long they took, of all that there were, not only of those that are kept.

use std::time::Duration;

use nself_realtime::event::ProgressStatus;

use super::report::StepReport;
use super::step::BuildStep;
use crate::durations::Durations;

/// The builds that have ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuildStatistics {
    /// How long they took, by how they ended: for `Complete`, `Failed` and `Cancelled`.
    pub builds: Vec<(ProgressStatus, Durations)>,
    /// How long their steps took, for each of [`BuildStep::ALL`]: those that began.
    pub steps: Vec<(BuildStep, Durations)>,
}

/// A build that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ProgressStatus,
    pub(super) took: Duration,
    pub(super) steps: Vec<StepReport>,
}

impl BuildStatistics {
    pub(super) fn new() -> Self {
        let ends = [ProgressStatus::Complete, ProgressStatus::Failed, ProgressStatus::Cancelled];
        let steps = BuildStep::ALL.map(|step| (step, Durations::new(&BOUNDS)));
        Self { builds: ends.map(|end| (end, Durations::new(&BOUNDS))).into(), steps: steps.into() }
    }

    pub(super) fn add(&mut self, build: &Ended) {
        if let Some((_, took)) = self.builds.iter_mut().find(|(end, _)| *end == build.status) {
            took.add(build.took);
        }
        for ((_, took), step) in self.steps.iter_mut().zip(&build.steps) {
            if let Some(millis) = step.elapsed_ms {
                took.add(Duration::from_millis(millis));
            }
        }
    }
}

/// From a project that is up already to one whose images are built from nothing.
static BOUNDS: [Duration; 11] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_mins(1),
    Duration::from_mins(2),
    Duration::from_mins(5),
    Duration::from_mins(10),
    Duration::from_mins(30),
];
