//! `nself-admin`: a live web page for a Compose stack.
//!
//! It wires the realtime hub and the Docker producer together, puts both behind one port and serves
//! the page. Exit codes: 0 fine, 1 failed while running, 2 wrong usage or configuration.

mod cli;
mod http;
mod program;
mod project;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use self::cli::Cli;
use self::program::Program;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // bollard logs whole bodies, secrets included: never below info.
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn"))
        .add_directive("bollard=info".parse().unwrap_or_default());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nself-admin: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<(), program::Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // Everything runs in tasks: what runs on this thread is not scheduled with them.
    runtime.block_on(async { tokio::spawn(Program::new(cli).run()).await? })
}
