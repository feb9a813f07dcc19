//! The program under test as a process of its own: started on a free port, killed, started again on the
//! same port.

use std::path::PathBuf;
use std::process::Command;

use crate::output;
use crate::process::Process;
use crate::scratch::Scratch;

/// A running `nself-admin`.
#[derive(Debug)]
pub struct Server {
    process: Process,
    port: u16,
    arguments: Vec<String>,
    state: Scratch,
}

impl Server {
    /// Starts the program with `arguments` on a free port of the loopback and waits until it serves.
    pub async fn start(arguments: &[&str]) -> Self {
        let state = Scratch::new();
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        let (process, port) = launch(0, &arguments, &state).await;
        Self { process, port, arguments, state }
    }

    /// The address that a browser opens, with a path that begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it has printed.
    pub fn printed(&self) -> String {
        self.process.printed()
    }

    /// Kills it (SIGKILL): its clients see their connections break.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same port.
    pub async fn start_again(&mut self) {
        let (process, port) = launch(self.port, &self.arguments, &self.state).await;
        assert_eq!(port, self.port, "it listens on the port that it was given");
        self.process = process;
    }

    /// Asks it to end (SIGTERM) and waits for it.
    pub async fn terminate(&mut self) -> std::process::ExitStatus {
        self.process.terminate().await
    }
}

/// The program, ready to be given arguments, with an environment that names no engine and no settings.
pub fn command() -> Command {
    let program = program();
    assert!(
        program.is_file(),
        "{} is not there: cargo build -p nself-admin-bin, or scripts/test build",
        program.display()
    );
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("NSELF_") || name.starts_with("DOCKER_") || name == "RUST_LOG" {
            command.env_remove(&*name);
        }
    }
    command
}

fn program() -> PathBuf {
    output::target_folder().join("debug").join("nself-admin")
}

async fn launch(port: u16, arguments: &[String], state: &Scratch) -> (Process, u16) {
    let mut command = command();
    command
        .arg(format!("--listen=127.0.0.1:{port}"))
        .arg(format!("--state-dir={}/state", state.path().display()))
        .args(arguments);
    let mut process = Process::start("nself-admin", &mut command);
    let port = process.printed_where("its address", port_of).await;
    (process, port)
}

/// Finds the port behind `http://127.0.0.1:` in what the program printed.
fn port_of(printed: &str) -> Option<u16> {
    let (_, rest) = printed.split_once("http://127.0.0.1:")?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
    rest.get(..end)?.parse().ok()
}
