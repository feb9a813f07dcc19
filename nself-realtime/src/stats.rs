//! What a hub and its servers have done, in counters that cost an addition and are read without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::CloseCode;
use crate::proto::server_frame::Loss;

/// The upper bounds of the latency histogram, in microseconds; the last bucket has none.
pub const LATENCY_BOUNDS_US: [u64; 14] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 150_000, 250_000, 500_000,
    1_000_000,
];

/// What carries a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// A WebSocket.
    WebSocket,
    /// Server-sent events.
    Events,
    /// A poll that waits.
    Poll,
    /// A connection within the program.
    Memory,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::WebSocket, Self::Events, Self::Poll, Self::Memory];

    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Events => "events",
            Self::Poll => "poll",
            Self::Memory => "memory",
        }
    }
}

/// Counts since the start of the program.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) events_in: AtomicU64,
    pub(crate) events_out: AtomicU64,
    pub(crate) frames_out: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    gaps_slow: AtomicU64,
    gaps_expired: AtomicU64,
    connections: [AtomicU64; Transport::ALL.len()],
    closes: [AtomicU64; CloseCode::ALL.len()],
    latency: [AtomicU64; LATENCY_BOUNDS_US.len() + 1],
    latency_sum_us: AtomicU64,
}

/// A look at the counters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Events that were published.
    pub events_in: u64,
    /// Events that were written, each once per reader.
    pub events_out: u64,
    /// Frames that were written, answers included; the answer to a poll is one.
    pub frames_out: u64,
    /// Bytes in these frames, or in the messages that carry them.
    pub bytes_out: u64,
    /// Gaps that readers were told because they read too slowly.
    pub gaps_slow: u64,
    /// Gaps that readers were told when they came back.
    pub gaps_expired: u64,
    /// Connections that there are now.
    pub connections: Vec<(Transport, u64)>,
    /// Connections that were closed from this side, by code.
    pub closes: Vec<(CloseCode, u64)>,
    /// From publishing to the operating system's taking the bytes, of the oldest event of each write: how
    /// many took at most [`LATENCY_BOUNDS_US`], the last one longer.
    pub latency: Vec<u64>,
    /// The sum of these times.
    pub latency_sum: Duration,
}

impl Statistics {
    /// Events per frame of events and answers.
    #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
    pub fn events_per_frame(&self) -> f64 {
        if self.frames_out == 0 { 0.0 } else { self.events_out as f64 / self.frames_out as f64 }
    }
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, n: usize) {
        counter.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn gaps(&self, why: Loss) -> &AtomicU64 {
        match why {
            Loss::Slow => &self.gaps_slow,
            Loss::Expired => &self.gaps_expired,
        }
    }

    pub(crate) fn connected(&self, transport: Transport) {
        if let Some(counter) = self.connections.get(transport as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn disconnected(&self, transport: Transport) {
        if let Some(counter) = self.connections.get(transport as usize) {
            counter.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn closed(&self, code: CloseCode) {
        if let Some(counter) = self.closes.get(code as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn took(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latency_sum_us.fetch_add(micros, Ordering::Relaxed);
        let bucket = LATENCY_BOUNDS_US.partition_point(|bound| *bound < micros);
        if let Some(counter) = self.latency.get(bucket) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> Statistics {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Statistics {
            events_in: load(&self.events_in),
            events_out: load(&self.events_out),
            frames_out: load(&self.frames_out),
            bytes_out: load(&self.bytes_out),
            gaps_slow: load(&self.gaps_slow),
            gaps_expired: load(&self.gaps_expired),
            connections: Transport::ALL
                .into_iter()
                .zip(self.connections.iter().map(load))
                .collect(),
            closes: CloseCode::ALL.into_iter().zip(self.closes.iter().map(load)).collect(),
            latency: self.latency.iter().map(load).collect(),
            latency_sum: Duration::from_micros(load(&self.latency_sum_us)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_transports_stand_in_the_order_of_their_numbers() {
        for (index, code) in CloseCode::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, index);
        }
        for (index, transport) in Transport::ALL.into_iter().enumerate() {
            assert_eq!(transport as usize, index);
        }
    }

    #[test]
    fn latencies_fall_into_their_buckets() {
        let counters = Counters::default();
        for micros in [0, 100, 101, 1_000_000, 1_000_001] {
            counters.took(Duration::from_micros(micros));
        }
        let Statistics { latency, latency_sum, .. } = counters.read();
        assert_eq!(latency_sum, Duration::from_micros(2_000_202));
        assert_eq!((latency[0], latency[1], latency[13], latency[14]), (2, 1, 1, 1));
    }
}
