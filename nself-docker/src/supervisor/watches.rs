//! Who is watched. A log follower and a stats stream run per container while somebody subscribes to
//! them, and a little longer: somebody who reloads a page costs the engine nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use nself_realtime::clock::Clock;
use nself_realtime::event::{DockerStats, LogsStream, Marker};
use nself_realtime::{Demand, Name, NanoTimestamp};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::{AbortOnDropHandle, JoinMap};

use super::samples::Samples;
use super::target::Target;
use crate::engine::Engine;
use crate::inventory::{Inventory, Record, ServiceKey, name_or_digest};
use crate::logs::{Begin, Follower, LogPosition, MarkerOf, Phase};
use crate::stats::StatsWatcher;

/// The log followers and stats streams that run.
pub(super) struct Watches {
    engine: Arc<dyn Engine>,
    clock: Arc<dyn Clock>,
    linger: Duration,
    logs: HashMap<Name, LogWatch>,
    followers: JoinMap<Name, LogPosition>,
    stats: HashMap<Name, StatsWatch>,
    samples: Samples,
    /// Whether it was told that there are as many stats as there may be.
    stats_refused: bool,
    /// How far the logs of those who are not watched any more were published.
    positions: HashMap<Name, (LogPosition, Instant)>,
    /// The images of the containers of watched services that are gone and not yet replaced.
    vanished: HashMap<ServiceKey, (String, Instant)>,
}

struct LogWatch {
    key: ServiceKey,
    image: String,
    /// Whether it waits for another follower to end: there are as many as there may be.
    refused: bool,
    /// Whether the container was made while its service was watched.
    fresh: bool,
    unwanted_since: Option<Instant>,
    phase: watch::Sender<Phase>,
    _cancel: DropGuard,
}

struct StatsWatch {
    key: ServiceKey,
    run: Option<NanoTimestamp>,
    memory_limit: Option<u64>,
    unwanted_since: Option<Instant>,
    _task: AbortOnDropHandle<()>,
}

/// What of one container somebody wants to see.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) log: bool,
    pub(super) stats: bool,
}

impl Watches {
    pub(super) fn new(engine: Arc<dyn Engine>, clock: Arc<dyn Clock>, linger: Duration) -> Self {
        Self {
            engine,
            clock,
            linger,
            logs: HashMap::new(),
            followers: JoinMap::new(),
            stats: HashMap::new(),
            samples: Samples::default(),
            stats_refused: false,
            positions: HashMap::new(),
            vanished: HashMap::new(),
        }
    }

    /// Starts and ends what has to be, given what is wanted and watched of the containers that there
    /// are; `target` tells more of one. Most of thousands are neither: they cost a look at who wants them.
    pub(super) fn reconcile(
        &mut self,
        inventory: &Inventory,
        demand: &Demand,
        mut target: impl FnMut(&Record) -> Target,
        now: Instant,
    ) {
        let mut present = HashSet::new();
        let mut concerned = Vec::new();
        for (key, records) in inventory.services() {
            let log = demand.wants::<LogsStream>(&key.room, key.service.as_str());
            for record in records {
                let id = name_or_digest(&record.container.id);
                let stats = record.container.state.has_process()
                    && demand.wants::<DockerStats>(&key.room, id.as_str());
                let watched = self.logs.contains_key(&id) || self.stats.contains_key(&id);
                if log || stats || watched {
                    concerned.push((target(record), Wanted { log, stats }));
                }
                present.insert(id);
            }
        }
        self.forget_gone(&present, &concerned, now);
        let watched: HashSet<ServiceKey> =
            self.logs.values().map(|watch| watch.key.clone()).collect();
        for (target, wanted) in &concerned {
            self.reconcile_log(target, wanted.log, watched.contains(&target.key), now);
            self.reconcile_stats(target, wanted.stats, now);
        }
    }

    /// Returns when a follower has ended. Never, if there is none.
    ///
    /// # Cancel safety
    ///
    /// It can be dropped at any time.
    pub(super) async fn follower_ended(&mut self) {
        match self.followers.join_next().await {
            Some((container, Ok(position))) => {
                self.positions.insert(container, (position, Instant::now()));
            }
            Some((container, Err(error))) => {
                tracing::error!(%container, %error, "log follower failed");
                self.logs.remove(&container);
            }
            None => std::future::pending().await,
        }
    }

    /// How many logs and stats are read.
    pub(super) fn len(&self) -> usize {
        self.followers.len() + self.stats.len()
    }

    /// When [`Watches::reconcile`] is to be called again, changes apart.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let logs = self.logs.values().filter_map(|watch| watch.unwanted_since);
        let stats = self.stats.values().filter_map(|watch| watch.unwanted_since);
        let lingering = logs.chain(stats).min().map(|since| since + self.linger);
        lingering.into_iter().chain(self.samples.poll_timeout()).min()
    }

    /// Ends everything and returns when it has ended.
    pub(super) async fn end(mut self) {
        self.logs.clear();
        self.stats.clear();
        self.followers.shutdown().await;
    }

    /// `watched` says whether the service was before: then what appears is new.
    fn reconcile_log(&mut self, target: &Target, wanted: bool, watched: bool, now: Instant) {
        let id = &target.container;
        if self.logs.get(id).is_some_and(|watch| watch.key != target.key) {
            // Outside a project a container that is renamed is another service.
            self.logs.remove(id);
        }
        let mut fresh = watched;
        if self.followers.len() < MOST_FOLLOWERS
            && self.logs.get(id).is_some_and(|watch| watch.refused)
            && let Some(refused) = self.logs.remove(id)
        {
            fresh = refused.fresh;
        }
        if let Some(watch) = self.logs.get_mut(id) {
            watch.phase.send_if_modified(|phase| {
                let modified = *phase != target.phase;
                *phase = target.phase;
                modified
            });
            watch.unwanted_since = if wanted { None } else { watch.unwanted_since.or(Some(now)) };
            if is_due(watch.unwanted_since, self.linger, now) {
                self.logs.remove(id);
            }
        } else if wanted && !self.followers.contains_key(id) {
            self.follow(target, fresh);
        }
        if !wanted {
            self.vanished.remove(&target.key);
        }
    }

    fn follow(&mut self, target: &Target, fresh: bool) {
        let replaced = self.vanished.remove(&target.key).map(|(image, _)| image);
        let fresh = fresh || replaced.is_some();
        if let Some(image) = replaced {
            mark_recreated(target, &image, self.clock.as_ref());
        }
        let (phase, follow_phase) = watch::channel(target.phase);
        let cancel = CancellationToken::new();
        let refused = self.followers.len() >= MOST_FOLLOWERS;
        if refused {
            let text = format!("not followed: limit {MOST_FOLLOWERS}");
            mark(target, Marker::Unavailable, &text, self.clock.as_ref());
        } else {
            if target.log_drops_lines {
                let container = &target.name;
                tracing::warn!(%container, "its log drops lines while it cannot keep up (mode=non-blocking)");
            }
            let begin = match self.positions.remove(&target.container) {
                Some((position, _)) => Begin::Again(Box::new(position)),
                None if fresh => Begin::Fresh,
                None => Begin::Cold,
            };
            let follower = Follower {
                engine: Arc::clone(&self.engine),
                emitter: target.emitter.clone(),
                clock: Arc::clone(&self.clock),
                service: target.key.service.clone(),
                container: target.container.clone(),
                log_driver: target.log_driver.clone(),
                phase: follow_phase,
            };
            self.followers.spawn(target.container.clone(), follower.run(begin, cancel.clone()));
        }
        let watch = LogWatch {
            key: target.key.clone(),
            image: target.image.clone(),
            refused,
            fresh,
            unwanted_since: None,
            phase,
            _cancel: cancel.drop_guard(),
        };
        self.logs.insert(target.container.clone(), watch);
    }

    fn reconcile_stats(&mut self, target: &Target, wanted: bool, now: Instant) {
        let id = &target.container;
        if !target.phase.running {
            self.stats.remove(id);
            return;
        }
        let full = self.stats.len() >= MOST_STATS;
        match self.stats.get_mut(id) {
            Some(watch)
                if watch.key == target.key
                    && is_same_run(watch.run, target.phase.run)
                    && watch.memory_limit == target.memory_limit =>
            {
                watch.run = watch.run.or(target.phase.run);
                watch.unwanted_since =
                    if wanted { None } else { watch.unwanted_since.or(Some(now)) };
                if is_due(watch.unwanted_since, self.linger, now) {
                    self.stats.remove(id);
                }
            }
            _ if !wanted => {
                self.stats.remove(id);
            }
            None if full => {
                if !std::mem::replace(&mut self.stats_refused, true) {
                    tracing::warn!(limit = MOST_STATS, "no stats of more containers are watched");
                }
            }
            _ => {
                let watcher = StatsWatcher {
                    engine: Arc::clone(&self.engine),
                    emitter: target.emitter.clone(),
                    container: id.clone(),
                    container_name: target.name.clone(),
                    service: target.key.service.clone(),
                    memory_limit: target.memory_limit,
                };
                let watch = StatsWatch {
                    key: target.key.clone(),
                    run: target.phase.run,
                    memory_limit: target.memory_limit,
                    unwanted_since: None,
                    _task: AbortOnDropHandle::new(tokio::spawn(watcher.run())),
                };
                self.stats.insert(id.clone(), watch);
                self.samples.begin(id.clone(), target.emitter.clone());
                self.stats_refused = false;
            }
        }
    }

    /// Ends the watches of containers that are gone, and notes which services go on elsewhere.
    fn forget_gone(
        &mut self,
        present: &HashSet<Name>,
        concerned: &[(Target, Wanted)],
        now: Instant,
    ) {
        self.vanished.retain(|_, (_, since)| now - *since < REMEMBERED_FOR);
        self.stats.retain(|id, _| present.contains(id));
        self.samples.sweep(present, now);
        self.positions
            .retain(|id, (_, since)| present.contains(id) && now - *since < REMEMBERED_FOR);
        let gone: Vec<Name> =
            self.logs.keys().filter(|id| !present.contains(*id)).cloned().collect();
        for watch in gone.iter().filter_map(|id| self.logs.remove(id)).collect::<Vec<_>>() {
            let successor = concerned.iter().map(|(target, _)| target).find(|target| {
                target.key == watch.key
                    && self.logs.get(&target.container).is_some_and(|watch| watch.fresh)
            });
            match successor {
                Some(target) => {
                    if let Some(successor) = self.logs.get_mut(&target.container) {
                        successor.fresh = false;
                    }
                    mark_recreated(target, &watch.image, self.clock.as_ref());
                }
                None => {
                    self.vanished.insert(watch.key, (watch.image, now));
                }
            }
        }
    }
}

/// Whether two containers' times of start may be of one run: a list does not tell them.
fn is_same_run(one: Option<NanoTimestamp>, other: Option<NanoTimestamp>) -> bool {
    one.is_none() || other.is_none() || one == other
}

fn is_due(unwanted_since: Option<Instant>, linger: Duration, now: Instant) -> bool {
    unwanted_since.is_some_and(|since| since + linger <= now)
}

fn mark_recreated(target: &Target, image_before: &str, clock: &dyn Clock) {
    let text = if image_before == target.image {
        format!("recreated ({})", target.image)
    } else {
        format!("recreated ({image_before} → {})", target.image)
    };
    mark(target, Marker::Recreated, &text, clock);
}

fn mark(target: &Target, marker: Marker, text: &str, clock: &dyn Clock) {
    let Target { key, container, emitter, .. } = target;
    MarkerOf { service: &key.service, container, emitter, clock }.mark(marker, text);
}

/// How many logs are followed at once.
const MOST_FOLLOWERS: usize = 256;

/// How many containers' stats are read at once.
const MOST_STATS: usize = 256;

/// How long it is remembered how far a log was published.
const REMEMBERED_FOR: Duration = Duration::from_hours(1);
