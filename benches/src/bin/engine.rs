//! What the program does beside a real engine: how soon a lone line is with a client, what reading a million
//! costs, what watching costs, the engine's own part beside it.
//!
//! `cargo run -p nself-benches --features soak --bin engine`

#![expect(clippy::expect_used, reason = "a benchmark stops where it fails")]

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use nself_benches::engine::{Figure, measure};
use nself_tests::missing::{Need, can_run};
use tokio::runtime::Runtime;

#[derive(Debug, Parser)]
#[command(about = "Measures the program beside a real engine")]
struct Cli {
    /// What is measured; without any, everything but `watch`
    figures: Vec<Figure>,
    /// For how many seconds each figure is measured
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// For how many minutes `watch` watches
    #[arg(long, default_value_t = 60)]
    minutes: u32,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let figures = if cli.figures.is_empty() { Figure::QUICK.to_vec() } else { cli.figures };
    let page = figures.contains(&Figure::Resting).then_some(Need::Browser);
    if !can_run(&[Need::Engine].into_iter().chain(page).collect::<Vec<_>>()) {
        return ExitCode::FAILURE;
    }
    let runtime = Runtime::new().expect("a runtime");
    let (time, watched) =
        (Duration::from_secs(cli.seconds.into()), Duration::from_mins(cli.minutes.into()));
    for figure in figures {
        measure(figure, &runtime, time, watched);
    }
    ExitCode::SUCCESS
}
