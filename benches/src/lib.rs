//! What the benchmarks and the load generator have in common.
//!
//! A run of the load generator has two processes. The server's (`load serve CONTENDER`) publishes what it is told to on its
//! standard input; the other one holds the clients, counts what they get, and reads from `/proc` what the
//! server used for it.

#[cfg(feature = "soak")]
pub mod engine;
pub mod load;
pub mod memory;
#[cfg(feature = "soak")]
mod numbers;
pub mod plot;
pub mod serve;
#[cfg(feature = "soak")]
pub mod soak;
pub mod thread_time;
pub mod tick;
#[cfg(feature = "soak")]
mod usage;
