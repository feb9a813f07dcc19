//! Who may ask for what, checked in one order before any handler, body or upgrade:
//! Host → token in the address → Origin and Fetch-Metadata → route → method → content type → size.
//!
//! A handler takes a [`Granted`], which only this file can make.

use http::header::{self, HeaderMap};
use http::request::Parts;
use http::{Method, StatusCode};

use super::answer::Refusal;
use super::routes::{Kind, Matched, Route, Routes};

/// The most that a request body may have.
pub(super) const MAX_BODY_BYTES: u64 = 64 * 1024;

/// Proof that a request passed every check.
#[derive(Debug)]
pub(super) struct Granted {
    matched: Matched,
}

impl Granted {
    /// The route that was asked for.
    pub(super) fn route(&self) -> Route {
        self.matched.route
    }

    /// A parameter of the path, decoded; empty if the route has none of that name.
    pub(super) fn parameter(&self, name: &str) -> &str {
        let of_name = self.matched.parameters.iter().find(|(key, _)| key == name);
        of_name.map_or("", |(_, value)| value)
    }
}

/// Under which names the program is reached.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    hosts: Vec<String>,
}

impl Guard {
    /// For a program that listens there, without TLS.
    pub(super) fn new(address: std::net::SocketAddr) -> Self {
        let port = address.port();
        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned()];
        let own = match address.ip() {
            std::net::IpAddr::V4(ip) => ip.to_string(),
            std::net::IpAddr::V6(ip) => format!("[{ip}]"),
        };
        if !names.contains(&own) {
            names.push(own);
        }
        let mut hosts: Vec<String> = names.iter().map(|name| format!("{name}:{port}")).collect();
        if port == 80 {
            // The port that goes without saying.
            hosts.extend(names);
        }
        Self { hosts }
    }

    /// Lets a request through, or says why not.
    pub(super) fn check(&self, routes: &Routes, request: &Parts) -> Result<Granted, Refusal> {
        self.check_host(request)?;
        check_query(request)?;
        let matched = routes.find(request.uri.path());
        let kind = matched.as_ref().map(|matched| matched.route.kind());
        self.check_origin(request, kind)?;
        let matched =
            matched.ok_or_else(|| Refusal::not_found("there is nothing at this address"))?;
        check_method(request, matched.route)?;
        if is_mutation(&request.method) {
            check_content(&request.headers)?;
        }
        Ok(Granted { matched })
    }

    fn check_host(&self, request: &Parts) -> Result<(), Refusal> {
        let mut hosts = request.headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(Refusal::bad_request("exactly one Host header is required"));
        };
        let host = host.to_str().unwrap_or_default();
        if request.uri.authority().is_some_and(|target| !target.as_str().eq_ignore_ascii_case(host))
        {
            return Err(Refusal::bad_request(
                "the request names another host than its Host header",
            ));
        }
        if !self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host)) {
            let message = format!("this is {}", self.hosts.first().map_or("", String::as_str));
            return Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, "wrong_host", message));
        }
        Ok(())
    }

    fn is_own(&self, origin: &str) -> bool {
        origin
            .strip_prefix("http://")
            .is_some_and(|host| self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host)))
    }

    fn check_origin(&self, request: &Parts, kind: Option<Kind>) -> Result<(), Refusal> {
        let foreign = || Refusal::forbidden("requests from other sites are refused");
        let mut origins = request.headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (Some(origin), None) if self.is_own(origin.to_str().unwrap_or_default()) => {}
            (None, _) if !is_mutation(&request.method) && kind != Some(Kind::Socket) => {}
            _ => return Err(foreign()),
        }
        let Some(site) = request.headers.get("sec-fetch-site") else { return Ok(()) };
        let navigates =
            request.headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
        let to_a_page = navigates && request.method == Method::GET && kind == Some(Kind::Page);
        if site == "same-origin" || site == "none" || to_a_page {
            return Ok(());
        }
        Err(foreign())
    }
}

fn check_query(request: &Parts) -> Result<(), Refusal> {
    let query = request.uri.query().unwrap_or_default();
    let has_token = query.split('&').any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        percent_encoding::percent_decode_str(name).eq(b"token".iter().copied())
    });
    if has_token {
        let message = "tokens do not belong into addresses, which are written down in many places";
        return Err(Refusal::bad_request(message).at("/token"));
    }
    Ok(())
}

fn check_method(request: &Parts, route: Route) -> Result<(), Refusal> {
    let allow = route.allow();
    if allow.split(", ").any(|method| method == request.method.as_str()) {
        return Ok(());
    }
    let message = format!("{} is not possible here: {allow}", request.method);
    let mut refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message);
    refusal.allow = Some(allow);
    Err(refusal)
}

fn check_content(headers: &HeaderMap) -> Result<(), Refusal> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    let encoded = headers.contains_key(header::CONTENT_ENCODING);
    if !essence.trim().eq_ignore_ascii_case("application/json") || encoded {
        let message = "the body must be application/json, not compressed";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported", message));
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if length.and_then(|value| value.parse().ok()).is_some_and(|bytes: u64| bytes > MAX_BODY_BYTES)
    {
        let message = format!("the body may have {MAX_BODY_BYTES} bytes");
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message));
    }
    Ok(())
}

fn is_mutation(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const HOST: &str = "127.0.0.1:3021";
    const OWN: &str = "http://127.0.0.1:3021";

    fn check(
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Result<Granted, (u16, &'static str)> {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let guard = Guard::new(HOST.parse().unwrap());
        guard
            .check(&Routes::new(), &parts)
            .map_err(|refusal| (refusal.status.as_u16(), refusal.code))
    }

    fn refused(method: &str, target: &str, headers: &[(&str, &str)]) -> (u16, &'static str) {
        check(method, target, headers).unwrap_err()
    }

    #[test]
    fn the_host_must_be_one_and_ours() {
        for host in ["127.0.0.1:3021", "localhost:3021", "LOCALHOST:3021", "[::1]:3021"] {
            assert!(check("GET", "/", &[("host", host)]).is_ok(), "{host}");
        }
        for host in ["localhost", "localhost:3022", "evil.example:3021", "127.0.0.1.evil:3021", ""]
        {
            assert_eq!(refused("GET", "/", &[("host", host)]), (421, "wrong_host"), "{host}");
        }
        assert_eq!(refused("GET", "/", &[]), (400, "bad_request"));
        assert_eq!(refused("GET", "/", &[("host", HOST), ("host", HOST)]), (400, "bad_request"));
        let elsewhere = refused("GET", "http://evil.example/", &[("host", HOST)]);
        assert_eq!(elsewhere, (400, "bad_request"));
    }

    #[test]
    fn the_origin_must_be_ours_where_it_matters() {
        let host = ("host", HOST);
        assert!(check("GET", "/api/session", &[host]).is_ok());
        assert!(check("GET", "/api/ws", &[host, ("origin", OWN)]).is_ok());
        assert_eq!(refused("GET", "/api/ws", &[host]), (403, "forbidden"));
        for origin in
            ["null", "https://127.0.0.1:3021", "http://localhost", "http://127.0.0.1:3022"]
        {
            for target in ["/api/ws", "/api/session"] {
                assert_eq!(refused("GET", target, &[host, ("origin", origin)]).0, 403, "{origin}");
            }
        }
        let twice = [host, ("origin", OWN), ("origin", OWN)];
        assert_eq!(refused("GET", "/api/ws", &twice).0, 403);
        let start = "/api/services/shop/web/start";
        assert_eq!(refused("POST", start, &[host]).0, 403);
        let json = ("content-type", "application/json");
        assert!(check("POST", start, &[host, ("origin", OWN), json]).is_ok());
    }

    #[test]
    fn other_sites_may_link_to_pages_and_nothing_else() {
        let (host, cross) = (("host", HOST), ("sec-fetch-site", "cross-site"));
        let navigate = ("sec-fetch-mode", "navigate");
        assert!(check("GET", "/", &[host, cross, navigate]).is_ok());
        assert_eq!(refused("GET", "/", &[host, cross]).0, 403);
        assert_eq!(refused("GET", "/api/session", &[host, cross, navigate]).0, 403);
        let same_site = ("sec-fetch-site", "same-site");
        assert_eq!(refused("GET", "/api/session", &[host, same_site]).0, 403);
    }

    #[test]
    fn checks_come_in_their_order() {
        let (host, own) = (("host", HOST), ("origin", OWN));
        assert_eq!(refused("POST", "/nowhere?token=1", &[]).0, 400);
        assert_eq!(refused("GET", "/nowhere?a=b&t%6Fken=1", &[host]), (400, "bad_request"));
        assert_eq!(refused("POST", "/nowhere", &[host]).0, 403);
        assert_eq!(refused("POST", "/nowhere", &[host, own]), (404, "not_found"));
        assert_eq!(refused("POST", "/api/session", &[host, own]), (405, "method_not_allowed"));
        let start = "/api/services/shop/web/start";
        assert_eq!(refused("POST", start, &[host, own]), (415, "unsupported"));
        let json = ("content-type", "application/json; charset=utf-8");
        let zipped = ("content-encoding", "gzip");
        assert_eq!(refused("POST", start, &[host, own, json, zipped]).0, 415);
        let long = ("content-length", "65537");
        assert_eq!(refused("POST", start, &[host, own, json, long]), (413, "too_large"));
    }
}
