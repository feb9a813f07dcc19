//! From the command line to a running server and back: what is wrong with the configuration is said
//! before anything is served.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nself_docker::{
    Builds, Docker, DockerConfig, DockerEngine, Engine, EngineError, ScriptedEngine,
};
use nself_realtime::event::{EngineState, EngineStatus};
use nself_realtime::{Hub, Server, SessionConfig};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::Cli;
use crate::http::{self, App};
use crate::project::Project;

/// How long connections have to end when the program is told to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// The demo plays the same at each start.
const DEMO_SEED: u64 = 1;

/// Why the program ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "--listen {0} can be reached from elsewhere, and there is no sign-in: choose a loopback \
         address, such as 127.0.0.1:{port}", port = .0.port()
    )]
    NotLoopback(SocketAddr),
    #[error(
        "--listen {address} cannot be served: {source}; stop what listens there, or choose another \
         port, such as --listen {other}"
    )]
    Listen { address: SocketAddr, other: SocketAddr, source: io::Error },
    #[error("--docker-host, DOCKER_HOST or the Docker context: {0}")]
    Engine(#[from] EngineError),
    #[error("--state-dir {} cannot be made: {source}; choose a folder that you may write to", path.display())]
    StateDir { path: PathBuf, source: io::Error },
    #[error("--project cannot be used: {0}; name a folder that you may read")]
    Project(io::Error),
    #[error("the runtime failed: {0}")]
    Io(#[from] io::Error),
    #[error("the program failed: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl Error {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::NotLoopback(_)
            | Self::Listen { .. }
            | Self::Engine(_)
            | Self::StateDir { .. }
            | Self::Project(_) => 2,
            Self::Io(_) | Self::Task(_) => 1,
        }
    }
}

/// The program with what it was told.
pub(crate) struct Program {
    cli: Cli,
}

impl Program {
    pub(crate) fn new(cli: Cli) -> Self {
        Self { cli }
    }

    /// Serves until it is told to stop.
    pub(crate) async fn run(self) -> Result<(), Error> {
        let Cli { listen, docker_host, demo, project, no_auth: _, state_dir } = self.cli;
        if !listen.ip().is_loopback() {
            return Err(Error::NotLoopback(listen));
        }
        if let Some(path) = state_dir {
            make_private(&path).map_err(|source| Error::StateDir { path, source })?;
        }
        let project = if demo { Project::demo().map(Some) } else { Project::find(project) };
        let project = project.map_err(Error::Project)?;
        let hub = Hub::new();
        let (engine, source): (Arc<dyn Engine>, String) = if demo {
            let start = hub.clock().timestamp().into();
            (Arc::new(ScriptedEngine::demo(start, DEMO_SEED)), "no socket, for the demo".to_owned())
        } else {
            let engine = DockerEngine::new(docker_host.as_deref())?;
            let address = engine.address();
            (Arc::new(engine), address)
        };
        let listener = bind(listen).await?;
        let address = listener.local_addr()?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;

        let config = project.iter().fold(DockerConfig::default(), |config, project| {
            config.keep_room(project.room().clone())
        });
        let builds = project.as_ref().map(|project| {
            Builds::new(Arc::clone(&engine), project.source(), hub.clone(), project.room().clone())
        });
        let docker = Docker::spawn(engine, hub.clone(), config);
        let server = Server::new(hub, SessionConfig::default());
        let app = Arc::new(App::new(server, docker, builds, demo, address));
        let stop = CancellationToken::new();
        let serving = tokio::spawn(http::serve(listener, Arc::clone(&app), stop.clone()));

        println!("nself-admin {}", env!("CARGO_PKG_VERSION"));
        app.wait_for_rooms().await;
        println!("engine  {}", describe(&app.docker.engine(), &source));
        if let Some(project) = &project {
            println!("project {} in {}", project.room(), project.folder().display());
        }
        println!("page    http://{address}");

        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stop.cancel();
        if !app.server.drain(DRAIN).await {
            tracing::warn!("some connections did not end in time");
        }
        if let Some(builds) = &app.builds {
            builds.shutdown().await;
        }
        app.docker.shutdown().await;
        serving.await?;
        Ok(())
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| {
        let other = SocketAddr::new(address.ip(), address.port().wrapping_add(1));
        Error::Listen { address, other, source }
    })
}

fn make_private(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn describe(engine: &EngineStatus, source: &str) -> String {
    let message = engine.message.as_deref().unwrap_or("it has not answered yet");
    match engine.status {
        EngineState::Online => {
            format!("{} at {source}", engine.version.as_deref().unwrap_or("of unknown version"))
        }
        EngineState::Connecting | EngineState::Offline => {
            format!("{source} does not answer: {message} (asked again until it does)")
        }
    }
}
