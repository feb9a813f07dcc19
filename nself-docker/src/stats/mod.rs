//! From the frames of an engine's stats stream to what a container uses.

mod sampler;
mod watcher;

pub(crate) use self::sampler::Sampler;
pub(crate) use self::watcher::StatsWatcher;
