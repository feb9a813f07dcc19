//! How a client is joined to the server.

use std::time::{Duration, Instant};

/// What becomes of what a client sends and is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    Fair,
    /// Connections are refused, and those that there are break.
    Cut,
    /// Everything vanishes, and nobody is told.
    Dark,
}

/// The way between one client and the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Network {
    pub(crate) weather: Weather,
    pub(crate) fair_again: Instant,
    pub(crate) delay: Duration,
    pub(crate) bytes_per_ms: usize,
}

impl Network {
    pub(crate) fn new(dice: &mut fastrand::Rng, start: Instant) -> Self {
        let delay = Duration::from_millis(dice.u64(0..80));
        // From a modem to a local network.
        let bytes_per_ms = 1 << dice.u32(4..14);
        Self { weather: Weather::Fair, fair_again: start, delay, bytes_per_ms }
    }
}
