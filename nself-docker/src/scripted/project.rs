//! What a project has on the scripted engine: networks, volumes, images, and containers that are made from
//! them and behave as their image was told to.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::future::FutureExt as _;
use futures::stream::{self, StreamExt as _};
use nself_realtime::event::{HealthState, Port};
use tokio::time::sleep;

use super::ScriptedEngine;
use super::world::World;
use crate::engine::{
    Answer, BuildFrame, Container, ContainerAction, ContainerSpec, ContainerState, Context,
    EngineError, Frames, Image, ImageSpec, LogPipe, MountSource, MountedVolume, Network,
    NetworkSpec, ProjectContainer, Volume, VolumeSpec,
};

/// What was said in the course of a build, and how long after what was said before.
type Said = (Duration, Result<BuildFrame, EngineError>);

/// Things of projects.
#[derive(Debug, Default)]
pub(super) struct Things {
    networks: BTreeMap<String, Network>,
    volumes: BTreeMap<String, Volume>,
    images: BTreeMap<String, Image>,
    /// How the build of an image goes, by its tag.
    builds: BTreeMap<String, Vec<Said>>,
    /// How containers of an image behave.
    habits: BTreeMap<String, Habit>,
    /// What containers were made as, by their identity.
    specs: BTreeMap<String, Made>,
    refusals: BTreeMap<String, EngineError>,
    /// The last ones.
    calls: VecDeque<String>,
    count: u64,
}

#[derive(Debug, Clone)]
struct Made {
    spec: ContainerSpec,
    image_id: String,
}

/// How the containers of an image behave once they are started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Habit {
    health: Option<(Duration, HealthState)>,
    exit: Option<(Duration, i64)>,
    words: Vec<String>,
}

impl Habit {
    /// They run, without a health check.
    pub fn new() -> Self {
        Self::default()
    }

    /// They have a health check, which says this after that time.
    pub fn health(self, after: Duration, health: HealthState) -> Self {
        Self { health: Some((after, health)), ..self }
    }

    /// They exit after that time.
    pub fn exit(self, after: Duration, code: i64) -> Self {
        Self { exit: Some((after, code)), ..self }
    }

    /// They print this when they start.
    pub fn prints(mut self, line: &str) -> Self {
        self.words.push(line.to_owned());
        self
    }
}

impl ScriptedEngine {
    /// Gives the engine an image, with volumes at these places.
    pub fn add_image(&self, reference: &str, volumes: &[&str]) {
        let volumes = volumes.iter().map(|&volume| volume.to_owned()).collect();
        self.world.change(|state| state.things.add_image(reference, volumes));
    }

    /// Says how the containers of an image behave that are started from now on.
    pub fn set_habit(&self, reference: &str, habit: Habit) {
        self.world.change(|state| state.things.habits.insert(reference.to_owned(), habit));
    }

    /// Says how builds of an image go from now on: each frame, or the error that ends it, that long after
    /// the one before. Images that nothing was said of are built without a word.
    pub fn set_build(&self, tag: &str, history: Vec<(Duration, Result<BuildFrame, EngineError>)>) {
        self.world.change(|state| state.things.builds.insert(tag.to_owned(), history));
    }

    /// Refuses a call from now on, or does it again. A call is called as
    /// [`project_calls`](Self::project_calls) tells it.
    pub fn refuse_call(&self, call: &str, refusal: Option<EngineError>) {
        self.world.change(|state| match refusal {
            Some(refusal) => state.things.refusals.insert(call.to_owned(), refusal),
            None => state.things.refusals.remove(call),
        });
    }

    /// What was done to the things of projects, the last 4,096 times, as `create network shop_default`,
    /// `build shop-web`, `create shop-web-1`, `rename … to shop-web-1`, `remove …`, `start …`, `stop …`;
    /// containers by name.
    pub fn project_calls(&self) -> Vec<String> {
        self.world.read(|state| state.things.calls.iter().cloned().collect())
    }

    /// What the container of that name was made as.
    pub fn spec_of(&self, name: &str) -> Option<ContainerSpec> {
        self.world.read(|state| {
            let actor = state.actors.values().find(|actor| actor.container.name == name)?;
            state.things.specs.get(&actor.container.id).map(|made| made.spec.clone())
        })
    }

    /// Does something that the engine may have been told to refuse, and notes that it was asked for.
    pub(super) fn called<T>(
        &self,
        call: &str,
        work: impl FnOnce(&mut super::world::State) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        self.world.check()?;
        self.world.change(|state| {
            state.things.note(call);
            match state.things.refusals.get(call) {
                Some(refusal) => Err(refusal.clone()),
                None => work(state),
            }
        })
    }

    fn name_of(&self, id: &str) -> String {
        self.world.actor(id).map_or_else(|_| id.to_owned(), |container| container.name)
    }

    pub(super) fn find_network<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Network>> {
        self.ask(|state| state.things.networks.get(name).cloned())
    }

    pub(super) fn make_network<'a>(&'a self, network: &'a NetworkSpec) -> Answer<'a, ()> {
        async {
            self.called(&format!("create network {}", network.name), |state| {
                let made = Network::new(&network.name, network.labels.clone());
                state.things.networks.insert(network.name.clone(), made);
                Ok(())
            })
        }
        .boxed()
    }

    pub(super) fn find_volume<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Volume>> {
        self.ask(|state| state.things.volumes.get(name).cloned())
    }

    pub(super) fn make_volume<'a>(&'a self, volume: &'a VolumeSpec) -> Answer<'a, ()> {
        async {
            self.called(&format!("create volume {}", volume.name), |state| {
                let made = Volume::new(&volume.name, volume.labels.clone());
                state.things.volumes.entry(volume.name.clone()).or_insert(made);
                Ok(())
            })
        }
        .boxed()
    }

    pub(super) fn find_image<'a>(&'a self, reference: &'a str) -> Answer<'a, Option<Image>> {
        self.ask(|state| state.things.image(reference).cloned())
    }

    pub(super) fn project_containers<'a>(
        &'a self,
        project: &'a str,
    ) -> Answer<'a, Vec<ProjectContainer>> {
        self.ask(move |state| {
            let ours = state.actors.values().map(|actor| &actor.container);
            let ours = ours.filter(|container| container.project.as_deref() == Some(project));
            ours.map(|container| state.things.project_container(container)).collect()
        })
    }

    pub(super) fn mounted<'a>(&'a self, id: &'a str) -> Answer<'a, Vec<MountedVolume>> {
        self.ask(|state| state.things.specs.get(id).map(mounted).unwrap_or_default())
    }

    pub(super) fn make<'a>(&'a self, name: &'a str, spec: &'a ContainerSpec) -> Answer<'a, String> {
        async move {
            sleep(CREATING).await;
            let id = self.called(&format!("create {name}"), |state| state.make(name, spec))?;
            self.tell(&id, ContainerAction::Create);
            Ok(id)
        }
        .boxed()
    }

    pub(super) fn rename_to<'a>(&'a self, id: &'a str, name: &'a str) -> Answer<'a, ()> {
        async move {
            let old = self.name_of(id);
            self.called(&format!("rename {old} to {name}"), |state| {
                if let Some(actor) = state.actors.get_mut(id) {
                    name.clone_into(&mut actor.container.name);
                }
                Ok(())
            })?;
            self.tell(id, ContainerAction::Change);
            Ok(())
        }
        .boxed()
    }

    pub(super) fn take_away<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        async move {
            let name = self.name_of(id);
            self.called(&format!("remove {name}"), |state| {
                state.remove(id);
                Ok(())
            })?;
            self.tell(id, ContainerAction::Destroy);
            Ok(())
        }
        .boxed()
    }

    /// Reads the whole context, then plays what the build of the image says.
    pub(super) fn play_build(&self, image: &ImageSpec, context: Context) -> Frames<BuildFrame> {
        let (engine, image) = (self.clone(), image.clone());
        stream::once(async move { engine.begin_build(image, context).await }).flatten().boxed()
    }

    async fn begin_build(self, image: ImageSpec, mut context: Context) -> Frames<BuildFrame> {
        while let Some(chunk) = context.next().await {
            if let Err(error) = chunk {
                let message = error.to_string();
                return stream::iter([Err(EngineError::Broken { message })]).boxed();
            }
        }
        let begun = self.called(&format!("build {}", image.tag), |state| {
            Ok(state.things.builds.get(&image.tag).cloned().unwrap_or_default())
        });
        let rest = match begun {
            Ok(history) => history.into_iter(),
            Err(error) => return stream::iter([Err(error)]).boxed(),
        };
        stream::unfold(Some((self, image, rest)), async |playing| {
            let (engine, image, mut rest) = playing?;
            let Some((after, said)) = rest.next() else {
                let id =
                    engine.world.change(|state| state.things.add_image(&image.tag, Vec::new()));
                return Some((Ok(BuildFrame::Image(id)), None));
            };
            sleep(after).await;
            let said = engine.world.check().and(said);
            let go_on = said.is_ok().then_some((engine, image, rest));
            Some((said, go_on))
        })
        .boxed()
    }

    /// Lets a container that was started behave as its image was told to.
    pub(super) fn begin_habit(&self, id: &str) {
        let habit = self.world.read(|state| {
            let made = state.things.specs.get(id)?;
            let run = state.actors.get(id)?.run;
            state.things.habits.get(&made.spec.image).cloned().map(|habit| (habit, run))
        });
        let Some((habit, run)) = habit else { return };
        for line in &habit.words {
            self.print(id, LogPipe::Stdout, line);
        }
        tokio::spawn(behave(Arc::downgrade(&self.world), id.to_owned(), run, habit));
    }

    fn ask<'a, T: Send + 'a>(
        &'a self,
        look: impl FnOnce(&super::world::State) -> T + Send + 'a,
    ) -> Answer<'a, T> {
        async {
            self.world.check()?;
            Ok(self.world.read(look))
        }
        .boxed()
    }
}

/// Health and exit, each after its time, unless the container has been started again or is gone.
async fn behave(world: std::sync::Weak<World>, id: String, run: u64, habit: Habit) {
    let engine = || {
        let world = world.upgrade()?;
        let same = world.read(|state| state.actors.get(&id).is_some_and(|actor| actor.run == run));
        (same && world.is_up(&id)).then_some(ScriptedEngine { world })
    };
    let health = habit.health.map(|(after, health)| (after, Some(health)));
    let mut events: Vec<_> =
        health.into_iter().chain(habit.exit.map(|(after, _)| (after, None))).collect();
    events.sort_by_key(|(after, _)| *after);
    let mut now = Duration::ZERO;
    for (after, health) in events {
        sleep(after.saturating_sub(now)).await;
        now = after;
        let Some(engine) = engine() else { return };
        match (health, habit.exit) {
            (Some(health), _) => engine.set_health(&id, health),
            (None, Some((_, code))) => engine.exit(&id, code),
            (None, None) => {}
        }
    }
}

impl Things {
    fn note(&mut self, call: &str) {
        if self.calls.len() == CALLS_KEPT {
            self.calls.pop_front();
        }
        self.calls.push_back(call.to_owned());
    }

    /// Forgets what a container was made as that is gone.
    pub(super) fn forget(&mut self, id: &str) {
        self.specs.remove(id);
    }

    pub(super) fn add_image(&mut self, reference: &str, volumes: Vec<String>) -> String {
        self.count += 1;
        let id = format!("sha256:{:064x}", self.count);
        self.images.insert(reference.to_owned(), Image::new(&id, volumes));
        id
    }

    fn image(&self, reference: &str) -> Option<&Image> {
        self.images.get(reference)
    }

    fn project_container(&self, container: &Container) -> ProjectContainer {
        let made = self.specs.get(&container.id);
        let image_id = made.map(|made| made.image_id.clone()).unwrap_or_default();
        let of = |name: &str, value: &Option<String>| {
            (format!("com.docker.compose.{name}"), value.clone().unwrap_or_default())
        };
        let known =
            || [of("project", &container.project), of("service", &container.service)].into();
        let labels = made.map_or_else(known, |made| made.spec.labels.clone());
        let Container { id, name, state, .. } = container;
        ProjectContainer::new(id, name, image_id, *state, labels)
    }
}

impl super::world::State {
    fn make(&mut self, name: &str, spec: &ContainerSpec) -> Result<String, EngineError> {
        if self.actors.values().any(|actor| actor.container.name == name) {
            let message = format!("The container name \"/{name}\" is already in use");
            return Err(EngineError::Api { status: 409, message });
        }
        let Some(image) = self.things.image(&spec.image).cloned() else {
            let message = format!("No such image: {}", spec.image);
            return Err(EngineError::Api { status: 404, message });
        };
        self.things.count += 1;
        let number = self.things.count;
        let id = format!("{number:064x}");
        let mut container = Container::new(&id, name, ContainerState::Created);
        let label = |name: &str| spec.labels.get(&format!("com.docker.compose.{name}")).cloned();
        (container.project, container.service) = (label("project"), label("service"));
        container.image.clone_from(&spec.image);
        container.log_driver = Some("json-file".to_owned());
        container.restart_count = Some(0);
        container.memory_limit = spec.memory;
        container.ports = spec.ports.iter().filter_map(port).collect();
        let habit = self.things.habits.get(&spec.image);
        if habit.is_some_and(|habit| habit.health.is_some()) {
            container.health = Some(HealthState::Starting);
        }
        let mut made = Made { spec: spec.clone(), image_id: image.id };
        made.name_volumes(&image.volumes, number);
        self.things.specs.insert(id.clone(), made);
        self.add(container);
        Ok(id)
    }
}

impl Made {
    /// Gives the volumes that nobody named a name, those of the image too.
    fn name_volumes(&mut self, of_image: &[String], number: u64) {
        let missing: Vec<_> = of_image
            .iter()
            .filter(|target| !self.spec.mounts.iter().any(|mount| mount.target == **target))
            .map(|target| crate::engine::MountSpec {
                target: target.clone(),
                source: MountSource::Volume { name: None, no_copy: false },
                read_only: false,
            })
            .collect();
        self.spec.mounts.extend(missing);
        for (index, mount) in self.spec.mounts.iter_mut().enumerate() {
            if let MountSource::Volume { name: name @ None, .. } = &mut mount.source {
                *name = Some(format!("{number:032x}{index:032x}"));
            }
        }
    }
}

fn mounted(made: &Made) -> Vec<MountedVolume> {
    let mounts = made.spec.mounts.iter();
    let volumes = mounts.filter_map(|mount| match &mount.source {
        MountSource::Volume { name: Some(name), .. } => {
            Some(MountedVolume { name: name.clone(), target: mount.target.clone() })
        }
        _ => None,
    });
    volumes.collect()
}

fn port(published: &crate::engine::PublishedPort) -> Option<Port> {
    let (inside, protocol) = published.inside.split_once('/')?;
    let address = Some(published.address.clone()).filter(|address| !address.is_empty());
    Some(Port {
        container: inside.parse().ok()?,
        host: published.outside.parse().ok()?,
        address,
        protocol: protocol.to_owned(),
    })
}

/// How many calls are remembered.
const CALLS_KEPT: usize = 4_096;

/// How long it takes to make a container.
const CREATING: Duration = Duration::from_millis(60);
