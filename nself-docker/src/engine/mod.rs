//! What this crate asks of a container engine, as a trait, so that a scripted engine can stand in
//! for a real one. Only frames of our own cross it: what an engine's library calls them stays behind.

pub(crate) mod bollard;
mod build;
mod call;
mod container;
mod container_spec;
pub(crate) mod endpoint;
mod error;
mod event;
mod frame;
mod metered;
mod objects;
mod pull;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use nself_realtime::NanoTimestamp;

pub use self::build::{BuildFrame, Context, ImageSpec};
pub use self::call::{CallOutcome, CallStatistics, EngineCall, EngineCalls};
pub use self::container::{Container, ContainerState};
pub use self::container_spec::{
    Attachment, ContainerSpec, HealthSpec, LimitSpec, LoggingSpec, MountSource, MountSpec,
    PublishedPort, RestartSpec,
};
pub use self::error::EngineError;
pub use self::event::{ContainerAction, EngineEvent};
pub use self::frame::{BlockBytes, LogFrame, LogPipe, LogQuery, MemoryUsage, StatsFrame, Version};
pub use self::metered::MeteredEngine;
pub use self::objects::{
    AddressPool, Image, MountedVolume, Network, NetworkSpec, ProjectContainer, Volume, VolumeSpec,
};
pub use self::pull::PullFrame;

/// The answer to one question.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, EngineError>>;

/// Frames until the engine ends them, or one error and nothing after it. Dropping it tells the
/// engine to stop.
pub type Frames<T> = BoxStream<'static, Result<T, EngineError>>;

/// A container engine.
///
/// Creating one needs no living engine: every call may fail with what is wrong, and may succeed
/// the next time. Streams begin at their first poll, which belongs in a task of its own.
pub trait Engine: Send + Sync + 'static {
    /// Asks the engine who it is. The cheapest sign of life.
    fn version(&self) -> Answer<'_, Version>;

    /// What happens to containers, from `since` on and without end. The engine remembers little of
    /// the past and drops events for slow readers: the list is the truth, events are the hint.
    fn events(&self, since: NanoTimestamp) -> Frames<EngineEvent>;

    /// All containers, also those that do not run. Fields that only an inspection knows are absent.
    fn list(&self) -> Answer<'_, Vec<Container>>;

    /// All that is known of one container.
    fn inspect<'a>(&'a self, id: &'a str) -> Answer<'a, Container>;

    /// The log of a container, each line with the time at which the engine read it.
    fn logs(&self, id: &str, query: LogQuery) -> Frames<LogFrame>;

    /// What a container uses, about once a second. A container that does not run yields frames
    /// without a time.
    fn stats(&self, id: &str) -> Frames<StatsFrame>;

    /// Pulls an image: what the engine says of it and its layers, until it has them all. Without a
    /// tag or a digest `latest` is meant. Dropping it ends the pull.
    fn pull(&self, reference: &str) -> Frames<PullFrame>;

    /// Starts a container. That it runs already is success.
    fn start<'a>(&'a self, id: &'a str) -> Answer<'a, ()>;

    /// Stops a container and waits until it has stopped. That it is stopped already is success.
    fn stop<'a>(&'a self, id: &'a str) -> Answer<'a, ()>;

    /// Stops a container, if it runs, and starts it.
    fn restart<'a>(&'a self, id: &'a str) -> Answer<'a, ()>;

    /// The network of exactly that name, if there is one.
    fn network<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Network>>;

    /// Makes a network. That one of its name is there already is an error.
    fn create_network<'a>(&'a self, network: &'a NetworkSpec) -> Answer<'a, ()>;

    /// The volume of that name, if there is one.
    fn volume<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Volume>>;

    /// Makes a volume. That one of its name is there already is success, and changes nothing.
    fn create_volume<'a>(&'a self, volume: &'a VolumeSpec) -> Answer<'a, ()>;

    /// The image of that name or identity, if the engine has it.
    fn image<'a>(&'a self, reference: &'a str) -> Answer<'a, Option<Image>>;

    /// Builds an image with the builder that is part of the engine. Dropping it ends the build.
    fn build(&self, image: &ImageSpec, context: Context) -> Frames<BuildFrame>;

    /// All containers of a Compose project, also those that do not run.
    fn project<'a>(&'a self, project: &'a str) -> Answer<'a, Vec<ProjectContainer>>;

    /// The volumes that are mounted into a container.
    fn volumes_of<'a>(&'a self, id: &'a str) -> Answer<'a, Vec<MountedVolume>>;

    /// Makes a container in all its networks, and gives its identity. It does not run yet.
    fn create<'a>(&'a self, name: &'a str, container: &'a ContainerSpec) -> Answer<'a, String>;

    /// Gives a container another name.
    fn rename<'a>(&'a self, id: &'a str, name: &'a str) -> Answer<'a, ()>;

    /// Removes a container, running or not, and keeps its volumes. That it is gone already is success.
    fn remove<'a>(&'a self, id: &'a str) -> Answer<'a, ()>;
}
