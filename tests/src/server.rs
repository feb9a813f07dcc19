//! The program under test as a process of its own: started on a free port, killed, started again on the
//! same port.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::output;
use crate::process::Process;
use crate::scratch::Scratch;

/// A running `nself-admin`.
#[derive(Debug)]
pub struct Server {
    process: Process,
    port: u16,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    state: Scratch,
}

impl Server {
    /// Starts the program with `arguments` on a free port of the loopback, for everybody, and waits until it
    /// serves.
    pub async fn start(arguments: &[&str]) -> Self {
        Self::with_sign_in(&[&["--no-auth"], arguments].concat()).await
    }

    /// The same, but one has to sign in.
    pub async fn with_sign_in(arguments: &[&str]) -> Self {
        Self::with_environment(arguments, &[]).await
    }

    /// The same, with TLS and a certificate of its own, for everybody.
    pub async fn start_encrypted(arguments: &[&str]) -> Self {
        Self::with_sign_in(&[&["--no-auth", "--tls-self-signed"], arguments].concat()).await
    }

    /// The same as [`Self::with_sign_in`], in an environment with these variables.
    pub async fn with_environment(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let state = Scratch::new();
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        let variable = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables: Vec<_> = variables.iter().map(variable).collect();
        let (process, port) = launch(0, &arguments, &variables, &state).await;
        Self { process, port, arguments, variables, state }
    }

    /// The address that a browser opens, with a path that begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Where it keeps what outlives a restart.
    pub fn state_dir(&self) -> PathBuf {
        state_dir(&self.state)
    }

    /// Runs another command of the program on the same state, and gives what it printed on standard output.
    /// What it reads is `input`.
    pub fn command(&self, arguments: &[&str], input: &str) -> String {
        let mut command = command();
        command.args(arguments).arg("--state-dir").arg(self.state_dir());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        child
            .stdin
            .take()
            .expect("its input is a pipe")
            .write_all(input.as_bytes())
            .expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs another command of the program on the same state, which has to fail, and gives what it said.
    pub fn failing_command(&self, arguments: &[&str]) -> String {
        let output = command().args(arguments).arg("--state-dir").arg(self.state_dir()).output();
        let output = output.expect("the program starts");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// What it has printed.
    pub fn printed(&self) -> String {
        self.process.printed()
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Kills it (SIGKILL): its clients see their connections break.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same port.
    pub async fn start_again(&mut self) {
        let (process, port) =
            launch(self.port, &self.arguments, &self.variables, &self.state).await;
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

/// `NSELF_TEST_PROGRAM`, else what was built with the running one.
fn program() -> PathBuf {
    std::env::var_os("NSELF_TEST_PROGRAM")
        .map_or_else(|| output::profile_folder().join("nself-admin"), PathBuf::from)
}

async fn launch(
    port: u16,
    arguments: &[String],
    variables: &[(String, String)],
    state: &Scratch,
) -> (Process, u16) {
    let mut command = command();
    command
        .arg(format!("--listen=127.0.0.1:{port}"))
        .arg("--state-dir")
        .arg(state_dir(state))
        .args(arguments)
        .envs(variables.iter().map(|(name, value)| (name, value)));
    let mut process = Process::start("nself-admin", &mut command);
    process
        .printed_where("its address", |printed| printed.contains("\npage     ").then_some(()))
        .await;
    let port = port_of(state);
    (process, port)
}

fn state_dir(state: &Scratch) -> PathBuf {
    state.path().join("state")
}

/// Where the server listens, as it tells the commands: what it prints may be a public name.
fn port_of(state: &Scratch) -> u16 {
    let running = std::fs::read_to_string(state_dir(state).join("running.json"));
    let running = running.expect("a server tells where it is");
    let running: serde_json::Value = serde_json::from_str(&running).expect("it tells JSON");
    let address = running.get("address").and_then(serde_json::Value::as_str);
    let address = address.expect("it has an address");
    address.parse::<std::net::SocketAddr>().expect("the address is one").port()
}
