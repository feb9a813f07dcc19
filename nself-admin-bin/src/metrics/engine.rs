//! What the engine was asked, and how builds went.

use std::fmt::Error;

use nself_docker::{Builds, EngineCalls};
use nself_realtime::event::ProgressStatus;
use prometheus_client::encoding::DescriptorEncoder;

use super::{counters, durations};

pub(super) fn calls(encoder: &mut DescriptorEncoder<'_>, calls: &EngineCalls) -> Result<(), Error> {
    let of_each = calls.statistics();
    let counts = of_each.iter().flat_map(|of_one| {
        let call = of_one.call.as_str();
        let outcomes = of_one.outcomes.iter();
        outcomes
            .map(move |(outcome, count)| ([("call", call), ("outcome", outcome.as_str())], *count))
    });
    let help = "What the engine was asked and what came of it; a stream counts when it ends";
    counters(encoder, "engine_calls", help, counts)?;
    let took = of_each.into_iter().filter_map(|of_one| {
        Some(([("call", of_one.call.as_str())], of_one.took.filter(|took| took.count() > 0)?))
    });
    let help = "How long the engine took to answer, whatever it answered";
    durations(encoder, "engine_call_duration", help, took)
}

pub(super) fn builds(encoder: &mut DescriptorEncoder<'_>, builds: &Builds) -> Result<(), Error> {
    let statistics = builds.statistics();
    let took = statistics.builds.into_iter().map(|(end, took)| ([("outcome", word(end))], took));
    durations(encoder, "build_duration", "How long builds took, by how they ended", took)?;
    let took = statistics.steps.into_iter().map(|(step, took)| ([("step", step.as_str())], took));
    durations(encoder, "build_step_duration", "How long the steps of builds took", took)
}

fn word(end: ProgressStatus) -> &'static str {
    match end {
        ProgressStatus::Complete => "complete",
        ProgressStatus::Failed => "failed",
        ProgressStatus::Cancelled => "cancelled",
        // These are no ends.
        ProgressStatus::Pending | ProgressStatus::InProgress => "open",
    }
}
