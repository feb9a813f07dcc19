//! The file of `--config`: the options of the command line, by their names.

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::cli::{self, LogFormat, Serve, State};

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("--config {}: cannot be read: {source}; name a file that the user of nself-admin may read", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("--config {}:\n{message}", path.display())]
    Wrong { path: PathBuf, message: String },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct File {
    listen: Option<Text<std::net::SocketAddr>>,
    docker_host: Option<String>,
    demo: Option<bool>,
    filter: Vec<Text<Label>>,
    project: Option<PathBuf>,
    allow: Vec<Text<nself_docker::compose::Rule>>,
    env: Option<String>,
    read_only: Option<bool>,
    no_auth: Option<bool>,
    state_dir: Option<PathBuf>,
    session_idle: Option<Text<std::time::Duration>>,
    session_lifetime: Option<Text<std::time::Duration>>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    tls_self_signed: Option<bool>,
    insecure_plain_http: Option<bool>,
    public_url: Vec<Text<crate::http::Site>>,
    trusted_proxy: Vec<Text<ipnet::IpNet>>,
    max_connections: Option<NonZeroUsize>,
    max_connections_per_address: Option<NonZeroUsize>,
    metrics_listen: Option<Text<std::net::SocketAddr>>,
    log_format: Option<LogFormat>,
}

/// A value that is read as the command line reads it.
#[derive(Debug)]
struct Text<T>(T);

trait Read: Sized {
    fn read(text: &str) -> Result<Self, impl fmt::Display>;
}

impl Read for std::net::SocketAddr {
    fn read(text: &str) -> Result<Self, impl fmt::Display> {
        cli::address(text)
    }
}

impl Read for std::time::Duration {
    fn read(text: &str) -> Result<Self, impl fmt::Display> {
        cli::duration(text)
    }
}

impl Read for crate::http::Site {
    fn read(text: &str) -> Result<Self, impl fmt::Display> {
        cli::site(text)
    }
}

impl Read for nself_docker::compose::Rule {
    fn read(text: &str) -> Result<Self, impl fmt::Display> {
        text.parse::<Self>()
    }
}

impl Read for ipnet::IpNet {
    fn read(text: &str) -> Result<Self, impl fmt::Display> {
        cli::network(text)
    }
}

impl<'de, T: Read> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = |mend| D::Error::custom(format!("{text:?}: {mend}"));
        T::read(&text).map(Self).map_err(wrong)
    }
}

/// A label to watch.
#[derive(Debug)]
struct Label(String);

impl Read for Label {
    fn read(text: &str) -> Result<Self, impl fmt::Display> {
        cli::label(text).map(Self)
    }
}

/// Fills in from the file what was not given.
pub(super) fn fill(given: Serve, path: &Path) -> Result<Serve, FileError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| FileError::Read { path: path.to_owned(), source })?;
    let file = toml::from_str(&text).map_err(|error: toml::de::Error| FileError::Wrong {
        path: path.to_owned(),
        message: error.to_string().trim_end().to_owned(),
    })?;
    // Paths are meant from where the file is.
    let folder = path.parent().unwrap_or(Path::new(""));
    Ok(join(given, file, |path| folder.join(path)))
}

fn join(given: Serve, file: File, place: impl Fn(PathBuf) -> PathBuf) -> Serve {
    fn text<T>(value: Option<Text<T>>) -> Option<T> {
        value.map(|Text(value)| value)
    }
    fn list<T>(given: Vec<T>, file: Vec<Text<T>>) -> Vec<T> {
        if given.is_empty() { file.into_iter().map(|Text(value)| value).collect() } else { given }
    }
    let path = |given: Option<PathBuf>, file: Option<PathBuf>| given.or_else(|| file.map(&place));
    // One engine and one certificate: what is given replaces all that the file says about it.
    let chooses_engine = given.docker_host.is_some() || given.demo == Some(true);
    let chooses_tls =
        given.tls_cert.is_some() || given.tls_key.is_some() || given.tls_self_signed == Some(true);
    Serve {
        listen: given.listen.or(text(file.listen)),
        docker_host: given.docker_host.or(file.docker_host.filter(|_| !chooses_engine)),
        demo: given.demo.or(file.demo.filter(|_| !chooses_engine)),
        filter: if given.filter.is_empty() {
            file.filter.into_iter().map(|Text(Label(label))| label).collect()
        } else {
            given.filter
        },
        project: path(given.project, file.project),
        allow: list(given.allow, file.allow),
        env: given.env.or(file.env),
        read_only: given.read_only.or(file.read_only),
        no_auth: given.no_auth.or(file.no_auth),
        state: State { state_dir: path(given.state.state_dir, file.state_dir) },
        session_idle: given.session_idle.or(text(file.session_idle)),
        session_lifetime: given.session_lifetime.or(text(file.session_lifetime)),
        tls_cert: path(given.tls_cert, file.tls_cert.filter(|_| !chooses_tls)),
        tls_key: path(given.tls_key, file.tls_key.filter(|_| !chooses_tls)),
        tls_self_signed: given.tls_self_signed.or(file.tls_self_signed.filter(|_| !chooses_tls)),
        insecure_plain_http: given.insecure_plain_http.or(file.insecure_plain_http),
        public_url: list(given.public_url, file.public_url),
        trusted_proxy: list(given.trusted_proxy, file.trusted_proxy),
        max_connections: given.max_connections.or(file.max_connections),
        max_connections_per_address: given
            .max_connections_per_address
            .or(file.max_connections_per_address),
        metrics_listen: given.metrics_listen.or(text(file.metrics_listen)),
        config: given.config,
        log_format: given.log_format.or(file.log_format),
        verbose: given.verbose,
    }
}
