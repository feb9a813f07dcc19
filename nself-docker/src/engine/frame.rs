//! The frames that an engine's streams are made of.

use bytes::Bytes;
use nself_realtime::NanoTimestamp;

/// Who an engine is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Version {
    /// Its own version.
    pub engine: Option<String>,
    /// The newest version of the interface that it speaks.
    pub api: Option<String>,
}

/// Which part of a log to read. There is no way to ask for all of it: histories of a million lines
/// exist, and an engine reads a whole file for a question without `tail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogQuery {
    /// At most this many of the newest lines.
    pub tail: u32,
    /// Nothing from before this second, in seconds since 1970; inclusive. 0 is no bound.
    pub since_unix_seconds: i64,
    /// Whether to go on with what is printed from now on.
    pub follow: bool,
}

/// A piece of a log: a line, or a part of one that is too long for the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFrame {
    /// Where it came out.
    pub pipe: LogPipe,
    /// The engine's time, a space, the text, and a newline unless the line goes on.
    pub bytes: Bytes,
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
