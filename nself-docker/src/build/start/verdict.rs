//! Whether a container that was started does what it should: it is asked again and again, since an engine
//! drops events.

use std::time::Duration;

use nself_realtime::event::HealthState;
use tokio::time::{Instant, sleep};

use crate::build::error::BuildCause;
use crate::build::run::{Halt, Run};
use crate::engine::{Container, ContainerState};

/// What a service has to come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Wanted {
    /// Something waits for it to be healthy.
    pub(super) healthy: bool,
    /// Something waits for it to run to its end.
    pub(super) completed: bool,
}

/// What it came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It runs, and is healthy if it can tell.
    Up,
    /// It ran to its end, with exit code 0.
    Completed,
}

/// What one look says.
enum Look {
    Done(Verdict),
    Failed(BuildCause),
    Wait,
}

/// Waits for the verdict.
pub(super) async fn wait(
    run: Run<'_>,
    service: &str,
    container: &str,
    wanted: Wanted,
) -> Result<Verdict, Halt> {
    let began = Instant::now();
    let mut steady: Option<(Instant, Container)> = None;
    loop {
        let now = run.ask(run.engine.inspect(container)).await?;
        let since = match &steady {
            // A container that the engine starts again and again is not up.
            Some((since, before)) if is_same_run(before, &now) => *since,
            _ => {
                let seen = Instant::now();
                steady = Some((seen, now.clone()));
                seen
            }
        };
        match look(&now, wanted, since.elapsed() >= STEADY_AFTER) {
            Look::Done(verdict) => return Ok(verdict),
            Look::Failed(cause) => return Err(Halt::at(service, cause)),
            Look::Wait => {}
        }
        let patience = if now.health.is_some() || wanted.completed {
            run.patience
        } else {
            run.patience.min(SETTLES_WITHIN)
        };
        if began.elapsed() >= patience {
            return Err(Halt::at(service, too_late(&now, wanted, patience)));
        }
        run.until_stopped(sleep(LOOK_EVERY)).await?;
    }
}

fn is_same_run(before: &Container, now: &Container) -> bool {
    before.state == now.state && before.started_at == now.started_at
}

fn look(now: &Container, wanted: Wanted, is_steady: bool) -> Look {
    match now.state {
        ContainerState::Exited => match now.exit_code {
            Some(0) if !wanted.healthy => Look::Done(Verdict::Completed),
            code => Look::Failed(BuildCause::Exited {
                code: code.unwrap_or(-1),
                oom: now.oom_killed == Some(true),
            }),
        },
        ContainerState::Running if wanted.completed && !wanted.healthy => Look::Wait,
        ContainerState::Running => match now.health {
            Some(HealthState::Healthy) => Look::Done(Verdict::Up),
            Some(HealthState::Unhealthy) => {
                Look::Failed(BuildCause::Unhealthy { output: now.check_output.clone() })
            }
            None if wanted.healthy => Look::Failed(BuildCause::NoHealthCheck),
            None if is_steady => Look::Done(Verdict::Up),
            _ => Look::Wait,
        },
        ContainerState::Restarting | ContainerState::Created => Look::Wait,
        ContainerState::Paused => {
            Look::Failed(BuildCause::NotRunning { state: "it is paused".into() })
        }
        ContainerState::Removing => {
            Look::Failed(BuildCause::NotRunning { state: "it is being removed".into() })
        }
    }
}

fn too_late(now: &Container, wanted: Wanted, after: Duration) -> BuildCause {
    if now.state == ContainerState::Restarting || now.health.is_none() && !wanted.completed {
        let times = now.restart_count.unwrap_or(0);
        let state = format!("it exits and is started again, {times} times so far");
        return BuildCause::NotRunning { state };
    }
    let wanted = if wanted.completed && !wanted.healthy { "through" } else { "healthy" };
    BuildCause::TooLong { wanted, after }
}

/// How often a container is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How long a container without a health check has to run in one piece.
const STEADY_AFTER: Duration = Duration::from_millis(600);

/// How long it may take until it does.
const SETTLES_WITHIN: Duration = Duration::from_secs(30);
