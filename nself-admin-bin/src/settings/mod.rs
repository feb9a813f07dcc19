//! What was asked for, from the command line, the environment and the file, checked before anything is done.

mod file;
mod project;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

pub(crate) use self::file::FileError;
pub(crate) use self::project::{Project, ProjectError};
use crate::access::Lifetimes;
use crate::cli::{LogFormat, Serve, State};
use crate::http::{Limits, Site};
use crate::state::StateError;

const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3021);

/// No sign-in holds longer without being renewed.
const LONGEST_SESSION: Duration = Duration::from_hours(12);
/// A sign-in that ends sooner cannot be used.
const SHORTEST_SESSION: Duration = Duration::from_secs(10);

/// What cannot be served as it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Project(#[from] ProjectError),
    #[error(
        "--no-auth with --listen {listen}: whoever reaches that address would be root on this host; listen \
         on 127.0.0.1:{port}, or leave --no-auth out", port = listen.port()
    )]
    OpenToAll { listen: SocketAddr },
    #[error(
        "--listen {listen} can be reached from elsewhere, and passwords would travel in the clear; add \
         --tls-self-signed, or --tls-cert and --tls-key, or --insecure-plain-http behind a proxy that \
         speaks TLS"
    )]
    PlainToAll { listen: SocketAddr },
    #[error(
        "--tls-cert and --tls-key belong together: add --{missing}, or use --tls-self-signed alone"
    )]
    HalfOfTls { missing: &'static str },
    #[error("--tls-self-signed and --tls-cert exclude each other: leave one of them out")]
    TwiceTls,
    #[error("--demo and --docker-host exclude each other: leave one of them out")]
    TwoEngines,
    #[error("--demo has no labels to look for: leave --filter out")]
    FilteredDemo,
    #[error(
        "--session-lifetime {} s and --session-idle {} s must be from 10s to 12h", lifetime.as_secs(),
        idle.as_secs()
    )]
    Session { lifetime: Duration, idle: Duration },
    #[error(
        "--metrics-listen {address} can be reached from everywhere without sign-in; choose a loopback or \
         private address"
    )]
    MetricsToAll { address: SocketAddr },
}

/// How it is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tls {
    Off,
    Files { cert: PathBuf, key: PathBuf },
    SelfSigned,
}

/// Which engine is looked after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EngineChoice {
    Demo,
    /// At that address, or where the Docker command would look; only containers with these labels.
    Docker {
        address: Option<String>,
        labels: Vec<String>,
    },
}

/// How to serve.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) engine: EngineChoice,
    pub(crate) project: Option<Project>,
    pub(crate) environment: Option<String>,
    pub(crate) read_only: bool,
    pub(crate) sign_in: bool,
    state_dir: Option<PathBuf>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) tls: Tls,
    pub(crate) public_urls: Vec<Site>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) limits: Limits,
    pub(crate) metrics_listen: Option<SocketAddr>,
    pub(crate) log_format: LogFormat,
    pub(crate) verbose: u8,
}

impl Settings {
    /// Joins what was given with the file and checks it.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] names the value and the mend.
    pub(crate) fn new(given: Serve) -> Result<Self, SettingsError> {
        let given = match given.config.clone() {
            Some(path) => file::fill(given, &path)?,
            None => given,
        };
        let listen = given.listen.unwrap_or(LISTEN);
        let tls = tls(&given)?;
        let [demo, no_auth, read_only] =
            [given.demo, given.no_auth, given.read_only].map(Option::unwrap_or_default);
        let everywhere = !listen.ip().to_canonical().is_loopback();
        if everywhere && no_auth {
            return Err(SettingsError::OpenToAll { listen });
        }
        if everywhere && tls == Tls::Off && given.insecure_plain_http != Some(true) {
            return Err(SettingsError::PlainToAll { listen });
        }
        if let Some(address) = given.metrics_listen.filter(|address| !is_private(*address)) {
            return Err(SettingsError::MetricsToAll { address });
        }
        let engine = match (demo, given.docker_host) {
            (true, Some(_)) => return Err(SettingsError::TwoEngines),
            (true, None) if !given.filter.is_empty() => return Err(SettingsError::FilteredDemo),
            (true, None) => EngineChoice::Demo,
            (false, address) => EngineChoice::Docker { address, labels: given.filter },
        };
        let project = project::find(given.project.as_deref(), given.allow)?;
        let environment = given.env.or_else(|| project.as_ref()?.environment.clone());
        let default = Limits::default();
        Ok(Self {
            listen,
            engine,
            project,
            environment,
            read_only,
            sign_in: !no_auth,
            state_dir: given.state.state_dir,
            lifetimes: lifetimes(given.session_idle, given.session_lifetime)?,
            tls,
            public_urls: given.public_url,
            trusted_proxies: given.trusted_proxy,
            limits: Limits {
                connections: given.max_connections.map_or(default.connections, NonZeroUsize::get),
                per_address: given.max_connections_per_address.map(NonZeroUsize::get),
            },
            metrics_listen: given.metrics_listen,
            log_format: given.log_format.unwrap_or_default(),
            verbose: given.verbose,
        })
    }

    /// Whether it can be reached from other machines.
    pub(crate) fn is_public(&self) -> bool {
        !self.listen.ip().to_canonical().is_loopback()
    }

    /// The names that a certificate of our own is for.
    pub(crate) fn names(&self) -> Vec<String> {
        let own = self.listen.ip();
        let own = (!own.is_unspecified()).then(|| own.to_string());
        let public =
            self.public_urls.iter().map(|site| site.name().trim_matches(['[', ']']).to_owned());
        let local = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        local.into_iter().chain(own).chain(public).collect()
    }

    /// Where the state is.
    ///
    /// # Errors
    ///
    /// [`StateError::Nowhere`]: nothing says where.
    pub(crate) fn state_dir(&self) -> Result<PathBuf, StateError> {
        state_dir(&State { state_dir: self.state_dir.clone() })
    }
}

/// Where the state is: as given, else where the service manager or the desktop says.
///
/// # Errors
///
/// [`StateError::Nowhere`]: nothing says where.
pub(crate) fn state_dir(given: &State) -> Result<PathBuf, StateError> {
    if let Some(path) = &given.state_dir {
        return Ok(path.clone());
    }
    let absolute =
        |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    // systemd's, for a service with StateDirectory=.
    if let Some(path) = absolute("STATE_DIRECTORY") {
        return Ok(path);
    }
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    state.map(|state| state.join("nself-admin")).ok_or(StateError::Nowhere)
}

fn tls(given: &Serve) -> Result<Tls, SettingsError> {
    match (&given.tls_cert, &given.tls_key, given.tls_self_signed.unwrap_or_default()) {
        (None, None, false) => Ok(Tls::Off),
        (None, None, true) => Ok(Tls::SelfSigned),
        (Some(cert), Some(key), false) => Ok(Tls::Files { cert: cert.clone(), key: key.clone() }),
        (Some(_), None, false) => Err(SettingsError::HalfOfTls { missing: "tls-key" }),
        (None, Some(_), false) => Err(SettingsError::HalfOfTls { missing: "tls-cert" }),
        (_, _, true) => Err(SettingsError::TwiceTls),
    }
}

fn lifetimes(idle: Option<Duration>, whole: Option<Duration>) -> Result<Lifetimes, SettingsError> {
    let default = Lifetimes::default();
    let (idle, whole) = (idle.unwrap_or(default.idle), whole.unwrap_or(default.whole));
    let possible = SHORTEST_SESSION..=LONGEST_SESSION;
    if possible.contains(&idle) && possible.contains(&whole) {
        return Ok(Lifetimes { idle, whole });
    }
    Err(SettingsError::Session { lifetime: whole, idle })
}

fn is_private(address: SocketAddr) -> bool {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    }
}

#[cfg(test)]
mod tests;
