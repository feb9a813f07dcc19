//! Under which names the program is reached, and with which scheme.

use std::net::{IpAddr, SocketAddr};

use http::Uri;

/// How it is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// A name under which it is reached. Two are the same if a browser says that they are one origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) scheme: Scheme,
    host: String,
    port: u16,
}

/// A text that is no address of a site.
#[derive(Debug, thiserror::Error)]
#[error(
    "write scheme and name, as in https://admin.example or http://nas.local:3021, without a path"
)]
pub(crate) struct NoSite;

impl Site {
    /// What an address of the bar of a browser, or an `Origin`, names.
    pub(crate) fn parse(text: &str) -> Result<Self, NoSite> {
        let uri: Uri = text.parse().map_err(|_| NoSite)?;
        let scheme = match uri.scheme_str() {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            _ => return Err(NoSite),
        };
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let authority = uri.authority().map(http::uri::Authority::as_str);
        let named = authority.filter(|_| bare).and_then(|named| Self::of_host(scheme, named));
        named.ok_or(NoSite)
    }

    /// What a `Host` names; `None` if it is not one.
    pub(crate) fn of_host(scheme: Scheme, host: &str) -> Option<Self> {
        let authority: http::uri::Authority = host.parse().ok()?;
        let name = authority.host();
        // A user, a port without digits: no browser sends such.
        let (port, plain) = match authority.port_u16() {
            Some(port) => (port, format!("{name}:{}", authority.port()?.as_str())),
            None => (scheme.default_port(), name.to_owned()),
        };
        let whole = plain == host && !name.is_empty();
        whole.then(|| Self { scheme, host: name.to_ascii_lowercase(), port })
    }

    /// A literal address.
    pub(crate) fn of_address(scheme: Scheme, address: SocketAddr) -> Self {
        let host = match address.ip().to_canonical() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        Self { scheme, host, port: address.port() }
    }

    /// The name without the port.
    pub(crate) fn name(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl std::fmt::Display for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if self.port == self.scheme.default_port() { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// All names of the program.
#[derive(Debug, Clone)]
pub(crate) struct Sites {
    own: Vec<Site>,
    scheme: Scheme,
}

impl Sites {
    /// Of a program that listens there and is known under these names.
    pub(crate) fn new(scheme: Scheme, address: SocketAddr, public: &[Site]) -> Self {
        let port = address.port();
        let named = |name: &str| Site { scheme, host: name.to_owned(), port };
        let mut own = public.to_vec();
        own.push(Site::of_address(scheme, address));
        own.extend(["localhost", "127.0.0.1", "[::1]"].map(named));
        Self { own, scheme }
    }

    /// The one that a `Host` names, on a connection that arrived at `local`. A literal address is ours if it
    /// is the one that was connected to: no name that somebody else gives out leads there.
    pub(super) fn find(&self, host: &str, local: SocketAddr) -> Option<Site> {
        let named = |scheme| Site::of_host(scheme, host);
        let known = |site: &Site| self.own.contains(site);
        // By its own scheme first: a proxy may speak the other one in front of it.
        let other = if self.scheme == Scheme::Http { Scheme::Https } else { Scheme::Http };
        let arrived = Site::of_address(self.scheme, local);
        named(self.scheme)
            .filter(|site| known(site) || *site == arrived)
            .or_else(|| named(other).filter(known))
    }

    /// Whether an `Origin` is ours.
    pub(super) fn is_own(&self, origin: &str, local: SocketAddr) -> bool {
        let site = Site::parse(origin).ok().filter(|_| !origin.ends_with('/'));
        site.is_some_and(|site| {
            self.own.contains(&site) || site == Site::of_address(self.scheme, local)
        })
    }

    /// Whether one of ours is called that, whatever its port.
    pub(in super::super) fn has_name(&self, name: &str) -> bool {
        self.own.iter().any(|site| site.host.eq_ignore_ascii_case(name))
    }

    /// The one that people are told: the first public one, else where it listens.
    pub(crate) fn url(&self) -> String {
        let named = self.own.iter().find(|site| !matches!(&*site.host, "0.0.0.0" | "[::]"));
        named.map_or_else(String::new, Site::to_string)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sites: &Sites, host: &str) -> Option<String> {
        sites.find(host, "192.0.2.9:3021".parse().unwrap()).map(|site| site.to_string())
    }

    #[test]
    fn names_are_compared_as_browsers_do() {
        let public = [Site::parse("https://Admin.example").unwrap()];
        let sites = Sites::new(Scheme::Http, "0.0.0.0:3021".parse().unwrap(), &public);
        let https = Some("https://admin.example".to_owned());
        assert_eq!(found(&sites, "admin.example"), https);
        assert_eq!(found(&sites, "ADMIN.example:443"), https);
        assert_eq!(found(&sites, "admin.example:3021"), None);
        assert_eq!(found(&sites, "localhost:3021").as_deref(), Some("http://localhost:3021"));
        assert_eq!(found(&sites, "192.0.2.9:3021").as_deref(), Some("http://192.0.2.9:3021"));
        for foreign in ["localhost", "192.0.2.8:3021", "a@localhost:3021", "localhost:", "", "a b"]
        {
            assert_eq!(found(&sites, foreign), None, "{foreign}");
        }
    }

    #[test]
    fn an_origin_is_a_scheme_and_a_name() {
        let public = [Site::parse("https://admin.example").unwrap()];
        let sites = Sites::new(Scheme::Http, "127.0.0.1:80".parse().unwrap(), &public);
        let own = |origin| sites.is_own(origin, "127.0.0.1:80".parse().unwrap());
        assert!(own("http://localhost") && own("https://admin.example"));
        for foreign in
            ["null", "http://admin.example", "https://localhost", "localhost", "http://localhost/"]
        {
            assert!(!own(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_public_url_has_no_path() {
        for wrong in ["admin.example", "https://admin.example/nself", "ftp://a", "https://", ""] {
            assert!(Site::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            Site::parse("http://nas.local:3021/").unwrap().to_string(),
            "http://nas.local:3021"
        );
    }
}
