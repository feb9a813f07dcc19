//! Who is watched. A log follower and a stats stream run per container while somebody subscribes to
//! them, and a little longer: somebody who reloads a page costs the engine nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use nself_realtime::clock::Clock;
use nself_realtime::event::{DockerStats, LogMarker, LogsStream, Marker};
use nself_realtime::{Demand, Name, NanoTimestamp};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::{AbortOnDropHandle, JoinMap};

use super::target::Target;
use crate::engine::Engine;
use crate::inventory::ServiceKey;
use crate::logs::{Begin, Follower, LogPosition, Phase};
use crate::stats::StatsWatcher;

/// The log followers and stats streams that run.
pub(super) struct Watches {
    engine: Arc<dyn Engine>,
    clock: Arc<dyn Clock>,
    linger: Duration,
    logs: HashMap<Name, LogWatch>,
    followers: JoinMap<Name, LogPosition>,
    stats: HashMap<Name, StatsWatch>,
    /// How far the logs of those who are not watched any more were published.
    positions: HashMap<Name, (LogPosition, Instant)>,
    /// The images of the containers of watched services that are gone and not yet replaced.
    vanished: HashMap<ServiceKey, (String, Instant)>,
    /// The containers that there were the last time: what is not among them is new.
    seen: HashSet<Name>,
}

struct LogWatch {
    key: ServiceKey,
    image: String,
    /// Whether the container was made while its service was watched.
    fresh: bool,
    unwanted_since: Option<Instant>,
    phase: watch::Sender<Phase>,
    _cancel: DropGuard,
}

struct StatsWatch {
    run: Option<NanoTimestamp>,
    memory_limit: Option<u64>,
    unwanted_since: Option<Instant>,
    _task: AbortOnDropHandle<()>,
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
            positions: HashMap::new(),
            vanished: HashMap::new(),
            seen: HashSet::new(),
        }
    }

    /// Starts and ends what has to be, given all containers and what is wanted.
    pub(super) fn reconcile(&mut self, targets: &[Target], demand: &Demand, now: Instant) {
        let present: HashSet<Name> = targets.iter().map(|t| t.container.clone()).collect();
        self.forget_gone(&present, targets, now);
        for target in targets {
            let room = &target.key.room;
            let wants_log = demand.wants::<LogsStream>(room, target.key.service.as_str());
            self.reconcile_log(target, wants_log, now);
            let wants_stats = demand.wants::<DockerStats>(room, target.container.as_str());
            self.reconcile_stats(target, wants_stats, now);
        }
        self.seen = present;
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

    /// When [`Watches::reconcile`] is to be called again, changes apart.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let logs = self.logs.values().filter_map(|watch| watch.unwanted_since);
        let stats = self.stats.values().filter_map(|watch| watch.unwanted_since);
        logs.chain(stats).min().map(|since| since + self.linger)
    }

    /// Ends everything and returns when it has ended.
    pub(super) async fn end(mut self) {
        self.logs.clear();
        self.stats.clear();
        self.followers.shutdown().await;
    }

    fn reconcile_log(&mut self, target: &Target, wanted: bool, now: Instant) {
        let id = &target.container;
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
            self.follow(target);
        }
        if !wanted {
            self.vanished.remove(&target.key);
        }
    }

    fn follow(&mut self, target: &Target) {
        let replaced = self.vanished.remove(&target.key).map(|(image, _)| image);
        let service_is_watched =
            replaced.is_some() || self.logs.values().any(|watch| watch.key == target.key);
        let fresh = service_is_watched && !self.seen.contains(&target.container);
        if let Some(image) = replaced {
            mark_recreated(target, &image, self.clock.as_ref());
        }
        let begin = match self.positions.remove(&target.container) {
            Some((position, _)) => Begin::Again(Box::new(position)),
            None if fresh => Begin::Fresh,
            None => Begin::Cold,
        };
        let (phase, follow_phase) = watch::channel(target.phase);
        let cancel = CancellationToken::new();
        if self.followers.len() < MOST_FOLLOWERS {
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
        } else {
            let text = format!("not followed: limit {MOST_FOLLOWERS}");
            mark(target, Marker::Unavailable, &text, self.clock.as_ref());
        }
        let watch = LogWatch {
            key: target.key.clone(),
            image: target.image.clone(),
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
        match self.stats.get_mut(id) {
            Some(watch)
                if watch.run == target.phase.run && watch.memory_limit == target.memory_limit =>
            {
                watch.unwanted_since =
                    if wanted { None } else { watch.unwanted_since.or(Some(now)) };
                if is_due(watch.unwanted_since, self.linger, now) {
                    self.stats.remove(id);
                }
            }
            _ if !wanted => {
                self.stats.remove(id);
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
                    run: target.phase.run,
                    memory_limit: target.memory_limit,
                    unwanted_since: None,
                    _task: AbortOnDropHandle::new(tokio::spawn(watcher.run())),
                };
                self.stats.insert(id.clone(), watch);
            }
        }
    }

    /// Ends the watches of containers that are gone, and notes which services go on elsewhere.
    fn forget_gone(&mut self, present: &HashSet<Name>, targets: &[Target], now: Instant) {
        self.vanished.retain(|_, (_, since)| now - *since < REMEMBERED_FOR);
        self.stats.retain(|id, _| present.contains(id));
        self.positions
            .retain(|id, (_, since)| present.contains(id) && now - *since < REMEMBERED_FOR);
        let gone: Vec<Name> =
            self.logs.keys().filter(|id| !present.contains(*id)).cloned().collect();
        for watch in gone.iter().filter_map(|id| self.logs.remove(id)).collect::<Vec<_>>() {
            let successor = targets.iter().find(|target| {
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
    let marker = LogMarker {
        service: target.key.service.clone(),
        time: clock.timestamp().into(),
        container_id: Some(target.container.clone()),
        marker,
        text: crate::text::at_most(text, 4_096),
        missed: None,
    };
    if let Err(error) = target.emitter.log(&LogsStream::Marker(marker)) {
        tracing::warn!(container = %target.container, %error, "marker was not published");
    }
}

/// How many logs are followed at once.
const MOST_FOLLOWERS: usize = 256;

/// How long it is remembered how far a log was published.
const REMEMBERED_FOR: Duration = Duration::from_hours(1);
