//! An engine whose calls are counted, each in the one place that they all pass through.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};

use futures::future::FutureExt as _;
use futures::stream::{Stream, StreamExt as _};
use nself_realtime::NanoTimestamp;

use super::call::{Calling, EngineCall, EngineCalls};
use super::{
    Answer, BuildFrame, Container, ContainerSpec, Context, Engine, EngineError, EngineEvent,
    Frames, Image, ImageSpec, LogFrame, LogQuery, MountedVolume, Network, NetworkSpec,
    ProjectContainer, PullFrame, StatsFrame, Version, Volume, VolumeSpec,
};

/// Another engine, and counts of what it was asked: by kind of call, by what came of it, and how long
/// each answer took. Nothing else is different.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use nself_docker::{DockerEngine, MeteredEngine};
///
/// # fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = MeteredEngine::new(Arc::new(DockerEngine::new(None)?));
/// let calls = engine.calls();
/// for of_one in calls.statistics() {
///     println!("{}: {:?}", of_one.call.as_str(), of_one.outcomes);
/// }
/// # Ok(())
/// # }
/// ```
pub struct MeteredEngine {
    engine: Arc<dyn Engine>,
    calls: EngineCalls,
}

impl MeteredEngine {
    /// Counts the calls of that engine from now on.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine, calls: EngineCalls::new() }
    }

    /// What is counted. It outlives the engine.
    pub fn calls(&self) -> EngineCalls {
        self.calls.clone()
    }

    /// Counts a question. It begins when its answer is first waited for.
    fn ask<'a, T: 'a>(&'a self, call: EngineCall, answer: Answer<'a, T>) -> Answer<'a, T> {
        async move {
            let calling = self.calls.begin(call);
            let answer = answer.await;
            calling.end(answer.as_ref().err());
            answer
        }
        .boxed()
    }

    /// Counts a stream. It ends with its last frame, or when it is not wanted any more.
    fn open<T: 'static>(&self, call: EngineCall, frames: Frames<T>) -> Frames<T> {
        Counted { frames, calling: Some(self.calls.begin(call)) }.boxed()
    }
}

impl std::fmt::Debug for MeteredEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MeteredEngine").field("calls", &self.calls).finish_non_exhaustive()
    }
}

/// Frames whose end is counted once.
struct Counted<T> {
    frames: Frames<T>,
    calling: Option<Calling>,
}

impl<T> Stream for Counted<T> {
    type Item = Result<T, EngineError>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<T, EngineError>>> {
        let frame = ready!(self.frames.poll_next_unpin(cx));
        let error = match &frame {
            Some(Ok(_)) => return Poll::Ready(frame),
            Some(Err(error)) => Some(error),
            None => None,
        };
        if let Some(calling) = self.calling.take() {
            calling.end(error);
        }
        Poll::Ready(frame)
    }
}

impl Engine for MeteredEngine {
    fn version(&self) -> Answer<'_, Version> {
        self.ask(EngineCall::Version, self.engine.version())
    }

    fn events(&self, since: NanoTimestamp) -> Frames<EngineEvent> {
        self.open(EngineCall::Events, self.engine.events(since))
    }

    fn list(&self) -> Answer<'_, Vec<Container>> {
        self.ask(EngineCall::List, self.engine.list())
    }

    fn inspect<'a>(&'a self, id: &'a str) -> Answer<'a, Container> {
        self.ask(EngineCall::Inspect, self.engine.inspect(id))
    }

    fn logs(&self, id: &str, query: LogQuery) -> Frames<LogFrame> {
        self.open(EngineCall::Logs, self.engine.logs(id, query))
    }

    fn stats(&self, id: &str) -> Frames<StatsFrame> {
        self.open(EngineCall::Stats, self.engine.stats(id))
    }

    fn pull(&self, reference: &str) -> Frames<PullFrame> {
        self.open(EngineCall::Pull, self.engine.pull(reference))
    }

    fn start<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        self.ask(EngineCall::Start, self.engine.start(id))
    }

    fn stop<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        self.ask(EngineCall::Stop, self.engine.stop(id))
    }

    fn restart<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        self.ask(EngineCall::Restart, self.engine.restart(id))
    }

    fn network<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Network>> {
        self.ask(EngineCall::Network, self.engine.network(name))
    }

    fn create_network<'a>(&'a self, network: &'a NetworkSpec) -> Answer<'a, ()> {
        self.ask(EngineCall::CreateNetwork, self.engine.create_network(network))
    }

    fn volume<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Volume>> {
        self.ask(EngineCall::Volume, self.engine.volume(name))
    }

    fn create_volume<'a>(&'a self, volume: &'a VolumeSpec) -> Answer<'a, ()> {
        self.ask(EngineCall::CreateVolume, self.engine.create_volume(volume))
    }

    fn image<'a>(&'a self, reference: &'a str) -> Answer<'a, Option<Image>> {
        self.ask(EngineCall::Image, self.engine.image(reference))
    }

    fn build(&self, image: &ImageSpec, context: Context) -> Frames<BuildFrame> {
        self.open(EngineCall::Build, self.engine.build(image, context))
    }

    fn project<'a>(&'a self, project: &'a str) -> Answer<'a, Vec<ProjectContainer>> {
        self.ask(EngineCall::Project, self.engine.project(project))
    }

    fn volumes_of<'a>(&'a self, id: &'a str) -> Answer<'a, Vec<MountedVolume>> {
        self.ask(EngineCall::VolumesOf, self.engine.volumes_of(id))
    }

    fn create<'a>(&'a self, name: &'a str, container: &'a ContainerSpec) -> Answer<'a, String> {
        self.ask(EngineCall::Create, self.engine.create(name, container))
    }

    fn rename<'a>(&'a self, id: &'a str, name: &'a str) -> Answer<'a, ()> {
        self.ask(EngineCall::Rename, self.engine.rename(id, name))
    }

    fn remove<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        self.ask(EngineCall::Remove, self.engine.remove(id))
    }
}
