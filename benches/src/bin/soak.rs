//! Half an hour of everything together: a real engine that is killed again and again, 5,000 lines a second, 50
//! clients that come and go, and a page. Tells whether memory, descriptors or tasks grow, and whether a line
//! was lost in silence.
//!
//! `cargo run -p nself-benches --features soak --bin soak`
//!
//! How it goes is told on standard error, what it gave on standard output.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use nself_benches::soak::{Plan, run};
use nself_tests::missing::{Need, can_run};

/// Memory is given that long to fill what is kept.
const WARM_UP: Duration = Duration::from_mins(5);

#[derive(Debug, Parser)]
#[command(about = "Lets the program run under changing load, and looks for what grows")]
struct Cli {
    /// For how long
    #[arg(long, default_value_t = 30)]
    minutes: u32,
    /// Clients at once, at the most
    #[arg(long, default_value_t = 50)]
    clients: usize,
    /// Printed lines a second, by ten services together; a multiple of 100
    #[arg(long, default_value_t = 5_000)]
    lines: u32,
    /// How often the engine is killed and started again
    #[arg(long, default_value_t = 5)]
    restarts: u32,
    /// Where chance begins
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Append the whole, as a line of JSON, to this file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> io::Result<ExitCode> {
    let cli = Cli::parse();
    if !can_run(&[Need::Engine, Need::Browser]) {
        return Ok(ExitCode::FAILURE);
    }
    let time = Duration::from_mins(cli.minutes.into());
    let plan = Plan {
        time,
        warm_up: WARM_UP.min(time / 3),
        clients: cli.clients,
        lines: cli.lines,
        restarts: cli.restarts,
        seed: cli.seed,
    };
    let outcome = run(&plan).await?;
    println!("{outcome}");
    if let Some(path) = cli.output {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
        writeln!(file, "{}", serde_json::to_string(&outcome)?)?;
    }
    Ok(if outcome.faults().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
