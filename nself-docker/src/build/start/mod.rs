//! Step 6: containers, each one when what it waits for is there.

mod container;
mod spec;
mod verdict;

use std::collections::BTreeMap;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use nself_realtime::event::ProgressStatus;
use tokio::sync::watch;

use self::container::Task;
use self::verdict::{Verdict, Wanted};
use super::journal::item;
use super::labels;
use super::run::{Halt, Run};
use crate::compose::{Condition, Project, Service};
use crate::engine::ProjectContainer;

/// How far a service is, for those that wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Started,
    Ended(Verdict),
    Failed,
}

/// Starts all services.
pub(super) async fn start(run: Run<'_>) -> Result<(), Halt> {
    let there = run.ask(run.engine.project(&run.project.name)).await?;
    let ours =
        |one: &&ProjectContainer| one.labels.get(labels::ONE_OFF).is_none_or(|v| v != "True");
    let there: Vec<_> = there.iter().filter(ours).collect();
    tell_of_removed(run, &there);
    let names = run.project.services.keys().map(|name| name_of(run.project, name));
    run.journal.items(names.map(|name| item(&name, ProgressStatus::Pending)).collect());

    let stages: BTreeMap<&str, watch::Sender<Stage>> = run
        .project
        .services
        .keys()
        .map(|name| (name.as_str(), watch::Sender::new(Stage::Waiting)))
        .collect();
    // One that fails stops the others: each of them brings back what it was about to replace.
    let stop = run.stop.child_token();
    let services = run.project.services.iter().map(|(name, service)| {
        let own: Vec<_> = there.iter().copied().filter(|one| is_of(one, name)).collect();
        serve(Run { stop: &stop, ..run }, name, service, own, &stages)
    });
    let mut services: FuturesUnordered<_> = services.collect();
    let whole = run.project.services.len() as u128;
    let (mut done, mut outcome) = (0, Ok(()));
    while let Some(end) = services.next().await {
        match end {
            Ok(()) => {
                done += 1;
                run.journal.advance(done, whole);
            }
            Err(Halt::Skipped) => {}
            Err(halt) => {
                stop.cancel();
                // The first one is why the others stopped.
                if outcome.is_ok() {
                    outcome = Err(halt);
                }
            }
        }
    }
    outcome
}

/// Waits for what a service depends on, and starts it.
async fn serve(
    run: Run<'_>,
    name: &str,
    service: &Service,
    there: Vec<&ProjectContainer>,
    stages: &BTreeMap<&str, watch::Sender<Stage>>,
) -> Result<(), Halt> {
    let container = name_of(run.project, name);
    let tell = |stage| {
        if let Some(sender) = stages.get(name) {
            sender.send_replace(stage);
        }
    };
    let begun = run.until_stopped(wait_for_others(run, name, service, stages)).await;
    if let Err(halt) = begun.and_then(|waited| waited) {
        tell(Stage::Failed);
        return Err(halt);
    }
    run.journal.item(&container, ProgressStatus::InProgress);
    let wanted = wanted(run.project, name);
    let task = Task { run, name, service, wanted, there };
    match task.perform(|| tell(Stage::Started)).await {
        Ok(verdict) => {
            tell(Stage::Ended(verdict));
            run.journal.item(&container, ProgressStatus::Complete);
            Ok(())
        }
        Err(halt) => {
            tell(Stage::Failed);
            let status = match &halt {
                Halt::Failed(_) => ProgressStatus::Failed,
                Halt::Cancelled | Halt::Skipped => ProgressStatus::Cancelled,
            };
            run.journal.item(&container, status);
            // What only others could do without does not end the build.
            match halt {
                Halt::Failed(failure) if is_optional(run.project, name) => {
                    run.journal.line(&format!("{name} is not up, and nothing needs it: {failure}"));
                    Ok(())
                }
                halt => Err(halt),
            }
        }
    }
}

async fn wait_for_others(
    run: Run<'_>,
    name: &str,
    service: &Service,
    stages: &BTreeMap<&str, watch::Sender<Stage>>,
) -> Result<(), Halt> {
    for (other, dependency) in &service.depends_on {
        // One that the project does not have was left out by its profile.
        let Some(stage) = stages.get(other.as_str()) else { continue };
        let mut stage = stage.subscribe();
        let is_far_enough = |stage: &Stage| match (dependency.condition, stage) {
            (_, Stage::Failed | Stage::Ended(_)) | (Condition::ServiceStarted, Stage::Started) => {
                true
            }
            (_, Stage::Waiting | Stage::Started) => false,
        };
        // The sender lives as long as this.
        let Ok(reached) = stage.wait_for(is_far_enough).await.map(|stage| *stage) else { continue };
        let met = match (dependency.condition, reached) {
            (Condition::ServiceCompletedSuccessfully, stage) => {
                stage == Stage::Ended(Verdict::Completed)
            }
            (_, stage) => stage != Stage::Failed,
        };
        if !met && dependency.required {
            return Err(Halt::Skipped);
        }
        if !met {
            run.journal.line(&format!("{name} starts without {other}, which is not up"));
        }
    }
    Ok(())
}

/// What the others wait for.
fn wanted(project: &Project, name: &str) -> Wanted {
    let conditions = project
        .services
        .values()
        .filter_map(|other| other.depends_on.get(name))
        .map(|dependency| dependency.condition);
    conditions.fold(Wanted::default(), |wanted, condition| match condition {
        Condition::ServiceStarted => wanted,
        Condition::ServiceHealthy => Wanted { healthy: true, ..wanted },
        Condition::ServiceCompletedSuccessfully => Wanted { completed: true, ..wanted },
    })
}

/// Whether something names it that can do without it, and nothing that cannot.
fn is_optional(project: &Project, name: &str) -> bool {
    let mut dependencies =
        project.services.values().filter_map(|other| other.depends_on.get(name)).peekable();
    dependencies.peek().is_some() && dependencies.all(|dependency| !dependency.required)
}

fn name_of(project: &Project, service: &str) -> String {
    spec::container_name(&project.name, service)
}

fn is_of(container: &ProjectContainer, service: &str) -> bool {
    container.labels.get(labels::SERVICE).is_some_and(|own| own == service)
}

/// Containers of services that the file no longer has are somebody's data: they are named, and left.
fn tell_of_removed(run: Run<'_>, there: &[&ProjectContainer]) {
    for one in there {
        let service = one.labels.get(labels::SERVICE).map_or("", String::as_str);
        if !run.project.services.contains_key(service) {
            let name = &one.name;
            run.journal.line(&format!(
                "{name} is of {service}, which was removed from the project: it is left as it is, and goes \
                 with `docker rm --force {name}`"
            ));
            run.journal.removed(name);
        }
    }
}
