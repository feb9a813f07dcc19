//! Where a server is: the address of its WebSocket, and those that follow from it.

use http::Uri;
use http::uri::PathAndQuery;

use super::builder::BuildError;

/// A place to connect to, and what to ask for there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
    /// As it stands in `Host`.
    pub(super) authority: String,
    pub(super) target: PathAndQuery,
}

impl Address {
    /// Reads `ws://`, `wss://`, `http://` or `https://`.
    pub(super) fn parse(url: &str) -> Result<Self, BuildError> {
        let bad = |why: &str| BuildError::Address { url: url.to_owned(), why: why.to_owned() };
        let uri: Uri =
            url.parse().map_err(|error: http::uri::InvalidUri| bad(&error.to_string()))?;
        let tls = match uri.scheme_str() {
            Some("ws" | "http") => false,
            Some("wss" | "https") => true,
            _ => return Err(bad("it must begin with ws://, wss://, http:// or https://")),
        };
        if tls && cfg!(not(feature = "client-tls")) {
            return Err(bad("TLS needs the feature client-tls"));
        }
        let authority = uri.authority().ok_or_else(|| bad("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad("a password does not belong into an address: use a token"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(bad("it names no host"));
        }
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let target =
            uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        Ok(Self { host, port, tls, authority: authority.as_str().to_owned(), target })
    }

    /// The place beside this one that has that name: `/api/ws` becomes `/api/poll`.
    pub(super) fn sibling(&self, name: &str) -> Self {
        let path = self.target.path();
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let target = PathAndQuery::try_from(format!("{folder}/{name}"));
        Self { target: target.unwrap_or_else(|_| self.target.clone()), ..self.clone() }
    }

    /// What a page from there would send as its origin.
    pub(super) fn origin(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_polls_follows_from_that_of_the_socket() {
        let ws = Address::parse("ws://localhost:3021/api/ws?env=test").unwrap();
        let poll = ws.sibling("poll");
        assert_eq!((poll.host.as_str(), poll.port, poll.tls), ("localhost", 3021, false));
        assert_eq!(poll.target, "/api/poll");
        assert_eq!(poll.origin(), "http://localhost:3021");
        assert_eq!(Address::parse("ws://a").unwrap().sibling("poll").target, "/poll");
    }

    #[test]
    fn ports_and_brackets_go_without_saying() {
        let v6 = Address::parse("ws://[::1]/ws").unwrap();
        assert_eq!((v6.host.as_str(), v6.port, v6.authority.as_str()), ("::1", 80, "[::1]"));
        assert_eq!(Address::parse("wss://example.org").unwrap().port, 443);
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_mend() {
        for (url, mend) in [
            ("ftp://a/", "ws://"),
            ("a/b", "format"),
            ("ws://user:secret@host/", "token"),
            ("ws://", ""),
        ] {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(error.contains(mend), "{url}: {error}");
        }
    }
}
