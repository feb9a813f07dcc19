//! From the settings to a running server and back: what is wrong with the configuration is said before
//! anything is served.

use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::OptionFuture;
use nself_docker::{
    Builds, Docker, DockerConfig, DockerEngine, Engine, EngineError, MeteredEngine, ScriptedEngine,
};
use nself_realtime::auth::Access as RoomAccess;
use nself_realtime::{Hub, Server, SessionConfig};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::access::{Access, Tokens};
use crate::commands::link_address;
use crate::http::{self, About, App, Certificate, Door, Guard, Scheme, Sites, Stack, TlsError};
use crate::screen::{Screen, SignIn};
use crate::settings::{EngineChoice, Project, ProjectError, Settings, Tls};
use crate::state::audit::Audit;
use crate::state::links::LinkError;
use crate::state::running::Running;
use crate::state::{StateDir, StateError};

/// How long realtime connections have to end when the program is told to stop.
const DRAIN: Duration = Duration::from_secs(8);
/// The program ends within 10 s, whatever is still under way.
const STOP: Duration = Duration::from_millis(9_500);
/// The demo plays the same at each start.
const DEMO_SEED: u64 = 1;
/// Where the project of the demo lies, in the folder of the state.
const DEMO_FOLDER: &str = "demo";
/// Where a sign-in link is written, where nobody sees what is printed.
const LINK_FILE: &str = "login-link";

/// Why the program ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgramError {
    #[error("{option} {address} cannot be served: {source}; {}", another(option, *address, source))]
    Listen { option: &'static str, address: SocketAddr, source: io::Error },
    #[error("--docker-host, DOCKER_HOST or the Docker context: {0}")]
    Engine(#[from] EngineError),
    #[error(
        "--listen {listen} can be reached from elsewhere, and there is no password; set one first: nself-admin \
         set-password --state-dir {}", dir.path().display()
    )]
    NoPassword { listen: SocketAddr, dir: StateDir },
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Project(#[from] ProjectError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("there is no sign-in link: {0}")]
    Link(#[from] LinkError),
    #[error("the runtime failed: {0}")]
    Io(#[from] io::Error),
    #[error("the program failed: {0}")]
    Task(#[from] JoinError),
}

impl ProgramError {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Listen { .. }
            | Self::Engine(_)
            | Self::NoPassword { .. }
            | Self::State(_)
            | Self::Project(_)
            | Self::Tls(_)
            | Self::Link(_) => 2,
            Self::Io(_) | Self::Task(_) => 1,
        }
    }
}

/// The program with what it was told.
pub(crate) struct Program {
    settings: Settings,
}

impl Program {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Serves until it is told to stop.
    pub(crate) async fn run(self) -> Result<(), ProgramError> {
        let settings = self.settings;
        let dir = StateDir::open(settings.state_dir()?)?;
        let hub = Hub::new();
        let access = if settings.sign_in {
            Access::new(dir.clone(), Arc::clone(hub.clock()), settings.lifetimes)?
        } else {
            Access::open(dir.clone(), Arc::clone(hub.clock()))
        };
        let access = Arc::new(access);
        if settings.is_public() && !access.has_password() {
            return Err(ProgramError::NoPassword { listen: settings.listen, dir });
        }
        let audit = Audit::open(&dir)?;
        let certificate = certificate(&settings, &dir)?;
        let (engine, source) = engine(&settings.engine, &hub)?;
        let engine = MeteredEngine::new(engine);
        let calls = engine.calls();
        let engine: Arc<dyn Engine> = Arc::new(engine);
        let listener = bind("--listen", settings.listen).await?;
        let metrics = match settings.metrics_listen {
            Some(address) => Some(bind("--metrics-listen", address).await?),
            None => None,
        };
        let address = listener.local_addr()?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;

        let demo = demo_project(&settings.engine, &dir)?;
        let project = demo.as_ref().or(settings.project.as_ref());
        // It has its room even before one of its services runs.
        let config = project.iter().fold(DockerConfig::default(), |config, project| {
            config.keep_room(project.room.clone())
        });
        let builds = project.map(|project| {
            Builds::new(Arc::clone(&engine), project.source(), hub.clone(), project.room.clone())
        });
        let docker = Docker::spawn(engine, hub.clone(), config);
        let rooms = RoomAccess::default().authenticator(Tokens(Arc::clone(&access)));
        let server = Server::with_access(hub, SessionConfig::default(), rooms);
        let scheme = if settings.tls == Tls::Off { Scheme::Http } else { Scheme::Https };
        let sites = Sites::new(scheme, address, &settings.public_urls);
        let url = sites.url();
        let guard = Guard {
            sites,
            trusted_proxies: settings.trusted_proxies,
            read_only: settings.read_only,
        };
        let about = About {
            demo: settings.engine == EngineChoice::Demo,
            environment: settings.environment,
            project: project.map(|project| project.room.clone()),
        };
        let stack = Stack { docker, builds, calls };
        let app = Arc::new(App::new(server, stack, Arc::clone(&access), audit, guard, about));
        let stop = CancellationToken::new();
        let tending = {
            let access = Arc::clone(&access);
            tokio::spawn(async move { access.tend().await })
        };
        let fingerprint = certificate.as_ref().map(Certificate::fingerprint);
        let door = Door { listener, certificate, limits: settings.limits };
        let serving = tokio::spawn(http::serve(door, Arc::clone(&app), stop.clone()));
        let measuring = metrics.map(|listener| {
            tokio::spawn(http::serve_metrics(listener, Arc::clone(&app), stop.clone()))
        });
        let running = Running { address, url: url.clone(), fingerprint: fingerprint.clone() };
        let _alive = running.tell(&dir)?;

        app.wait_for_rooms().await;
        let screen = Screen {
            engine: app.docker.engine(),
            source,
            project: project.cloned(),
            fingerprint: fingerprint.filter(|_| settings.tls == Tls::SelfSigned),
            sign_in: way_in(&access, &dir, &url)?,
            url,
        };
        print!("{screen}");

        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        let stopping = stopped(&app, &stop, serving, measuring);
        if let Ok(ended) = tokio::time::timeout(STOP, stopping).await {
            ended?;
        } else {
            tracing::warn!("what had not ended in time is cut off");
        }
        tending.abort();
        for left in [dir.remove(LINK_FILE), Running::forget(&dir)] {
            if let Err(error) = left {
                tracing::warn!(%error, "something of this run is left in the state folder");
            }
        }
        Ok(())
    }
}

/// Ends everything, what acts and what listens last: whoever asks meanwhile is told that this server is not
/// ready.
async fn stopped(
    app: &App,
    stop: &CancellationToken,
    serving: JoinHandle<()>,
    measuring: Option<JoinHandle<()>>,
) -> Result<(), JoinError> {
    let builds = OptionFuture::from(app.builds.as_ref().map(Builds::shutdown));
    let (drained, _) = tokio::join!(app.server.drain(DRAIN), builds);
    if !drained {
        tracing::warn!("some connections did not end in time");
    }
    stop.cancel();
    app.docker.shutdown().await;
    serving.await?;
    app.acts.close();
    app.acts.wait().await;
    OptionFuture::from(measuring).await.transpose().map(drop)
}

fn engine(choice: &EngineChoice, hub: &Hub) -> Result<(Arc<dyn Engine>, String), EngineError> {
    Ok(match choice {
        EngineChoice::Demo => {
            let start = hub.clock().timestamp().into();
            let engine = ScriptedEngine::demo(start, DEMO_SEED);
            (Arc::new(engine), "no socket, for the demo".to_owned())
        }
        EngineChoice::Docker { address, labels } => {
            let engine = DockerEngine::new(address.as_deref())?.with_labels(labels.iter().cloned());
            let address = engine.address();
            (Arc::new(engine), address)
        }
    })
}

/// The project of the demo, written anew at each start.
fn demo_project(choice: &EngineChoice, dir: &StateDir) -> Result<Option<Project>, ProgramError> {
    if *choice != EngineChoice::Demo {
        return Ok(None);
    }
    let folder = dir.file(DEMO_FOLDER);
    let written =
        std::fs::create_dir_all(&folder).and_then(|()| ScriptedEngine::write_demo_project(&folder));
    written.map_err(|source| StateError::Write { path: folder.clone(), source })?;
    Ok(Some(Project::read(&folder, Vec::new())?))
}

fn certificate(settings: &Settings, dir: &StateDir) -> Result<Option<Certificate>, TlsError> {
    match &settings.tls {
        Tls::Off => Ok(None),
        Tls::Files { cert, key } => Certificate::from_files(cert, key).map(Some),
        Tls::SelfSigned => Certificate::own(dir, settings.names()).map(Some),
    }
}

/// How somebody comes in. A link goes to the terminal, or, where what is printed is kept, into a file that
/// only its owner can read.
fn way_in(access: &Access, dir: &StateDir, url: &str) -> Result<SignIn, ProgramError> {
    if !access.is_needed() {
        return Ok(SignIn::Open);
    }
    if access.has_password() {
        return Ok(SignIn::Password);
    }
    let link = link_address(url, &access.make_link()?);
    if io::stdout().is_terminal() {
        return Ok(SignIn::Link(link));
    }
    dir.replace(LINK_FILE, &(link + "\n"))?;
    Ok(SignIn::LinkIn(dir.file(LINK_FILE)))
}

async fn bind(option: &'static str, address: SocketAddr) -> Result<TcpListener, ProgramError> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|source| ProgramError::Listen { option, address, source })
}

/// Where else it could be served.
fn another(option: &str, address: SocketAddr, error: &io::Error) -> String {
    let (ip, port) = (address.ip(), address.port());
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            format!(
                "ports below 1024 are not for everybody: choose another one, such as {option} {}",
                SocketAddr::new(ip, 8443)
            )
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("choose an address of this machine, such as {option} 127.0.0.1:{port}")
        }
        _ => {
            let other = port.checked_add(1).unwrap_or(3021);
            let other = SocketAddr::new(ip, other);
            format!("stop what listens there, or choose another port, such as {option} {other}")
        }
    }
}
