//! Builds: a Compose project from its files to running containers, on the engine itself.
//!
//! Six steps, in this order: the project is read and checked, written down as it was understood, its
//! networks and named volumes are made, its images are built, the other images that are missing are
//! pulled, and its containers are started in the order of their dependencies. `build:progress` tells how
//! far it is, in numbers that were measured and a percentage that never falls.
//!
//! # What is left alone
//!
//! Nothing is removed that holds data: not volumes, not networks, not containers of services that the
//! project no longer has (these are told). A container is made anew only if something that makes it up has
//! changed; its volumes go over to its successor, named or not. The old one is removed when the new one
//! runs, and is healthy if it can tell; else it is started again, so what was running stays running.
//!
//! # Docker Compose
//!
//! Names and labels are Compose's own: `docker compose ps`, `logs` and `down` know what was made here.
//! `docker compose up` would make the containers anew, since its digest of a service is another one.
//!
//! # Cancelling
//!
//! A build that is told to stop ends its pull or image build at once. What it is just doing to a container
//! it finishes or takes back first: that takes as long as the engine takes, and, where a container was
//! told to stop, until that has stopped. What was made by then stays, and is told.

mod builds;
mod context;
mod dockerfile;
mod error;
mod generate;
mod images;
mod journal;
mod labels;
mod networks;
mod notice;
mod output;
mod pulls;
mod report;
mod run;
mod source;
mod start;
mod statistics;
mod step;

use std::sync::Arc;
use std::time::Duration;

use nself_realtime::{Emitter, Name};
use tokio_util::sync::CancellationToken;

pub use self::builds::{Builds, BuildsError};
pub use self::context::ContextError;
pub use self::dockerfile::UnsupportedDockerfile;
pub use self::error::{BuildCause, BuildError};
use self::journal::Journal;
pub use self::report::{BuildReport, StepReport};
use self::run::{Halt, Run};
pub use self::source::ProjectSource;
pub use self::statistics::BuildStatistics;
pub use self::step::BuildStep;
use crate::compose::Loaded;
use crate::engine::Engine;

/// A build that has not begun.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use nself_docker::compose::LoadOptions;
/// use nself_docker::{Build, DockerEngine, ProjectSource};
/// use nself_realtime::{Hub, RoomName};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let room = Hub::new().open_room(&RoomName::new("shop")?);
/// let engine = Arc::new(DockerEngine::new(None)?);
/// let project = ProjectSource::folder("/srv/shop", LoadOptions::new());
/// Build::builder(engine, project).on(room).run(std::future::pending()).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a build begins when it is run"]
pub struct Build {
    engine: Arc<dyn Engine>,
    source: ProjectSource,
    emitter: Option<Emitter>,
    id: Name,
    patience: Duration,
}

impl Build {
    /// A build of that project on that engine. It tells nobody, unless [`on`](Self::on) says whom.
    pub fn builder(engine: Arc<dyn Engine>, project: impl Into<ProjectSource>) -> Self {
        Self {
            engine,
            source: project.into(),
            emitter: None,
            id: builds::identity(),
            patience: PATIENCE,
        }
    }

    /// Publishes `build:progress` there.
    pub fn on(self, emitter: Emitter) -> Self {
        Self { emitter: Some(emitter), ..self }
    }

    /// What the build is called in events. Default: a name made of the time.
    pub fn id(self, id: Name) -> Self {
        Self { id, ..self }
    }

    /// How long a container may take to become healthy, or to run to its end if something waits for that.
    /// Default 5 min.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Builds, until it is complete, has failed, or `cancel` comes to its end. Gives back how it went.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`BuildError`]: it failed, or was cancelled; `build:progress` has told it.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it is cancelled, and takes back what is half done in a task of its own.
    pub async fn run(
        self,
        cancel: impl Future<Output = ()> + Send,
    ) -> Result<BuildReport, BuildError> {
        let journal = self.journal();
        let stop = CancellationToken::new();
        let _stop_when_dropped = stop.clone().drop_guard();
        let mut task = tokio::spawn(self.perform(journal.clone(), stop.clone()));
        let ended = tokio::select! {
            ended = &mut task => ended,
            () = cancel => {
                stop.cancel();
                task.await
            }
        };
        let outcome = match ended {
            Ok(outcome) => outcome,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime ends.
                Err(_) => Err(Halt::Cancelled.into_error(&journal)),
            },
        };
        outcome.map(|()| journal.report())
    }

    fn journal(&self) -> Journal {
        Journal::new(self.id.clone(), self.emitter.clone())
    }

    /// Builds, and owes the journal an end whatever happens.
    async fn perform(self, journal: Journal, stop: CancellationToken) -> Result<(), BuildError> {
        let owed = Owed(journal.clone());
        let steps = self.steps(&journal, &stop);
        let halted = tokio::select! {
            halted = steps => halted,
            never = journal.keep_telling() => match never {},
        };
        let outcome = halted.map_err(|halt| halt.into_error(&journal));
        owed.0.end(&outcome);
        outcome
    }

    async fn steps(&self, journal: &Journal, stop: &CancellationToken) -> Result<(), Halt> {
        journal.begin(BuildStep::Validate, "reading the project");
        let project = stop.run_until_cancelled(self.source.load()).await.ok_or(Halt::Cancelled)?;
        let Loaded { project, warnings } = project?;
        for warning in &warnings {
            journal.line(&format!("warning: {warning}"));
        }
        let run = Run {
            engine: &*self.engine,
            project: &project,
            journal,
            stop,
            patience: self.patience,
        };

        run.check()?;
        journal.begin(BuildStep::Generate, "writing the project as it was understood");
        let copy = project.clone();
        let written = tokio::task::spawn_blocking(move || generate::write(&copy)).await;
        let path = written.map_err(|error| BuildCause::Write {
            path: generate::folder(&project.dir),
            source: std::io::Error::other(error),
        })??;
        journal.line(&format!("wrote {}", path.display()));

        run.check()?;
        journal.begin(BuildStep::Networks, "making networks and volumes");
        networks::make(run).await?;
        run.check()?;
        journal.begin(BuildStep::Images, "building what is to be built");
        images::build(run).await?;
        run.check()?;
        journal.begin(BuildStep::Pull, "looking for images that are missing");
        pulls::pull(run).await?;
        run.check()?;
        journal.begin(BuildStep::Start, "starting what is not up");
        start::start(run).await
    }
}

impl std::fmt::Debug for Build {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Build").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A build that panics or is forgotten has failed too.
struct Owed(Journal);

impl Drop for Owed {
    fn drop(&mut self) {
        let error = BuildError::Failed {
            step: self.0.step(),
            service: None,
            cause: BuildCause::Abandoned,
            output: Vec::new(),
        };
        self.0.end(&Err(error));
    }
}

/// How long containers may take, unless somebody says otherwise.
const PATIENCE: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests;
