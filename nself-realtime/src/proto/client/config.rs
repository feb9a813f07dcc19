//! What a client's session can be told otherwise.

use std::time::Duration;

/// How a client connects, doubts and comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientConfig {
    /// An attempt without a `welcome` for that long is given up. Default 5 s.
    pub connect_timeout: Duration,
    /// The delay before the first attempt after a loss; each further one is twice as long. All are
    /// multiplied by a random factor from 0.8 to 1.8. Default 1 s.
    pub first_delay: Duration,
    /// The longest delay, before the factor. Default 16 s.
    pub longest_delay: Duration,
    /// After that long a connection counts as healthy, and delays begin with the first again.
    /// Default 10 s.
    pub healthy_after: Duration,
    /// After that long without a connection the client polls. Default 5 s.
    pub poll_after: Duration,
    /// How long the server may hold a poll back until something comes, 30 s at most. Default 20 s.
    pub poll_wait: Duration,
    /// A poll of which nothing is heard for that long beyond `poll_wait` has failed. Default 5 s.
    pub poll_timeout: Duration,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            first_delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(16),
            healthy_after: Duration::from_secs(10),
            poll_after: Duration::from_secs(5),
            poll_wait: Duration::from_secs(20),
            poll_timeout: Duration::from_secs(5),
        }
    }
}

impl ClientConfig {
    /// Gives an attempt up that has no `welcome` after that long.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Waits that long before the first attempt after a loss.
    pub fn first_delay(mut self, delay: Duration) -> Self {
        self.first_delay = delay;
        self
    }

    /// Never waits longer than that between two attempts, before the random factor.
    pub fn longest_delay(mut self, delay: Duration) -> Self {
        self.longest_delay = delay;
        self
    }

    /// Takes a connection for healthy after that long.
    pub fn healthy_after(mut self, time: Duration) -> Self {
        self.healthy_after = time;
        self
    }

    /// Polls after that long without a connection.
    pub fn poll_after(mut self, time: Duration) -> Self {
        self.poll_after = time;
        self
    }

    /// Lets the server hold a poll back for that long, 30 s at most.
    pub fn poll_wait(mut self, time: Duration) -> Self {
        self.poll_wait = time.min(Duration::from_secs(30));
        self
    }

    /// Gives a poll up of which nothing is heard for that long beyond its wait.
    pub fn poll_timeout(mut self, timeout: Duration) -> Self {
        self.poll_timeout = timeout;
        self
    }
}
