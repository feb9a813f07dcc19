//! The builds of a room, watched.

use super::Watch;
use super::views::{Builds, BuildsEnd};

/// Watches the builds of a room, as a [`Watch`] does, and can begin anew.
#[derive(Debug)]
pub struct BuildWatch {
    watch: Watch<Builds>,
    after: BuildsEnd,
}

impl BuildWatch {
    pub(super) fn new(watch: Watch<Builds>) -> Self {
        Self { watch, after: BuildsEnd::default() }
    }

    /// The builds now.
    pub fn get(&self) -> Builds {
        self.watch.get().after(self.after)
    }

    /// Waits for a change; `None` once the client has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing was skipped: the next call gives the newest value.
    pub async fn changed(&mut self) -> Option<Builds> {
        Some(self.watch.changed().await?.after(self.after))
    }

    /// Waits until `is` is true, beginning with the builds now; `None` once the client has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing was changed.
    pub async fn wait_for(&mut self, mut is: impl FnMut(&Builds) -> bool) -> Option<Builds> {
        let after = self.after;
        let builds = self.watch.wait_for(|builds| is(&builds.clone().after(after))).await?;
        Some(builds.after(after))
    }

    /// Looks at none of the builds so far any more, as if there had been none.
    pub fn reset(&mut self) {
        self.after = self.watch.get().end();
    }
}
