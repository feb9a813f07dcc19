//! Where the engine is. Asked in the order of the Docker command line: an explicit address,
//! `DOCKER_HOST`, the Docker context; then the sockets of Docker, rootless Docker, Docker Desktop
//! and Podman.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::EngineError;

/// Where an engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// The first of these sockets that exists, looked up anew at each attempt: the engine may be
    /// started later.
    Sockets(Vec<PathBuf>),
    /// A host and a port without encryption.
    Http(String),
}

impl Endpoint {
    /// Finds the address in what the process was started with.
    ///
    /// # Errors
    ///
    /// [`EngineError::Address`] if the address is of a kind that is not supported, or a Docker
    /// context cannot be read. That nothing listens there is no error here.
    pub(crate) fn resolve(
        explicit: Option<&str>,
        surroundings: &Surroundings,
    ) -> Result<Self, EngineError> {
        if let Some(address) = explicit {
            return Self::parse(address);
        }
        if let Some(address) = surroundings.variable("DOCKER_HOST") {
            let endpoint = Self::parse(address)?;
            return match endpoint {
                Self::Http(_) if surroundings.variable("DOCKER_TLS_VERIFY").is_some() => {
                    Err(no_tls(address))
                }
                endpoint => Ok(endpoint),
            };
        }
        if let Some(address) = surroundings.context_host()? {
            return Self::parse(&address);
        }
        Ok(Self::Sockets(surroundings.default_sockets()))
    }

    /// The one of its sockets that exists, if one does.
    pub(crate) fn found(&self) -> Self {
        match self {
            Self::Sockets(paths) => match paths.iter().find(|path| path.exists()) {
                Some(path) => Self::Sockets(vec![path.clone()]),
                None => self.clone(),
            },
            Self::Http(_) => self.clone(),
        }
    }

    fn parse(address: &str) -> Result<Self, EngineError> {
        let refuse = |message: String| Err(EngineError::Address { message });
        let Some((scheme, rest)) = address.split_once("://") else {
            if address.starts_with('/') {
                return Ok(Self::Sockets(vec![address.into()]));
            }
            return refuse(format!(
                "{address:?} is not an engine's address: write unix:///path/to.sock or tcp://host:port"
            ));
        };
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Self::Sockets(vec![rest.into()])),
            "unix" => refuse(format!("{address:?}: the path of a socket begins with a slash")),
            "tcp" | "http" if !rest.is_empty() => Ok(Self::Http(format!("tcp://{rest}"))),
            "ssh" => refuse(format!(
                "{address:?}: ssh is not supported; forward the socket (`ssh -NL \
                 /tmp/engine.sock:/var/run/docker.sock {rest}`) and name unix:///tmp/engine.sock"
            )),
            "https" => Err(no_tls(address)),
            _ => refuse(format!("{address:?}: {scheme} is not supported; use unix:// or tcp://")),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(address) => f.write_str(address),
            Self::Sockets(paths) => {
                for (index, path) in paths.iter().enumerate() {
                    let or = if index == 0 { "" } else { " or " };
                    write!(f, "{or}unix://{}", path.display())?;
                }
                Ok(())
            }
        }
    }
}

fn no_tls(address: &str) -> EngineError {
    EngineError::Address {
        message: format!(
            "{address:?}: TLS is not supported; forward the engine's socket by ssh and name the \
             forwarded socket"
        ),
    }
}

/// What decides about the address: variables and files, so that a test can own them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    variables: HashMap<&'static str, String>,
}

impl Surroundings {
    /// Those of this process.
    pub(crate) fn of_process() -> Self {
        let variables = VARIABLES
            .into_iter()
            .filter_map(|name| Some((name, std::env::var(name).ok().filter(|v| !v.is_empty())?)))
            .collect();
        Self { variables }
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    fn path(&self, variable: &str) -> Option<&Path> {
        self.variable(variable).map(Path::new)
    }

    /// The address of the current Docker context, unless that is the default one.
    fn context_host(&self) -> Result<Option<String>, EngineError> {
        let Some(folder) = self
            .path("DOCKER_CONFIG")
            .map(Path::to_path_buf)
            .or_else(|| Some(self.path("HOME")?.join(".docker")))
        else {
            return Ok(None);
        };
        let name = match self.variable("DOCKER_CONTEXT") {
            Some(name) => Some(name.to_owned()),
            None => read_json::<DockerConfigFile>(&folder.join("config.json"))?
                .and_then(|config| config.current_context),
        };
        let Some(name) = name.filter(|name| !name.is_empty() && name != "default") else {
            return Ok(None);
        };
        let digest = hex::encode(Sha256::digest(name.as_bytes()));
        let file = folder.join("contexts/meta").join(digest).join("meta.json");
        let host = read_json::<ContextFile>(&file)?
            .and_then(|mut context| context.endpoints.remove("docker"))
            .and_then(|endpoint| endpoint.host);
        match host {
            Some(host) => Ok(Some(host)),
            None => Err(EngineError::Address {
                message: format!(
                    "the Docker context {name:?} names no engine ({}): choose another with \
                     `docker context use`, or set DOCKER_HOST",
                    file.display()
                ),
            }),
        }
    }

    fn default_sockets(&self) -> Vec<PathBuf> {
        let mut sockets = vec![PathBuf::from("/var/run/docker.sock")];
        if let Some(folder) = self.path("XDG_RUNTIME_DIR") {
            sockets.push(folder.join("docker.sock"));
        }
        if let Some(home) = self.path("HOME") {
            sockets.push(home.join(".docker/run/docker.sock"));
        }
        if let Some(folder) = self.path("XDG_RUNTIME_DIR") {
            sockets.push(folder.join("podman/podman.sock"));
        }
        sockets.push("/run/podman/podman.sock".into());
        sockets
    }
}

#[derive(Deserialize)]
struct DockerConfigFile {
    #[serde(rename = "currentContext")]
    current_context: Option<String>,
}

#[derive(Deserialize)]
struct ContextFile {
    #[serde(rename = "Endpoints", default)]
    endpoints: HashMap<String, ContextEndpoint>,
}

#[derive(Deserialize)]
struct ContextEndpoint {
    #[serde(rename = "Host")]
    host: Option<String>,
}

/// Reads a file of Docker's; `None` if there is none.
fn read_json<T: for<'de> Deserialize<'de>>(file: &Path) -> Result<Option<T>, EngineError> {
    let unusable = |why: String| EngineError::Address {
        message: format!("{} cannot be read: {why}", file.display()),
    };
    match std::fs::read(file) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map(Some).map_err(|error| unusable(error.to_string()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(error.to_string())),
    }
}

const VARIABLES: [&str; 6] = [
    "DOCKER_HOST",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "HOME",
    "XDG_RUNTIME_DIR",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings<const N: usize>(variables: [(&'static str, &str); N]) -> Surroundings {
        Surroundings { variables: variables.map(|(k, v)| (k, v.to_owned())).into() }
    }

    fn sockets(endpoint: Endpoint) -> Vec<String> {
        match endpoint {
            Endpoint::Sockets(paths) => {
                paths.into_iter().map(|path| path.display().to_string()).collect()
            }
            Endpoint::Http(address) => vec![address],
        }
    }

    #[test]
    fn an_explicit_address_wins_over_the_environment() {
        let around = surroundings([("DOCKER_HOST", "unix:///from/env.sock")]);
        let explicit = Endpoint::resolve(Some("unix:///explicit.sock"), &around).unwrap();
        assert_eq!(sockets(explicit), ["/explicit.sock"]);
        assert_eq!(sockets(Endpoint::resolve(None, &around).unwrap()), ["/from/env.sock"]);
    }

    #[test]
    fn tcp_and_http_are_the_same() {
        for address in ["tcp://10.0.0.1:2375", "http://10.0.0.1:2375"] {
            let endpoint = Endpoint::parse(address).unwrap();
            assert_eq!(endpoint, Endpoint::Http("tcp://10.0.0.1:2375".into()));
        }
    }

    #[test]
    fn an_engine_that_is_to_be_spoken_to_in_tls_is_not_spoken_to_without() {
        let tls = ("DOCKER_TLS_VERIFY", "1");
        let around = surroundings([("DOCKER_HOST", "tcp://10.0.0.1:2376"), tls]);
        let error = Endpoint::resolve(None, &around).unwrap_err().to_string();
        assert!(error.contains("TLS is not supported; forward"), "{error}");
        let around = surroundings([("DOCKER_HOST", "unix:///a.sock"), tls]);
        assert!(Endpoint::resolve(None, &around).is_ok());
    }

    #[test]
    fn ssh_is_refused_with_the_mend() {
        let error = Endpoint::parse("ssh://me@host").unwrap_err().to_string();
        assert!(error.contains("ssh -NL /tmp/engine.sock:/var/run/docker.sock me@host"), "{error}");
    }

    #[test]
    fn an_address_of_no_known_kind_is_named() {
        for address in ["somewhere", "ftp://x", "unix://relative", "tcp://", "https://x:2376"] {
            let error = Endpoint::parse(address).unwrap_err().to_string();
            assert!(error.contains(address), "{error}");
        }
    }

    #[test]
    fn the_current_context_names_the_engine() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::write(path.join("config.json"), r#"{"auths":{},"currentContext":"lab"}"#).unwrap();
        let meta = path.join("contexts/meta").join(hex::encode(Sha256::digest(b"lab")));
        std::fs::create_dir_all(&meta).unwrap();
        let text = r#"{"Name":"lab","Endpoints":{"docker":{"Host":"unix:///lab.sock"}}}"#;
        std::fs::write(meta.join("meta.json"), text).unwrap();

        let around = surroundings([("DOCKER_CONFIG", path.to_str().unwrap())]);
        assert_eq!(sockets(Endpoint::resolve(None, &around).unwrap()), ["/lab.sock"]);

        let around = surroundings([
            ("DOCKER_CONFIG", path.to_str().unwrap()),
            ("DOCKER_CONTEXT", "elsewhere"),
        ]);
        let error = Endpoint::resolve(None, &around).unwrap_err().to_string();
        assert!(error.contains("\"elsewhere\""), "{error}");
    }

    #[test]
    fn without_any_word_the_usual_sockets_are_tried_in_order() {
        let around = surroundings([("XDG_RUNTIME_DIR", "/run/user/7"), ("HOME", "/nowhere")]);
        assert_eq!(
            sockets(Endpoint::resolve(None, &around).unwrap()),
            [
                "/var/run/docker.sock",
                "/run/user/7/docker.sock",
                "/nowhere/.docker/run/docker.sock",
                "/run/user/7/podman/podman.sock",
                "/run/podman/podman.sock",
            ]
        );
    }
}
