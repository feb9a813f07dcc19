//! Whose samples were published. Those of a container that was removed are kept for a while, for whoever
//! wants to see what became of it, and then let go.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use nself_realtime::event::DockerStats;
use nself_realtime::{Emitter, Name};
use tokio::time::Instant;

/// The containers of which samples are kept.
#[derive(Default)]
pub(super) struct Samples(HashMap<Name, Kept>);

struct Kept {
    emitter: Emitter,
    /// Since when the container is gone.
    gone: Option<Instant>,
}

impl Samples {
    /// Samples of that container are published there from now on.
    pub(super) fn begin(&mut self, container: Name, emitter: Emitter) {
        self.0.insert(container, Kept { emitter, gone: None });
    }

    /// Notes which containers are gone, and lets go of what is kept of those that are so for long enough.
    pub(super) fn sweep(&mut self, present: &HashSet<Name>, now: Instant) {
        self.0.retain(|container, kept| {
            if present.contains(container) {
                kept.gone = None;
                return true;
            }
            let holds = now < *kept.gone.get_or_insert(now) + KEPT_FOR;
            if !holds {
                kept.emitter.forget::<DockerStats>(container.as_str());
            }
            holds
        });
    }

    /// When to sweep again, changes apart.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.0.values().filter_map(|kept| kept.gone).min().map(|gone| gone + KEPT_FOR)
    }
}

/// How long the samples of a container outlive it.
const KEPT_FOR: Duration = Duration::from_mins(5);
