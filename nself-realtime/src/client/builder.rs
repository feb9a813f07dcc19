//! Makes a client.

use std::fmt;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::watch;

use super::address::Address;
use super::connect::Connector;
use super::driver::{Driver, Tellings};
use super::endpoint::Endpoint;
use super::history::Archive;
use super::shared::{Owner, Shared, Token};
use super::{Client, ClientConfig, ClientSession, ConnectionState};
use crate::hub::{Randomness, SystemRandomness};

/// Why a client cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// An address is none.
    #[error("{url:?} is no address of a server: {why}")]
    Address {
        /// The text.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The token has characters that cannot be sent.
    #[error("a token has visible ASCII characters only")]
    Token,
    /// A header has a name or a value that cannot be sent.
    #[error("{name:?} is no header that can be sent")]
    Header {
        /// Its name.
        name: String,
    },
    /// A certificate to trust is none.
    #[error("the certificates to trust cannot be read: {why}")]
    Certificate {
        /// What is wrong with it.
        why: String,
    },
}

/// Where old lines of logs are asked for.
#[derive(Debug, Clone)]
enum HistoryAt {
    BesideTheSocket,
    Url(String),
    Nowhere,
}

/// Makes a [`Client`].
#[derive(Clone)]
pub struct ClientBuilder {
    url: String,
    poll_url: Option<String>,
    history: HistoryAt,
    token: Option<String>,
    headers: Vec<(String, String)>,
    config: ClientConfig,
    #[cfg(feature = "client-tls")]
    trusted: Vec<Vec<u8>>,
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Tokens and cookies are nobody's business.
        f.debug_struct("ClientBuilder")
            .field("url", &self.url)
            .field("poll_url", &self.poll_url)
            .field("history", &self.history)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl ClientBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            poll_url: None,
            history: HistoryAt::BesideTheSocket,
            token: None,
            headers: Vec::new(),
            config: ClientConfig::default(),
            #[cfg(feature = "client-tls")]
            trusted: Vec::new(),
        }
    }

    /// Signs in with a bearer token. Default: with none.
    pub fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Sends a header with every request over HTTP, a cookie for instance.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Polls there. Default: beside the WebSocket; where that is `ws://host/api/ws`, at
    /// `http://host/api/poll`.
    pub fn poll_url(mut self, url: &str) -> Self {
        self.poll_url = Some(url.to_owned());
        self
    }

    /// Asks there for old lines of logs, when a server that began anew does not tell them: the log of a
    /// service is at `<url>/<room>/<service>/logs`. It is asked with what polls are asked with. Default:
    /// beside the WebSocket; where that is `ws://host/api/ws`, at `http://host/api/services`.
    pub fn history_url(mut self, url: &str) -> Self {
        self.history = HistoryAt::Url(url.to_owned());
        self
    }

    /// Asks nobody for old lines of logs: what a server that began anew does not tell is a
    /// [`LogEntry::Break`](super::LogEntry::Break). A server that has none says so itself; this spares the
    /// question.
    pub fn without_history(mut self) -> Self {
        self.history = HistoryAt::Nowhere;
        self
    }

    /// How to connect, doubt and come back. Default: as the protocol says.
    pub fn config(mut self, config: ClientConfig) -> Self {
        self.config = config;
        self
    }

    /// Trusts the certificates in this PEM text, too. Default: what the operating system trusts.
    #[cfg(feature = "client-tls")]
    pub fn trust(mut self, pem: &[u8]) -> Self {
        self.trusted.push(pem.to_vec());
        self
    }

    /// Begins to connect. [`Client::status`] tells what comes of it.
    ///
    /// # Errors
    ///
    /// [`BuildError`]: what was given cannot be used; nothing was begun.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn connect(self) -> Result<Client, BuildError> {
        let socket = Address::parse(&self.url)?;
        let poll = match &self.poll_url {
            Some(url) => Address::parse(url)?,
            None => socket.sibling("poll"),
        };
        let services = match &self.history {
            HistoryAt::BesideTheSocket => Some(socket.sibling("services")),
            HistoryAt::Url(url) => Some(Address::parse(url)?),
            HistoryAt::Nowhere => None,
        };
        let token = match &self.token {
            Some(token) => Some(Token::new(token).ok_or(BuildError::Token)?),
            None => None,
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let bad = || BuildError::Header { name: name.clone() };
            let name = HeaderName::try_from(name).map_err(|_| bad())?;
            headers.append(name, HeaderValue::try_from(value).map_err(|_| bad())?);
        }
        #[cfg(feature = "client-tls")]
        let connector = Connector {
            tls: if socket.tls || poll.tls || services.as_ref().is_some_and(|at| at.tls) {
                Some(Arc::new(super::tls::Tls::new(&self.trusted)?))
            } else {
                None
            },
        };
        #[cfg(not(feature = "client-tls"))]
        let connector = Connector::default();
        let endpoint = Endpoint { connector, socket, poll, headers };
        let shared = Arc::new(Shared::new(token));
        let archive = Archive { endpoint: endpoint.clone(), services, shared: Arc::clone(&shared) };
        let (state, watched_state) = watch::channel(ConnectionState::Connecting);
        let (error, watched_error) = watch::channel(None);
        let (expiring, watched_expiring) = watch::channel(None);
        let tellings = Tellings { state, error, expiring };
        let session = ClientSession::new(self.config, None, || SystemRandomness.bits());
        let driver = Driver::new(session, Arc::clone(&shared), endpoint, tellings);
        tokio::spawn(driver.run());
        Ok(Client {
            owner: Arc::new(Owner { shared }),
            archive: Arc::new(archive),
            state: watched_state,
            error: watched_error,
            expiring: watched_expiring,
        })
    }
}
