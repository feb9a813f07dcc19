//! Docker's streams as typed real-time events: how the services of a project are, what they print,
//! what they use.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use nself_docker::{Docker, DockerConfig, DockerEngine};
//! use nself_realtime::Hub;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = DockerEngine::new(None)?;
//! let docker = Docker::spawn(Arc::new(engine), Hub::new(), DockerConfig::default());
//! docker.wait_for_first_list().await;
//! for (room, status) in docker.services() {
//!     println!("{room}/{}: {:?}", status.service, status.status);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What goes where
//!
//! Each Compose project has a [room](room_of_project) of its own, containers outside any project share
//! `standalone`. In these: `service:status` for each service, at once and only when it changed;
//! `logs:stream` and `docker:stats` for what somebody subscribes to. In `system`: `engine:status`, and a
//! `notification` with the last words of a service that fails or with what a build failed of. Each leads to
//! the log or to the build on the page.
//!
//! # When the engine is away
//!
//! Nothing needs a living engine to begin with. An engine that does not answer is told as
//! `engine:status` `offline` with the reason and the mend, and is asked again after 0.5 s, then less and
//! less often, every 15 s at last. Services keep the status they had; actions are refused. When it is
//! back everything is listed anew, and what differs is published.
//!
//! # When events are lost
//!
//! An engine drops events for slow readers and forgets them when it restarts. So events only say where
//! to look; the truth is the list, taken every 30 s, and the inspections that follow from it.
//!
//! # When log streams end
//!
//! An engine resumes a log by whole seconds, ends streams without a reason, and loses the last words of
//! a process that exits while its history is read. So each end is followed by a second reading, each
//! reading overlaps the one before, and what was published before is dropped: no line is lost, none comes
//! twice. What lies between two readings and the engine has no more, or cannot read, is marked as `lost`.
//! What an engine leaves out within one reading nobody can tell: newer Dockers go on without a word behind a
//! rotation that was faster than their reader. A log that cannot be read is marked as `unavailable`, once.
//!
//! # Old lines
//!
//! [`Docker::history`] reads what the engine still has. An engine reads a log from its end: what is long
//! ago costs as much as everything since, so the reading is bounded, and [`History::complete`] says
//! whether something older was left out.
//!
//! # Images
//!
//! [`pull`] brings an image and tells how far it is, in bytes and by layers: a percentage that never
//! falls, and exactly one end, also when it is dropped.
//!
//! # Compose files
//!
//! [`compose::load`] reads the project of a folder, without an engine, into one checked [`compose::Project`],
//! or tells all that is wrong with it.
//!
//! # Builds
//!
//! [`Build`] takes a Compose project from its files to running containers and tells `build:progress` all
//! the way; [`Builds`] runs one at a time and keeps the last ones. Nothing is removed that holds data, and
//! what was running stays running if its successor does not get well.
//!
//! # What ends what
//!
//! Everything ends when the last [`Docker`] is dropped, or by [`Docker::shutdown`]. A container that
//! misbehaves ends nothing but its own streams.
mod actions;
mod backoff;
mod build;
pub mod compose;
mod details;
mod durations;
mod engine;
mod inventory;
mod links;
mod logs;
mod pull;
mod scripted;
mod stats;
mod supervisor;
mod text;

pub use self::actions::{Accepted, Action, ActionError, OutcomeError};
pub use self::build::{
    Build, BuildCause, BuildError, BuildReport, BuildStatistics, BuildStep, Builds, BuildsError,
    ContextError, ProjectSource, StepReport, UnsupportedDockerfile,
};
pub use self::details::{Configuration, ContainerDetails, DetailsError, Mount, ServiceDetails};
pub use self::durations::Durations;
pub use self::engine::bollard::DockerEngine;
pub use self::engine::{
    AddressPool, Answer, Attachment, BlockBytes, BuildFrame, CallOutcome, CallStatistics,
    Container, ContainerAction, ContainerSpec, ContainerState, Context, Engine, EngineCall,
    EngineCalls, EngineError, EngineEvent, Frames, HealthSpec, Image, ImageSpec, LimitSpec,
    LogFrame, LogPipe, LogQuery, LoggingSpec, MemoryUsage, MeteredEngine, MountSource, MountSpec,
    MountedVolume, Network, NetworkSpec, ProjectContainer, PublishedPort, PullFrame, RestartSpec,
    StatsFrame, Version, Volume, VolumeSpec,
};
pub use self::inventory::room_of_project;
pub use self::logs::{History, HistoryQuery};
pub use self::pull::{PullProgress, PullTally, pull};
pub use self::scripted::{Habit, ScriptedEngine, Usage};
pub use self::supervisor::{Docker, DockerConfig, HistoryError};
