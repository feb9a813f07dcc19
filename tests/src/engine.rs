//! A Docker engine of the tests' own: its folder, socket, control group and containerd are apart from the
//! host's, which is never touched. It can be stopped, killed and started again.

use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};
use tokio::sync::OnceCell;

use crate::process::{self, Process};
use crate::proxy::Proxy;
use crate::scratch::Scratch;
use crate::wait;

/// What an engine is made of.
pub const PROGRAMS: &[&str] = &["containerd", "dockerd"];

/// A dockerd with a containerd of its own, so that its death leaves containers to their fate as on a
/// real host.
#[derive(Debug)]
pub struct Engine {
    // In this order they are dropped: first the processes, then the keeper looks for what they left.
    daemon: Mutex<Option<Process>>,
    _containerd: Process,
    scratch: Scratch,
    live_restore: bool,
}

impl Engine {
    /// The engine that all tests share that do not stop it.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Engine> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await
    }

    /// Starts an engine and waits until it answers.
    pub async fn start() -> Self {
        let engine = Self::prepare(false).await;
        engine.start_daemon().await;
        engine
    }

    /// Starts an engine whose containers outlive it.
    pub async fn start_with_live_restore() -> Self {
        let engine = Self::prepare(true).await;
        engine.start_daemon().await;
        engine
    }

    /// Makes everything but the engine itself: nobody answers at [`Engine::host`] until
    /// [`Engine::start_daemon`].
    pub async fn prepare_without_daemon() -> Self {
        Self::prepare(false).await
    }

    async fn prepare(live_restore: bool) -> Self {
        let scratch = Scratch::new();
        let folder = scratch.path().display();
        let config = scratch.path().join("containerd.toml");
        // The Kubernetes interface would want network plugins.
        std::fs::write(
            &config,
            "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n",
        )
        .expect("the scratch folder can be written");
        let mut containerd = Process::start(
            "containerd",
            program("containerd")
                .arg(format!("--config={}", config.display()))
                .arg(format!("--root={folder}/containerd"))
                .arg(format!("--state={folder}/containerd-state"))
                .arg(format!("--address={folder}/containerd.sock")),
        );
        containerd
            .printed_where("that it serves", |log| log.contains("containerd.sock").then_some(()))
            .await;
        Self { daemon: Mutex::new(None), _containerd: containerd, scratch, live_restore }
    }

    /// Starts the engine, for the first time or again, and waits until it answers.
    pub async fn start_daemon(&self) {
        let folder = self.scratch.path().display();
        let mut command = program("dockerd");
        command
            .arg(format!("--data-root={folder}/data"))
            .arg(format!("--exec-root={folder}/exec"))
            .arg(format!("--pidfile={folder}/pid"))
            .arg(format!("--containerd={folder}/containerd.sock"))
            .arg(format!("--host={}", self.host()))
            .arg(format!("--cgroup-parent=/{}", self.scratch.name()))
            .args(["--exec-opt=native.cgroupdriver=cgroupfs", "--bridge=none", "--iptables=false"])
            // A registry that is gone is no reason to try for a minute.
            .arg("--max-download-attempts=1");
        if self.live_restore {
            command.arg("--live-restore");
        }
        *self.daemon() = Some(Process::start("dockerd", &mut command));
        wait::until("the engine to answer", Duration::from_mins(1), async || {
            let docker = self.connect().map_err(|error| error.to_string())?;
            docker.ping().await.map(drop).map_err(|error| error.to_string())
        })
        .await;
    }

    /// Stops the engine as a service manager does (SIGTERM).
    pub async fn stop(&self) {
        let mut daemon = self.daemon().take().expect("the engine runs");
        daemon.terminate().await;
    }

    /// Kills the engine (SIGKILL).
    pub fn kill(&self) {
        self.daemon().take().expect("the engine runs").kill();
    }

    /// The address for `--docker-host`.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket())
    }

    /// The folder that the engine lives in.
    pub fn folder(&self) -> &std::path::Path {
        self.scratch.path()
    }

    /// A proxy in front of the engine, at a socket of that name.
    pub fn proxy(&self, name: &str) -> Proxy {
        Proxy::start(&self.folder().join(name), &self.folder().join("docker.sock"))
    }

    /// A new connection to the engine. Each test takes its own: connections belong to its runtime.
    pub async fn docker(&self) -> Docker {
        let docker = self.connect().expect("the socket is there");
        docker.negotiate_version().await.expect("the engine tells its version")
    }

    fn connect(&self) -> Result<Docker, bollard::errors::Error> {
        Docker::connect_with_unix(&self.socket(), 30, API_DEFAULT_VERSION)
    }

    fn socket(&self) -> String {
        format!("{}/docker.sock", self.scratch.path().display())
    }

    fn daemon(&self) -> std::sync::MutexGuard<'_, Option<Process>> {
        self.daemon.lock().expect("no test panicked while it held the engine")
    }
}

fn program(name: &str) -> Command {
    Command::new(process::find(name).unwrap_or_else(|| panic!("{name} is not installed")))
}
