//! `nself-admin`: a live web page for a Compose stack.
//!
//! It wires the realtime hub and the Docker producer together, puts both behind one port and serves
//! the page. Exit codes: 0 fine, 1 failed while running, 2 wrong usage or configuration.

mod access;
mod cli;
mod commands;
mod http;
mod logging;
mod metrics;
mod program;
#[cfg(test)]
mod said;
mod screen;
mod settings;
mod state;

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

use self::cli::{Cli, Command, Serve};
use self::commands::CommandError;
use self::logging::LogError;
use self::program::{Program, ProgramError};
use self::settings::{Settings, SettingsError};

/// Keeps sizes apart, and gives back what is free as soon as `.cargo/config.toml` says. The one of the C
/// library puts the short life of a large buffer between the long lives of small ones, and what is resident
/// grows from peak to peak.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Why the program ends otherwise than it should.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("not all is well: mend what is marked FAIL")]
    Unwell,
    #[error("the runtime failed: {0}")]
    Runtime(#[from] std::io::Error),
}

impl Error {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Settings(_) | Self::Log(_) => 2,
            Self::Program(error) => error.exit_code(),
            Self::Command(error) => error.exit_code(),
            Self::Unwell | Self::Runtime(_) => 1,
        }
    }
}

fn main() -> ExitCode {
    match run(Cli::read()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nself-admin: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<(), Error> {
    match cli.command {
        None => serve(cli.serve)?,
        Some(Command::Serve(given)) => serve(*given)?,
        Some(Command::SetPassword(state)) => commands::set_password(&state)?,
        Some(Command::LoginLink { role, state }) => commands::login_link(&state, role)?,
        Some(Command::Token { action }) => commands::tokens(action)?,
        Some(Command::Doctor(given)) => doctor(*given)?,
        Some(Command::Healthcheck(state)) => commands::healthcheck(&state)?,
        Some(Command::Routes) => print!("{}", http::table()),
    }
    Ok(())
}

fn doctor(given: Serve) -> Result<(), Error> {
    let settings = Settings::new(given)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if runtime.block_on(commands::doctor(&settings)) { Ok(()) } else { Err(Error::Unwell) }
}

fn serve(given: Serve) -> Result<(), Error> {
    let settings = Settings::new(given)?;
    logging::start(settings.log_format, settings.verbose)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // Everything runs in tasks: what runs on this thread is not scheduled with them.
    let running = async { tokio::spawn(Program::new(settings).run()).await };
    let ended = runtime.block_on(running);
    // What was cut off may still wait for a file or a hash: it is not waited for.
    runtime.shutdown_background();
    Ok(ended.map_err(ProgramError::Task)??)
}
