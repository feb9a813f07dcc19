//! The whole crate against a scripted engine, on a virtual clock: no test waits for real time.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that finds something else than it looks for has failed"
)]

mod actions;
mod damage;
mod demo;
mod engine;
mod faults;
mod history;
mod load;
mod logs;
mod metered;
mod pull;
mod stage;
mod stats;
mod status;
