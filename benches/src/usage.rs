//! What the program uses: from `/proc`, and from its own metrics what only it can know.

use std::fs;
use std::io;

use nself_tests::server::Server;
use nself_tests::visitor::Visitor;
use serde::Serialize;

/// What the program uses at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Usage {
    /// Seconds since the first client came.
    pub seconds: f64,
    /// Resident memory.
    pub resident_kib: u64,
    /// What of it is the program's own, without files that are mapped.
    pub anonymous_kib: u64,
    /// Open descriptors, with the two that answering the question for metrics takes.
    pub descriptors: u64,
    /// Threads.
    pub threads: u64,
    /// Tasks that have not ended, with that of the question for metrics.
    pub tasks: u64,
    /// Connections over WebSocket.
    pub sockets: u64,
    /// Logs and stats that are read from the engine.
    pub followers: u64,
}

impl Usage {
    /// Looks at a program that runs, so many seconds after the beginning.
    pub(crate) async fn of(server: &Server, seconds: f64) -> io::Result<Self> {
        let metrics = Visitor::nobody(server).get("/metrics").await.body;
        let process = format!("/proc/{}", server.pid());
        let status = fs::read_to_string(format!("{process}/status"))?;
        Ok(Self {
            seconds,
            resident_kib: number(&status, "VmRSS:")?,
            anonymous_kib: number(&status, "RssAnon:")?,
            // Counted by the program while it answers: from outside, the question's own would be a race.
            descriptors: number(&metrics, "nself_process_open_descriptors ")?,
            threads: number(&status, "Threads:")?,
            tasks: number(&metrics, "nself_tasks ")?,
            // There is no such line before the first one.
            sockets: number(&metrics, "nself_connections{transport=\"websocket\"} ").unwrap_or(0),
            followers: number(&metrics, "nself_followers ")?,
        })
    }
}

/// The number behind a name at the beginning of a line.
fn number(text: &str, name: &str) -> io::Result<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name));
    let word = rest.and_then(|rest| rest.split_ascii_whitespace().next());
    let number = word.and_then(|word| word.parse().ok());
    number.ok_or_else(|| io::Error::other(format!("no {name} in {text}")))
}
