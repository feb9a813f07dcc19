//! What happens to a container, as the engine tells it.

use nself_realtime::NanoTimestamp;

/// Something that happened to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineEvent {
    /// The container.
    pub container: String,
    /// When it happened.
    pub time: NanoTimestamp,
    /// What happened.
    pub action: ContainerAction,
}

impl EngineEvent {
    /// An event as an engine would tell it.
    pub fn new(container: impl Into<String>, time: NanoTimestamp, action: ContainerAction) -> Self {
        Self { container: container.into(), time, action }
    }
}

/// What happened to a container. What matters to nobody here is not told: an engine that probes
/// fifty containers every second would otherwise keep everybody busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContainerAction {
    /// It was made.
    Create,
    /// It was started.
    Start,
    /// It was asked to restart, and has.
    Restart,
    /// Somebody sent it a signal through the engine. By itself no end: signals can be handled.
    Kill,
    /// Its process ended.
    Die {
        /// What it exited with.
        exit_code: Option<i64>,
        /// Whether the engine would have told of a signal that it sent. Podman does not, so that there
        /// an end by a signal may have been asked for.
        tells_signals: bool,
    },
    /// It was asked to stop, and has.
    Stop,
    /// It is gone.
    Destroy,
    /// Something else about it changed: its health, its name, its limits, whether it is paused.
    Change,
}

impl ContainerAction {
    /// Reads the engine's word for it; `None` for what matters to nobody here. Words carry
    /// suffixes: `health_status: unhealthy`, `exec_start: …` with a whole command line.
    pub fn parse(word: &str, exit_code: Option<i64>, tells_signals: bool) -> Option<Self> {
        let word = word.split_once(':').map_or(word, |(word, _)| word);
        Some(match word {
            "create" => Self::Create,
            "start" => Self::Start,
            "restart" => Self::Restart,
            "kill" => Self::Kill,
            // Podman's word for it.
            "die" | "died" => Self::Die { exit_code, tells_signals },
            "stop" => Self::Stop,
            "destroy" | "remove" => Self::Destroy,
            "health_status" | "oom" | "pause" | "unpause" | "rename" | "update" => Self::Change,
            _ => return None,
        })
    }
}

/// The words that [`ContainerAction::parse`] knows, for the engine's own filter.
pub(crate) const WATCHED_WORDS: [&str; 15] = [
    "create",
    "start",
    "restart",
    "kill",
    "die",
    "died",
    "stop",
    "destroy",
    "remove",
    "health_status",
    "oom",
    "pause",
    "unpause",
    "rename",
    "update",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_of_words_are_cut_off() {
        let change = Some(ContainerAction::Change);
        assert_eq!(ContainerAction::parse("health_status: unhealthy", None, true), change);
        assert_eq!(ContainerAction::parse("health_status", None, true), change);
    }

    #[test]
    fn health_probes_matter_to_nobody() {
        for word in ["exec_create: sh -c id", "exec_start: sh -c id", "exec_die", "top", "attach"] {
            assert_eq!(ContainerAction::parse(word, Some(0), true), None, "{word}");
        }
    }

    #[test]
    fn every_watched_word_is_known() {
        for word in WATCHED_WORDS {
            assert!(ContainerAction::parse(word, None, true).is_some(), "{word}");
        }
    }
}
