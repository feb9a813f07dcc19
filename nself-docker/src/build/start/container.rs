//! The container of one service: left as it is, made, or made anew. The one before is kept until its
//! successor does what it should, and is brought back if it does not.

use std::collections::BTreeMap;

use super::spec;
use super::verdict::{self, Verdict, Wanted};
use crate::build::labels;
use crate::build::run::{Halt, Run};
use crate::compose::Service;
use crate::engine::{
    ContainerSpec, ContainerState, EngineError, MountSource, MountSpec, ProjectContainer,
};
use crate::logs::last_words;

/// What has to be done for a service.
pub(super) struct Task<'a> {
    pub(super) run: Run<'a>,
    pub(super) name: &'a str,
    pub(super) service: &'a Service,
    pub(super) wanted: Wanted,
    /// The containers that it has.
    pub(super) there: Vec<&'a ProjectContainer>,
}

impl Task<'_> {
    /// Does it. `started` is called once when the container runs; what comes back is what became of it.
    pub(super) async fn perform(self, started: impl FnOnce()) -> Result<Verdict, Halt> {
        let Self { run, name, service, .. } = self;
        let image = run.ask(run.engine.image(&service.image)).await?;
        let image = image.ok_or_else(|| {
            let message = format!("the image {} is not there any more", service.image);
            Halt::at(name, EngineError::Api { status: 404, message })
        })?;
        let container = spec::container_name(&run.project.name, name);
        let old = self.old(&container).await?;
        let mut wanted = spec::of(run.project, name, service);
        let hash = spec::hash(&wanted);
        spec::label(&mut wanted, run.project, name, service, &image.id);
        match old {
            None => {
                let id = self.create(&container, &wanted).await?;
                self.start_and_wait(&id, started).await
            }
            Some(old) if is_same(old, &hash, &image.id) => {
                self.keep(old, &container, started).await
            }
            Some(old) => {
                self.keep_volumes(&mut wanted, old, &image.volumes).await?;
                self.replace(old, &container, &wanted, started).await
            }
        }
    }

    /// The container that stands for the service. What an interrupted build left beside it is cleared
    /// away.
    async fn old(&self, container: &str) -> Result<Option<&ProjectContainer>, Halt> {
        let leftover = |one: &&ProjectContainer| one.name.ends_with(&format!("_{container}"));
        let is_up = |one: &&ProjectContainer| one.state.is_up();
        let mut candidates = self.there.clone();
        // The one that runs, then the one that has the name.
        candidates.sort_by_key(|one| (!is_up(one), leftover(one)));
        let Some((ours, others)) = candidates.split_first() else { return Ok(None) };
        for other in others {
            self.run.check()?;
            if leftover(other) || other.name == container && leftover(ours) {
                self.refuse(self.run.engine.remove(&other.id).await)?;
            } else {
                let text = format!("{} is one more of {}: left as it is", other.name, self.name);
                self.run.journal.line(&text);
            }
        }
        Ok(Some(*ours))
    }

    async fn create(&self, container: &str, wanted: &ContainerSpec) -> Result<String, Halt> {
        let Run { engine, journal, .. } = self.run;
        self.run.check()?;
        journal.message(&format!("{}: making {container}", self.name));
        let id = self.refuse(engine.create(container, wanted).await)?;
        journal.made(format!("container {container}"));
        journal.line(&format!("made {container}"));
        Ok(id)
    }

    async fn start_and_wait(&self, id: &str, started: impl FnOnce()) -> Result<Verdict, Halt> {
        self.run.check()?;
        self.refuse(self.run.engine.start(id).await)?;
        started();
        self.wait(id).await
    }

    async fn wait(&self, id: &str) -> Result<Verdict, Halt> {
        self.run.journal.message(&format!("{}: waiting until it is up", self.name));
        match verdict::wait(self.run, self.name, id, self.wanted).await {
            Err(Halt::Failed(mut failure)) => {
                failure.set_output(self.words(id).await);
                Err(Halt::Failed(failure))
            }
            verdict => verdict,
        }
    }

    /// Its last words, as far as they can be read: they explain, and are no condition.
    async fn words(&self, id: &str) -> Vec<String> {
        match last_words(self.run.engine, id).await {
            Ok(words) => words,
            Err(error) => {
                tracing::info!(service = self.name, %error, "last words could not be read");
                Vec::new()
            }
        }
    }

    /// Leaves a container as it is, and starts it if it does not run.
    async fn keep(
        &self,
        old: &ProjectContainer,
        container: &str,
        started: impl FnOnce(),
    ) -> Result<Verdict, Halt> {
        let Run { engine, journal, .. } = self.run;
        self.run.check()?;
        if old.name != container {
            self.refuse(engine.rename(&old.id, container).await)?;
        }
        if old.state == ContainerState::Paused {
            journal.line(&format!("{container} is unchanged and paused: left as it is"));
            started();
            return Ok(Verdict::Up);
        }
        if old.state.is_up() {
            journal.line(&format!("{container} is unchanged"));
            started();
            return self.wait(&old.id).await;
        }
        journal.line(&format!("{container} is unchanged and is started"));
        self.start_and_wait(&old.id, started).await
    }

    /// Volumes that nobody named go over to the successor, unless the file has something else there now.
    async fn keep_volumes(
        &self,
        wanted: &mut ContainerSpec,
        old: &ProjectContainer,
        of_image: &[String],
    ) -> Result<(), Halt> {
        let mounted = self.run.ask(self.run.engine.volumes_of(&old.id)).await?;
        let mounted: BTreeMap<_, _> =
            mounted.into_iter().map(|volume| (volume.target, volume.name)).collect();
        for mount in &mut wanted.mounts {
            if let MountSource::Volume { name: name @ None, .. } = &mut mount.source {
                *name = mounted.get(&mount.target).cloned();
            }
        }
        let of_image = of_image.iter().map(|target| target.trim_end_matches('/').to_owned());
        for target in of_image {
            let has = |mount: &MountSpec| mount.target.trim_end_matches('/') == target;
            if let (Some(name), false) = (mounted.get(&target), wanted.mounts.iter().any(has)) {
                let source = MountSource::Volume { name: Some(name.clone()), no_copy: false };
                wanted.mounts.push(MountSpec { target, source, read_only: false });
            }
        }
        Ok(())
    }

    /// Makes the container anew. Both cannot run at once, since they have the same ports: the old one is
    /// stopped, and removed once the new one is up.
    async fn replace(
        &self,
        old: &ProjectContainer,
        container: &str,
        wanted: &ContainerSpec,
        started: impl FnOnce(),
    ) -> Result<Verdict, Halt> {
        let Run { engine, journal, .. } = self.run;
        self.run.check()?;
        journal.line(&format!("{container} has changed and is made anew"));
        let short = old.id.get(..12).unwrap_or(&old.id);
        let temporary = format!("{short}_{container}");
        let new = self.refuse(engine.create(&temporary, wanted).await)?;
        let was_up = old.state.is_up();
        let verdict = async {
            if was_up {
                self.run.check()?;
                // Not interrupted: an engine goes on with a stop that nobody waits for.
                self.refuse(engine.stop(&old.id).await)?;
            }
            self.start_and_wait(&new, started).await
        };
        match verdict.await {
            Ok(verdict) => {
                self.refuse(engine.remove(&old.id).await)?;
                self.refuse(engine.rename(&new, container).await)?;
                journal.made(format!("container {container}"));
                Ok(verdict)
            }
            Err(halt) => Err(self.restore(old, was_up, &new, halt).await),
        }
    }

    /// Brings the old container back. What was running before stays running.
    async fn restore(&self, old: &ProjectContainer, was_up: bool, new: &str, halt: Halt) -> Halt {
        let Run { engine, journal, .. } = self.run;
        let brought_back = async {
            engine.remove(new).await?;
            if was_up { engine.start(&old.id).await } else { Ok(()) }
        };
        match brought_back.await {
            Ok(()) => {
                let text = if was_up { "runs again as it was" } else { "is left as it was" };
                journal.line(&format!("{} {text}", old.name));
                halt
            }
            Err(source) => {
                journal.line(&format!("{} could not be brought back: {source}", old.name));
                halt.not_restored(self.name, source)
            }
        }
    }

    /// A refusal of the engine is one of this service.
    fn refuse<T>(&self, answer: Result<T, EngineError>) -> Result<T, Halt> {
        answer.map_err(|error| Halt::at(self.name, error))
    }
}

fn is_same(old: &ProjectContainer, hash: &str, image_id: &str) -> bool {
    let has = |label: &str, value: &str| old.labels.get(label).is_some_and(|own| own == value);
    has(labels::CONFIG_HASH, hash) && has(labels::IMAGE, image_id)
}
