//! Reads the stats stream of one container for as long as somebody looks, and opens it again when it
//! breaks or falls silent.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use nself_realtime::event::DockerStats;
use nself_realtime::{Emitter, Name};
use tokio::time::{Instant, sleep, timeout};

use super::Sampler;
use crate::backoff::Backoff;
use crate::engine::{Engine, EngineError};

/// One stats stream of one run of one container.
pub(crate) struct StatsWatcher {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) emitter: Emitter,
    pub(crate) container: Name,
    pub(crate) container_name: Name,
    pub(crate) service: Name,
    pub(crate) memory_limit: Option<u64>,
}

impl StatsWatcher {
    /// Publishes samples until it is dropped, or the engine says that the container is gone.
    pub(crate) async fn run(self) {
        let mut sampler = Sampler::new(self.memory_limit);
        let mut backoff = Backoff::new(REOPEN_FIRST, REOPEN_LAST);
        loop {
            match self.read(&mut sampler, &mut backoff).await {
                Err(error) if error.is_not_found() => return,
                Err(error) => {
                    tracing::debug!(container = %self.container, %error, "stats stream broke");
                }
                Ok(()) => {}
            }
            sleep(backoff.next_delay()).await;
        }
    }

    /// Reads until the stream ends, breaks or falls silent.
    async fn read(&self, sampler: &mut Sampler, backoff: &mut Backoff) -> Result<(), EngineError> {
        let mut frames = self.engine.stats(self.container.as_str());
        let mut pulse = Pulse::new(Instant::now());
        while let Ok(Some(frame)) = timeout(pulse.patience(), frames.next()).await {
            let frame = frame?;
            pulse.beat(Instant::now());
            let Some(stats) = sampler.sample(&frame) else { continue };
            backoff.reset();
            let name = frame.name.and_then(|name| Name::new(name).ok());
            let sample = DockerStats {
                container_id: self.container.clone(),
                container_name: name.unwrap_or_else(|| self.container_name.clone()),
                service: Some(self.service.clone()),
                stats,
            };
            if let Err(error) = self.emitter.docker_stats(&sample) {
                tracing::warn!(container = %self.container, %error, "sample was not published");
            }
        }
        Ok(())
    }
}

/// How often samples come, and so how long silence may last.
struct Pulse {
    /// The last frame; before the first one, when the stream was opened.
    last: Instant,
    begun: bool,
    intervals: VecDeque<Duration>,
}

impl Pulse {
    fn new(now: Instant) -> Self {
        Self { last: now, begun: false, intervals: VecDeque::with_capacity(OBSERVED) }
    }

    fn beat(&mut self, now: Instant) {
        if self.intervals.len() == OBSERVED {
            self.intervals.pop_front();
        }
        // The first frame comes when the engine has opened the stream, and tells nothing of its pace.
        if std::mem::replace(&mut self.begun, true) {
            self.intervals.push_back(now - self.last);
        }
        self.last = now;
    }

    /// Three times the median interval, 5 s at least: an engine that is busy samples slowly, and
    /// Podman every 5 s.
    fn patience(&self) -> Duration {
        if self.intervals.is_empty() {
            return PATIENCE_AT_FIRST;
        }
        let mut sorted: Vec<Duration> = self.intervals.iter().copied().collect();
        sorted.sort_unstable();
        let median = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
        (median * 3).max(PATIENCE_AT_LEAST)
    }
}

const REOPEN_FIRST: Duration = Duration::from_millis(250);
const REOPEN_LAST: Duration = Duration::from_secs(10);
const PATIENCE_AT_FIRST: Duration = Duration::from_secs(16);
const PATIENCE_AT_LEAST: Duration = Duration::from_secs(5);

/// From how many intervals the median is taken.
const OBSERVED: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_engine_is_given_time() {
        let start = Instant::now();
        let mut pulse = Pulse::new(start);
        assert_eq!(pulse.patience(), Duration::from_secs(16));
        for beat in 1..=20 {
            pulse.beat(start + Duration::from_secs(beat * 4));
        }
        assert_eq!(pulse.patience(), Duration::from_secs(12));
        assert_eq!(pulse.intervals.len(), OBSERVED);
    }
}
