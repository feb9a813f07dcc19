//! The frames that an engine's streams are made of.

use bytes::Bytes;
use nself_realtime::NanoTimestamp;

use super::EngineError;

/// Who an engine is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Version {
    /// Its own version.
    pub engine: Option<String>,
    /// The newest version of the interface that it speaks.
    pub api: Option<String>,
}

impl Version {
    /// Itself, unless it is too old for this crate. What does not say how old it is, is not.
    pub(crate) fn supported(self) -> Result<Self, EngineError> {
        let api = self.api.as_deref().and_then(|api| {
            let (major, minor) = api.split_once('.')?;
            Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
        });
        match api {
            Some(api) if api < OLDEST_API => Err(EngineError::TooOld {
                engine: self.engine.unwrap_or_default(),
                api: self.api.unwrap_or_default(),
            }),
            _ => Ok(self),
        }
    }
}

/// Docker 20.10's and Podman 4's.
const OLDEST_API: (u32, u32) = (1, 41);

/// Which part of a log to read. There is no way to ask for all of it: histories of a million lines
/// exist, and an engine reads a whole file for a question without `tail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogQuery {
    /// At most this many of the newest lines.
    pub tail: u32,
    /// Nothing from before this second, in seconds since 1970; inclusive. 0 is no bound.
    pub since_unix_seconds: i64,
    /// Whether to go on with what is printed from now on.
    pub follow: bool,
}

impl LogQuery {
    /// The newest lines, at most that many.
    pub fn new(tail: u32) -> Self {
        Self { tail, since_unix_seconds: 0, follow: false }
    }

    /// None from before that second since 1970.
    pub fn since(self, unix_seconds: i64) -> Self {
        Self { since_unix_seconds: unix_seconds, ..self }
    }

    /// And what is printed from now on.
    pub fn following(self) -> Self {
        Self { follow: true, ..self }
    }
}

/// A piece of a log: a line, or a part of one that is too long for the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFrame {
    /// Where it came out.
    pub pipe: LogPipe,
    /// The engine's time, a space, the text, and a newline unless the line goes on.
    pub bytes: Bytes,
    /// Whether these bytes go on where those of the same pipe before ended, without a time of their
    /// own: a piece of what the engine sent as one.
    pub continued: bool,
}

/// Where a piece of a log came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogPipe {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A terminal: raw bytes, cut anywhere.
    Terminal,
}

/// What a container uses, as the engine counts it. What it did not measure is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StatsFrame {
    /// The container's name at this moment.
    pub name: Option<String>,
    /// When it was measured; absent if there was no process to measure.
    pub read: Option<NanoTimestamp>,
    /// Nanoseconds of processor time since the start, over all cores.
    pub cpu_total_nanos: Option<u64>,
    /// Cores that it may use.
    pub online_cpus: Option<u32>,
    /// Memory.
    pub memory: Option<MemoryUsage>,
    /// Bytes received and sent over all network interfaces; absent without one of its own.
    pub network: Option<(u64, u64)>,
    /// Bytes to and from block devices; empty if it was not measured.
    pub block_io: Vec<BlockBytes>,
    /// Processes and threads.
    pub pids: Option<u64>,
}

/// The memory of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryUsage {
    /// Bytes in use, with the page cache.
    pub usage: u64,
    /// Of these, page cache that can be given back.
    pub inactive_file: Option<u64>,
}

/// Bytes of one kind of operation on one block device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockBytes {
    /// `Read` or `read`, `Write` or `write`, and others that are sums of these.
    pub operation: String,
    /// Bytes since the start.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_is_too_old_is_told_with_the_mend() {
        let version = |api: &str| {
            Version { engine: Some("19.3.1".into()), api: Some(api.into()) }.supported()
        };
        let error = version("1.40").unwrap_err().to_string();
        assert!(error.contains("19.3.1") && error.contains("20.10"), "{error}");
        for api in ["1.41", "1.100", "2.0", "next"] {
            assert!(version(api).is_ok(), "{api}");
        }
        assert!(Version::default().supported().is_ok());
    }
}
