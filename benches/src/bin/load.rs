//! Puts a server under the load of many real clients, and tells what it used.
//!
//! `cargo run --release -p nself-benches --bin load -- run --contender nself --scenario burst`
//!
//! Each run is a line of JSON on standard output and a row of a table on standard error.

use std::io;
use std::path::PathBuf;
use std::process::Command;

use clap::{Parser, Subcommand, ValueEnum};
use nself_benches::load::{Outcome, Scenario, ServerCommand, run, table};
use nself_benches::serve::{self, Contender};

#[derive(Debug, Parser)]
#[command(about = "Puts a server under the load of many real clients")]
struct Cli {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Runs scenarios, each with a server of its own
    Run {
        /// Who is put under load
        #[arg(long, default_value = "nself", value_delimiter = ',')]
        contender: Vec<Contender>,
        /// What is done; default: everything
        #[arg(long, value_delimiter = ',')]
        scenario: Vec<Scenario>,
        /// How often, one after the other
        #[arg(long, default_value_t = 1)]
        times: usize,
        /// Another number of clients than the scenario's
        #[arg(long)]
        clients: Option<usize>,
        /// Another number of events than the scenario's
        #[arg(long)]
        events: Option<usize>,
        /// Threads of the server's runtime
        #[arg(long, default_value_t = 1)]
        threads: usize,
        /// Where the scripts for Node and their packages are
        #[arg(long, default_value = "benches/node")]
        node: PathBuf,
    },
    /// Prints the medians of runs, whose lines of JSON are read from standard input, side by side
    Table,
    /// Serves, and publishes what standard input says
    Serve {
        /// Who serves
        contender: Contender,
        /// Threads of the runtime
        #[arg(long, default_value_t = 1)]
        threads: usize,
    },
}

fn main() -> io::Result<()> {
    match Cli::parse().action {
        Action::Table => {
            let lines = io::stdin().lines();
            let outcomes = lines.map(|line| Ok(serde_json::from_str(&line?)?));
            print!("{}", table(&outcomes.collect::<io::Result<Vec<Outcome>>>()?));
            Ok(())
        }
        Action::Serve { contender, threads } => serve::serve(contender, threads),
        Action::Run { contender, scenario, times, clients, events, threads, node } => {
            let scenarios =
                if scenario.is_empty() { Scenario::value_variants().to_vec() } else { scenario };
            eprintln!("{}", Outcome::HEADER);
            for _ in 0..times {
                for scenario in &scenarios {
                    for contender in &contender {
                        let server = server(*contender, threads, &node)?;
                        let outcome = run(*contender, *scenario, server, clients, events)?;
                        eprintln!("{outcome}");
                        println!("{}", serde_json::to_string(&outcome)?);
                    }
                }
            }
            Ok(())
        }
    }
}

fn server(contender: Contender, threads: usize, node: &PathBuf) -> io::Result<ServerCommand> {
    if contender.is_script() {
        let mut command = Command::new("node");
        command.arg("server.mjs").arg(contender.name()).current_dir(node);
        return Ok(ServerCommand(command));
    }
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["serve", contender.name(), "--threads", &threads.to_string()]);
    Ok(ServerCommand(command))
}
