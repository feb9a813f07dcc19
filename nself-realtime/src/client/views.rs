//! Views: what a room says, folded into a value that is always ready to be looked at.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::{Delivery, ServerError};
use crate::event::{BuildProgress, DockerStats, Event, ProgressStatus};
use crate::{Name, Payload};

/// Folds what a room says.
pub(super) trait View: Clone + Send + Sync + 'static {
    /// The type of the events.
    type Payload: Payload + Send + 'static;

    /// Takes what the room says.
    fn apply(&mut self, delivery: Delivery<Event<Self::Payload>>);

    /// The server does not deliver it.
    fn refuse(&mut self, error: &ServerError);
}

/// How far a view is to be believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// Nothing is known yet.
    #[default]
    Waiting,
    /// It holds what the room keeps.
    Known,
    /// There is no such room now.
    Closed,
    /// The server does not deliver it.
    Refused(ServerError),
}

/// The latest event of each key of a room.
#[derive(Debug)]
pub struct Latest<P> {
    standing: Standing,
    by_key: Arc<BTreeMap<Name, Arc<Event<P>>>>,
}

impl<P> Clone for Latest<P> {
    fn clone(&self) -> Self {
        Self { standing: self.standing.clone(), by_key: Arc::clone(&self.by_key) }
    }
}

impl<P> Default for Latest<P> {
    fn default() -> Self {
        Self { standing: Standing::default(), by_key: Arc::default() }
    }
}

impl<P> Latest<P> {
    /// How far it is to be believed.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Whether it holds what the room keeps.
    pub fn is_known(&self) -> bool {
        self.standing == Standing::Known
    }

    /// The latest of a key.
    pub fn get(&self, key: &str) -> Option<&P> {
        self.by_key.get(key).map(|event| &event.data)
    }

    /// All of them, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Event<P>)> {
        self.by_key.iter().map(|(key, event)| (key, &**event))
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}

impl<P: Payload> Latest<P> {
    fn take(&mut self, events: Vec<Event<P>>) {
        let by_key = Arc::make_mut(&mut self.by_key);
        for event in events {
            if event.data.is_removal() {
                by_key.remove(event.data.key());
            } else if let Ok(key) = Name::new(event.data.key()) {
                by_key.insert(key, Arc::new(event));
            }
        }
    }
}

impl<P: Payload + Send + Sync + 'static> View for Latest<P> {
    type Payload = P;

    fn apply(&mut self, delivery: Delivery<Event<P>>) {
        match delivery {
            Delivery::Snapshot { events, .. } => {
                self.standing = Standing::Known;
                self.by_key = Arc::default();
                self.take(events);
            }
            Delivery::Events { events, .. } => {
                // What was refused or closed comes again, without a snapshot if nothing was missed.
                self.standing = Standing::Known;
                self.take(events);
            }
            // Of each key the latest still comes.
            Delivery::Gap { .. } => {}
            Delivery::Closed { .. } => self.standing = Standing::Closed,
        }
    }

    fn refuse(&mut self, error: &ServerError) {
        self.standing = Standing::Refused(error.clone());
    }
}

/// The samples of one container, the newest last.
#[derive(Debug, Clone, Default)]
pub struct StatsHistory {
    standing: Standing,
    samples: VecDeque<Arc<Event<DockerStats>>>,
    missed: u64,
}

/// How many samples a server keeps of a container.
const SAMPLES: usize = 300;

impl StatsHistory {
    /// How far it is to be believed.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The newest sample.
    pub fn latest(&self) -> Option<&DockerStats> {
        self.samples.back().map(|event| &event.data)
    }

    /// The samples, 300 at most. Of a time when nobody watched there are none.
    pub fn samples(&self) -> impl DoubleEndedIterator<Item = &Event<DockerStats>> {
        self.samples.iter().map(|event| &**event)
    }

    /// How many samples were taken that this client did not get.
    pub fn missed(&self) -> u64 {
        self.missed
    }
}

impl View for StatsHistory {
    type Payload = DockerStats;

    fn apply(&mut self, delivery: Delivery<Event<DockerStats>>) {
        match delivery {
            Delivery::Snapshot { events, .. } => {
                self.standing = Standing::Known;
                self.samples = events.into_iter().map(Arc::new).collect();
            }
            Delivery::Events { events, .. } => {
                self.standing = Standing::Known;
                self.samples.extend(events.into_iter().map(Arc::new));
            }
            Delivery::Gap { gap, .. } => self.missed += gap.missed,
            Delivery::Closed { .. } => self.standing = Standing::Closed,
        }
        let surplus = self.samples.len().saturating_sub(SAMPLES);
        self.samples.drain(..surplus);
    }

    fn refuse(&mut self, error: &ServerError) {
        self.standing = Standing::Refused(error.clone());
    }
}

/// The builds of a room, and how the newest one stands.
#[derive(Debug, Clone, Default)]
pub struct Builds {
    standing: Standing,
    events: Arc<VecDeque<Arc<Event<BuildProgress>>>>,
    /// How much text these have.
    bytes: usize,
    missed: u64,
    /// Counts the logs that the events are of.
    log: u64,
    /// What came up to there is not looked at.
    hidden: u64,
}

/// How many events of builds are held, ...
const EVENTS: usize = 10_000;
/// ... and how many bytes of text in them: what a server keeps, and a build that says as much again.
const BYTES: usize = 8 * 1024 * 1024;

impl Builds {
    /// How far it is to be believed.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// What the newest build said last.
    pub fn latest(&self) -> Option<&BuildProgress> {
        self.visible().next_back().map(|event| &event.data)
    }

    /// What the newest build said from its start, the oldest first.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = &BuildProgress> {
        let newest = self.latest().map(|latest| latest.build_id.clone());
        self.visible()
            .map(|event| &event.data)
            .filter(move |build| Some(&build.build_id) == newest.as_ref())
    }

    /// What all builds said, the oldest first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Event<BuildProgress>> {
        self.visible()
    }

    /// Whether the newest build is under way.
    pub fn is_building(&self) -> bool {
        self.latest().is_some_and(|build| !build.status.is_end())
    }

    /// Whether the newest build has done what it was to do.
    pub fn is_complete(&self) -> bool {
        self.latest().is_some_and(|build| build.status == ProgressStatus::Complete)
    }

    /// Whether the newest build has failed.
    pub fn is_failed(&self) -> bool {
        self.latest().is_some_and(|build| build.status == ProgressStatus::Failed)
    }

    /// How many events there were that this client did not get.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// The place after all that there is.
    pub(super) fn end(&self) -> BuildsEnd {
        BuildsEnd { log: self.log, seq: self.events.back().map_or(0, |event| event.seq) }
    }

    /// Looks only at what came after that.
    pub(super) fn after(mut self, end: BuildsEnd) -> Self {
        if self.log == end.log {
            self.hidden = end.seq;
        }
        self
    }

    /// Holds these as well; the oldest give way. The newest stays.
    fn hold(&mut self, events: Vec<Event<BuildProgress>>) {
        let held = Arc::make_mut(&mut self.events);
        for event in events {
            self.bytes += text_of(&event.data);
            held.push_back(Arc::new(event));
        }
        while held.len() > EVENTS || (self.bytes > BYTES && held.len() > 1) {
            let oldest = held.pop_front();
            self.bytes -= oldest.map_or(0, |event| text_of(&event.data));
        }
    }

    fn visible(&self) -> impl DoubleEndedIterator<Item = &Event<BuildProgress>> {
        self.events.iter().map(|event| &**event).filter(|event| event.seq > self.hidden)
    }
}

/// How much text an event has.
fn text_of(build: &BuildProgress) -> usize {
    let texts = build.logs.iter().chain(&build.message).chain(&build.error);
    texts.map(String::len).sum()
}

/// A place in the events of builds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BuildsEnd {
    log: u64,
    seq: u64,
}

impl View for Builds {
    type Payload = BuildProgress;

    fn apply(&mut self, delivery: Delivery<Event<BuildProgress>>) {
        match delivery {
            Delivery::Snapshot { events, reset, .. } => {
                self.standing = Standing::Known;
                (self.events, self.bytes) = (Arc::default(), 0);
                self.hold(events);
                self.log += u64::from(reset);
            }
            Delivery::Events { events, .. } => {
                self.standing = Standing::Known;
                self.hold(events);
            }
            Delivery::Gap { gap, .. } => self.missed += gap.missed,
            Delivery::Closed { .. } => self.standing = Standing::Closed,
        }
    }

    fn refuse(&mut self, error: &ServerError) {
        self.standing = Standing::Refused(error.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{ServiceState, ServiceStatus};
    use crate::{Cursor, Epoch, RoomName, Timestamp};

    /// Whether it is refused, and then known again by events alone.
    fn comes_back<V: View + Default>(data: V::Payload, standing: fn(&V) -> &Standing) {
        let room = RoomName::new("shop").unwrap();
        let cursor = Cursor { epoch: Epoch::from_random(1), seq: 0 };
        let (mut view, filters) = (V::default(), Vec::new());
        let (snapshot, reset) = (Vec::new(), false);
        view.apply(Delivery::Snapshot {
            room: room.clone(),
            filters,
            events: snapshot,
            cursor,
            reset,
        });
        let error = ServerError::new("forbidden", "no");
        view.refuse(&error);
        assert_eq!(standing(&view), &Standing::Refused(error));
        let timestamp = Timestamp::from_unix_nanos(0).unwrap();
        let events = vec![Event { room: room.clone(), seq: 1, timestamp, data }];
        view.apply(Delivery::Events { room, events, live: false });
        assert_eq!(standing(&view), &Standing::Known);
    }

    #[test]
    fn a_view_that_was_refused_is_known_once_events_come_again() {
        let name = |text| Name::new(text).unwrap();
        comes_back(ServiceStatus::new(name("web"), ServiceState::Running), Latest::standing);
        let sample = DockerStats {
            container_id: name("c1"),
            container_name: name("web"),
            service: None,
            stats: crate::event::Stats::default(),
        };
        comes_back(sample, StatsHistory::standing);
        comes_back(build(Vec::new()), Builds::standing);
    }

    fn build(logs: Vec<String>) -> BuildProgress {
        BuildProgress {
            build_id: Name::new("b1").unwrap(),
            step: "pull".to_owned(),
            status: ProgressStatus::InProgress,
            progress: 1.0,
            current_step: 1,
            total_steps: 2,
            message: None,
            logs,
            logs_dropped: None,
            error: None,
            elapsed_ms: None,
            items: Vec::new(),
        }
    }

    #[test]
    fn of_builds_that_say_much_the_oldest_events_give_way() {
        let room = RoomName::new("shop").unwrap();
        let timestamp = Timestamp::from_unix_nanos(0).unwrap();
        let mut builds = Builds::default();
        let mut tell = |seq, bytes| {
            let data = build(vec!["x".repeat(bytes)]);
            let events = vec![Event { room: room.clone(), seq, timestamp, data }];
            builds.apply(Delivery::Events { room: room.clone(), events, live: true });
            builds.all().map(|event| event.seq).collect::<Vec<_>>()
        };
        for seq in 1..=8 {
            assert_eq!(tell(seq, 1024 * 1024), (1..=seq).collect::<Vec<_>>());
        }
        assert_eq!(tell(9, 1), (2..=9).collect::<Vec<_>>());
        assert_eq!(tell(10, BYTES + 1), [10]);
        assert_eq!(tell(11, 1), [11]);
    }
}
