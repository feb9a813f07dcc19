//! The simulation: a hub, server sessions and client sessions, joined by pipes that are cut, stalled and
//! delayed at any byte, from a seed, on a virtual clock. Servers die and restart, rooms close and return,
//! wishes change, networks go dark, polls take over. After every step what each reader was told is held
//! against what was published.
//!
//! `NSELF_SIMULATION_SEEDS=100000` plays that many seeds instead of 2,000; `NSELF_SIMULATION_SEED=17` replays
//! one, and tells what happens in it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod book;
mod client;
mod network;
mod payload;
mod pipe;
mod process;
mod reader;
mod simulation;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::simulation::{Figures, Simulation};

const SEEDS: u64 = 2_000;

#[test]
fn every_reader_ends_with_every_event_or_a_gap_that_counts_the_missing() {
    if let Some(seed) = number("NSELF_SIMULATION_SEED") {
        println!("{:?}", Simulation::play(seed, true));
        return;
    }
    let seeds = number("NSELF_SIMULATION_SEEDS").unwrap_or(SEEDS);
    let (next, threads) =
        (AtomicU64::new(0), std::thread::available_parallelism().map_or(1, usize::from));
    let all = std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..threads).map(|_| scope.spawn(|| play_all(&next, seeds))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum::<Figures>()
    });
    println!("{seeds} seeds: {all:?}");
    // A simulation in which nothing goes wrong proves nothing.
    assert!(all.reached_everything(), "{all:?}");
}

/// Plays one seed after the other until there is none left.
fn play_all(next: &AtomicU64, seeds: u64) -> Figures {
    let mut figures = Figures::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= seeds {
            return figures;
        }
        let Ok(of_seed) = catch_unwind(AssertUnwindSafe(|| Simulation::play(seed, false))) else {
            // The other threads need not go on.
            next.store(seeds, Ordering::Relaxed);
            panic!(
                "seed {seed} fails; replay it with\n  NSELF_SIMULATION_SEED={seed} cargo test -p nself-tests \
                 --test simulation -- --nocapture"
            )
        };
        figures += of_seed;
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} must be a number, not {text}")))
}
