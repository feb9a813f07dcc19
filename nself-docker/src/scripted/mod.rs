//! An engine without containers: it plays what it is told to. Tests drive the rest of the crate
//! through it, and the demo runs on it. It runs on tokio's time, so a test can own that.
//!
//! It does what was seen of real engines: a log's follow ends cleanly with the process and does not
//! resume, stats streams of dead containers go on with empty frames, events are dropped for slow
//! readers, and a list knows less than an inspection.

mod actor;
mod demo;
mod dice;
mod project;
mod streams;
mod world;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::FutureExt as _;
use nself_realtime::NanoTimestamp;
use nself_realtime::event::HealthState;
use tokio::time::sleep;

pub use self::actor::Usage;
pub use self::project::Habit;
use self::world::World;
use crate::engine::{
    Answer, BuildFrame, Container, ContainerAction, ContainerSpec, ContainerState, Context, Engine,
    EngineError, EngineEvent, Frames, Image, ImageSpec, LogFrame, LogPipe, LogQuery, MountedVolume,
    Network, NetworkSpec, ProjectContainer, PullFrame, StatsFrame, Version, Volume, VolumeSpec,
};

/// An engine that plays what it is told to. A cheap clone: all clones are one engine.
#[derive(Debug, Clone)]
pub struct ScriptedEngine {
    world: Arc<World>,
}

impl ScriptedEngine {
    /// An engine without containers whose clock shows `start` now.
    ///
    /// Must be called within a tokio runtime.
    pub fn new(start: NanoTimestamp) -> Self {
        Self { world: Arc::new(World::new(start)) }
    }

    /// An engine that runs an invented stack of six services: they log, use memory, fall ill and get
    /// well. The same seed plays the same. It ends with its last clone.
    ///
    /// Must be called within a tokio runtime.
    pub fn demo(start: NanoTimestamp, seed: u64) -> Self {
        let engine = Self::new(start);
        demo::play(&engine.world, seed);
        engine
    }

    /// Adds a container as it is.
    pub fn add(&self, container: Container) {
        let id = container.id.clone();
        let started = container.state.has_process();
        self.world.change(|state| state.add(container));
        self.tell(&id, ContainerAction::Create);
        if started {
            self.tell(&id, ContainerAction::Start);
        }
    }

    /// Removes a container.
    pub fn remove(&self, id: &str) {
        self.world.change(|state| state.remove(id));
        self.tell(id, ContainerAction::Destroy);
    }

    /// Lets a container print a line. A long one comes in parts.
    pub fn print(&self, id: &str, pipe: LogPipe, line: &str) {
        let time = self.world.unique_now();
        self.print_at(id, pipe, time, line);
    }

    /// Lets a container print a line at a time of one's own.
    pub fn print_at(&self, id: &str, pipe: LogPipe, time: NanoTimestamp, line: &str) {
        self.world.with_actor(id, |actor| actor.print(pipe, time, line));
    }

    /// Throws away what a container has printed so far, as a log driver does that keeps one file.
    pub fn rotate_log(&self, id: &str) {
        self.world.with_actor(id, |actor| actor.log.forget());
    }

    /// Puts a line into the log of a container that cannot be read, as a full disk or a crash leaves
    /// it: a reading that comes upon it ends without an error, or never says a word again if it
    /// follows.
    pub fn damage_log(&self, id: &str) {
        let time = self.world.unique_now();
        self.world.with_actor(id, |actor| actor.damage_log(time));
    }

    /// Whether a reading that comes upon such a line says so from now on, as Engine 23.0 to 26.1 do.
    pub fn complain_of_damage(&self, complain: bool) {
        self.world.change(|state| state.complains = complain);
    }

    /// Ends the process of a container by itself.
    pub fn exit(&self, id: &str, exit_code: i64) {
        self.world.with_actor(id, |actor| actor.end(exit_code));
        self.tell(id, ContainerAction::Die { exit_code: Some(exit_code), tells_signals: true });
    }

    /// Ends the process of a container by a signal that somebody sent through the engine.
    pub fn kill(&self, id: &str) {
        self.tell(id, ContainerAction::Kill);
        self.exit(id, 137);
    }

    /// Says what the health check of a container says from now on.
    pub fn set_health(&self, id: &str, health: HealthState) {
        self.world.with_actor(id, |actor| actor.container.health = Some(health));
        self.tell(id, ContainerAction::Change);
    }

    /// Says what a container uses from now on.
    pub fn set_usage(&self, id: &str, usage: Usage) {
        self.world.with_actor(id, |actor| actor.set_usage(usage));
    }

    /// Lets the engine disappear: all streams break, all questions fail with this.
    pub fn go_offline(&self, error: EngineError) {
        self.world.change(|state| state.fault = Some(error));
    }

    /// Lets the engine come back. What happened meanwhile is not among its events.
    pub fn come_online(&self) {
        self.world.change(|state| {
            state.fault = None;
            state.events.forget();
        });
    }

    /// Breaks all log streams that are open now.
    pub fn cut_logs(&self) {
        self.world.change(|state| state.log_cuts += 1);
    }

    /// Breaks the log stream that follows and is read next, once that many frames have come out of it.
    pub fn cut_logs_after(&self, frames: u64) {
        self.world.fragile.store(frames, Ordering::Release);
    }

    /// Ends all log streams that follow, as if there were nothing more to come.
    pub fn end_logs(&self) {
        self.world.change(|state| state.log_ends += 1);
    }

    /// Breaks all log streams that are open now by a frame that nobody can read.
    pub fn spoil_logs(&self) {
        self.world.change(|state| state.log_spoils += 1);
    }

    /// Refuses to give any log from now on, or gives them again.
    pub fn refuse_logs(&self, refusal: Option<EngineError>) {
        self.world.change(|state| state.log_refusal = refusal);
    }

    /// Silences the log streams that follow, without ending them; those that are opened later too,
    /// until it is taken back.
    pub fn mute_logs(&self, mute: bool) {
        self.world.change(|state| {
            state.mutes += u64::from(mute);
            state.mutes_new = mute;
        });
    }

    /// Silences the stats streams that are open now, without ending them.
    pub fn mute_stats(&self) {
        self.world.change(|state| state.stats_mutes += 1);
    }

    /// Tells of something that happened to a container, whether it did or not: engines repeat
    /// themselves.
    pub fn announce(&self, id: &str, action: ContainerAction) {
        self.tell(id, action);
    }

    /// Ends the process of a container by itself and starts it again, as a restart policy does.
    pub fn crash_and_restart(&self, id: &str) {
        self.exit(id, 1);
        let now = self.world.unique_now();
        self.world.with_actor(id, |actor| {
            actor.begin(now);
            let count = actor.container.restart_count.unwrap_or(0);
            actor.container.restart_count = Some(count + 1);
        });
        self.tell(id, ContainerAction::Start);
    }

    /// Changes what is known of a container, and tells that something changed.
    pub fn change(&self, id: &str, change: impl FnOnce(&mut Container)) {
        self.world.with_actor(id, |actor| change(&mut actor.container));
        self.tell(id, ContainerAction::Change);
    }

    /// Lets every inspection take that long from now on.
    pub fn slow_inspections(&self, time: Duration) {
        self.world.change(|state| state.inspection_takes = time);
    }

    /// Breaks all event streams that are open now.
    pub fn cut_events(&self) {
        self.world.change(|state| state.event_cuts += 1);
    }

    /// Breaks all event streams that are open now by a frame that nobody can read.
    pub fn spoil_events(&self) {
        self.world.change(|state| state.event_spoils += 1);
    }

    /// Silences the event streams that are open now, without ending them.
    pub fn mute_events(&self) {
        self.world.change(|state| state.event_mutes += 1);
    }

    /// Whether events are lost from now on instead of told.
    pub fn lose_events(&self, lose: bool) {
        self.world.change(|state| state.loses_events = lose);
    }

    /// Refuses every action from now on, or does them again.
    pub fn refuse_actions(&self, refusal: Option<EngineError>) {
        self.world.change(|state| state.refusal = refusal);
    }

    /// Says how pulls of an image go from now on: each frame, or the error that ends it, that long after
    /// the one before. Images that nothing was said of are not found.
    pub fn set_pull(
        &self,
        reference: &str,
        history: Vec<(Duration, Result<PullFrame, EngineError>)>,
    ) {
        self.world.change(|state| state.pulls.insert(reference.to_owned(), history));
    }

    /// How many pulls are under way.
    pub fn open_pulls(&self) -> usize {
        self.world.pulls.load(Ordering::Acquire)
    }

    /// How many log streams that follow are open.
    pub fn open_log_streams(&self) -> usize {
        self.world.log_streams.load(Ordering::Acquire)
    }

    /// How many stats streams are open.
    pub fn open_stats_streams(&self) -> usize {
        self.world.stats_streams.load(Ordering::Acquire)
    }

    /// How many log streams that follow were opened in all.
    pub fn opened_log_streams(&self) -> usize {
        self.world.log_streams_opened.load(Ordering::Acquire)
    }

    /// How many containers were inspected in all, and how many at once, at most.
    pub fn inspections(&self) -> (usize, usize) {
        self.world.read(|state| (state.inspected, state.inspecting_most))
    }

    fn tell(&self, id: &str, action: ContainerAction) {
        self.world.tell(id, action);
    }

    /// Does an action if the engine is there and the container exists; `work` says what it takes.
    fn act<'a>(
        &'a self,
        action: &'a str,
        id: &'a str,
        work: impl Future<Output = ()> + Send + 'a,
    ) -> Answer<'a, ()> {
        async move {
            self.world.check()?;
            let name = self.world.actor(id)?.name;
            self.called(&format!("{action} {name}"), |_| Ok(()))?;
            if let Some(refusal) = self.world.read(|state| state.refusal.clone()) {
                return Err(refusal);
            }
            work.await;
            self.world.check()
        }
        .boxed()
    }

    async fn stop_process(&self, id: &str) {
        let Ok(container) = self.world.actor(id) else { return };
        if container.state.has_process() {
            self.tell(id, ContainerAction::Kill);
            sleep(STOPPING).await;
            self.exit(id, 0);
        }
        if container.state.is_up() {
            self.world.with_actor(id, |actor| actor.container.state = ContainerState::Exited);
            self.tell(id, ContainerAction::Stop);
        }
    }

    async fn start_process(&self, id: &str) {
        if !self.world.is_up(id) {
            sleep(STARTING).await;
            let now = self.world.unique_now();
            self.world.with_actor(id, |actor| actor.begin(now));
            self.tell(id, ContainerAction::Start);
            self.begin_habit(id);
        }
    }
}

impl Engine for ScriptedEngine {
    fn version(&self) -> Answer<'_, Version> {
        async {
            self.world.check()?;
            Ok(Version { engine: Some("scripted".to_owned()), api: Some("1.41".to_owned()) })
        }
        .boxed()
    }

    fn events(&self, since: NanoTimestamp) -> Frames<EngineEvent> {
        streams::events(Arc::clone(&self.world), since)
    }

    fn list(&self) -> Answer<'_, Vec<Container>> {
        async {
            self.world.check()?;
            Ok(self.world.read(|state| state.actors.values().map(actor::Actor::listed).collect()))
        }
        .boxed()
    }

    fn inspect<'a>(&'a self, id: &'a str) -> Answer<'a, Container> {
        async {
            self.world.check()?;
            let takes = self.world.change(|state| {
                state.inspected += 1;
                state.inspecting += 1;
                state.inspecting_most = state.inspecting_most.max(state.inspecting);
                state.inspection_takes
            });
            sleep(takes).await;
            self.world.change(|state| state.inspecting -= 1);
            self.world.actor(id)
        }
        .boxed()
    }

    fn logs(&self, id: &str, query: LogQuery) -> Frames<LogFrame> {
        streams::logs(Arc::clone(&self.world), id.to_owned(), query)
    }

    fn stats(&self, id: &str) -> Frames<StatsFrame> {
        streams::stats(Arc::clone(&self.world), id.to_owned())
    }

    fn pull(&self, reference: &str) -> Frames<PullFrame> {
        streams::pull(&self.world, reference)
    }

    fn start<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        self.act("start", id, self.start_process(id))
    }

    fn stop<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        self.act("stop", id, self.stop_process(id))
    }

    fn restart<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        self.act("restart", id, async {
            self.stop_process(id).await;
            self.start_process(id).await;
            self.tell(id, ContainerAction::Restart);
        })
    }

    fn network<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Network>> {
        self.find_network(name)
    }

    fn create_network<'a>(&'a self, network: &'a NetworkSpec) -> Answer<'a, ()> {
        self.make_network(network)
    }

    fn volume<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Volume>> {
        self.find_volume(name)
    }

    fn create_volume<'a>(&'a self, volume: &'a VolumeSpec) -> Answer<'a, ()> {
        self.make_volume(volume)
    }

    fn image<'a>(&'a self, reference: &'a str) -> Answer<'a, Option<Image>> {
        self.find_image(reference)
    }

    fn build(&self, image: &ImageSpec, context: Context) -> Frames<BuildFrame> {
        self.play_build(image, context)
    }

    fn project<'a>(&'a self, project: &'a str) -> Answer<'a, Vec<ProjectContainer>> {
        self.project_containers(project)
    }

    fn volumes_of<'a>(&'a self, id: &'a str) -> Answer<'a, Vec<MountedVolume>> {
        self.mounted(id)
    }

    fn create<'a>(&'a self, name: &'a str, container: &'a ContainerSpec) -> Answer<'a, String> {
        self.make(name, container)
    }

    fn rename<'a>(&'a self, id: &'a str, name: &'a str) -> Answer<'a, ()> {
        self.rename_to(id, name)
    }

    fn remove<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        self.take_away(id)
    }
}

/// How long a process takes to stop and to start.
const STOPPING: Duration = Duration::from_millis(400);
const STARTING: Duration = Duration::from_millis(250);
