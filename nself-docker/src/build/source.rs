//! Where the project of a build comes from.

use std::path::PathBuf;
use std::sync::Arc;

use super::error::BuildCause;
use crate::compose::{self, LoadOptions, Loaded, Project};

/// Where a project comes from: it is read when the build begins. A cheap clone.
#[derive(Clone)]
pub struct ProjectSource {
    read: Arc<dyn Fn() -> Result<Loaded, BuildCause> + Send + Sync>,
}

impl ProjectSource {
    /// The project in a folder, read anew by each build.
    pub fn folder(folder: impl Into<PathBuf>, options: LoadOptions) -> Self {
        let folder = folder.into();
        Self { read: Arc::new(move || Ok(compose::load(&folder, &options)?)) }
    }

    /// What was read already, be it a project or not.
    pub(super) fn of(loaded: Result<Loaded, BuildCause>) -> Self {
        // Only the first one who reads it gets why not: there is one.
        let loaded = std::sync::Mutex::new(Some(loaded));
        let read = move || {
            let mut loaded = loaded.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            loaded.take().unwrap_or(Err(BuildCause::Abandoned))
        };
        Self { read: Arc::new(read) }
    }

    /// Reads it. Files may take their time.
    pub(super) async fn load(&self) -> Result<Loaded, BuildCause> {
        let read = Arc::clone(&self.read);
        let loaded = tokio::task::spawn_blocking(move || read()).await;
        loaded.unwrap_or(Err(BuildCause::Abandoned))
    }
}

impl From<Project> for ProjectSource {
    /// A project that was read already.
    fn from(project: Project) -> Self {
        let loaded = Loaded { project, warnings: Vec::new() };
        Self { read: Arc::new(move || Ok(loaded.clone())) }
    }
}

impl std::fmt::Debug for ProjectSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProjectSource").finish_non_exhaustive()
    }
}
