//! Who may ask for what, checked in one order before any handler, body or upgrade:
//! Host → token in the address → Origin and Fetch-Metadata → route → method → session → role → read-only →
//! content type → size.
//!
//! Each check takes the outcome of the one before and cannot be called without it. The last one gives a
//! [`Granted`], which only this module can make and every handler takes.

mod site;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};

use http::header::{self, HeaderMap};
use http::request::Parts;
use http::{Method, StatusCode};
use ipnet::IpNet;

pub(crate) use self::site::{Scheme, Site, Sites};
use super::answer::Refusal;
use super::arrival::{Peer, client};
use super::cookie;
use super::routes::{Found, Routes};
use super::table::{Entry, Needs, Route};
use crate::access::{Access, Caller};

/// The most that a request body may have.
pub(super) const MAX_BODY_BYTES: u64 = 64 * 1024;

/// Proof that a request passed every check.
#[derive(Debug)]
pub(super) struct Granted {
    route: Route,
    parameters: Vec<(String, String)>,
    caller: Option<Caller>,
    site: Site,
    from: IpAddr,
}

impl Granted {
    /// The route that was asked for.
    pub(super) fn route(&self) -> Route {
        self.route
    }

    /// A parameter of the path, decoded; empty if the route has none of that name.
    pub(super) fn parameter(&self, name: &str) -> &str {
        let of_name = self.parameters.iter().find(|(key, _)| key == name);
        of_name.map_or("", |(_, value)| value)
    }

    /// Who asks.
    ///
    /// # Errors
    ///
    /// The route is one for which nobody has to be signed in, and so nobody was looked for.
    pub(super) fn caller(&self) -> Result<&Caller, Refusal> {
        self.caller.as_ref().ok_or_else(Refusal::unauthorized)
    }

    /// Under which name we were reached.
    pub(super) fn site(&self) -> &Site {
        &self.site
    }

    /// From where.
    pub(super) fn from(&self) -> IpAddr {
        self.from
    }
}

/// The rules that do not depend on who asks.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    pub(crate) sites: Sites,
    /// Whose word about the address of a client is believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Whether nobody may act on the engine.
    pub(crate) read_only: bool,
}

impl Guard {
    /// Lets a request through, or says why not.
    pub(super) fn check(
        &self,
        routes: &Routes,
        access: &Access,
        request: &Parts,
        peer: &Peer,
    ) -> Result<Granted, Refusal> {
        Checked { guard: self, request, peer, outcome: Arrived }
            .host()?
            .address()?
            .origin(routes)?
            .route()?
            .method()?
            .session(access)?
            .role()?
            .read_only()?
            .content_type()?
            .size()
    }
}

/// A request and what its checks have found so far.
struct Checked<'a, T> {
    guard: &'a Guard,
    request: &'a Parts,
    peer: &'a Peer,
    outcome: T,
}

/// Nothing was checked.
struct Arrived;
/// The host is ours.
struct Named(Site);
/// There is no token in the address.
struct Plain(Site);
/// No other site asks, or it only leads here.
struct Own<'a>(Site, Option<Found<'a>>);
/// There is such an address.
struct Routed<'a>(Site, Found<'a>);
/// It can be asked for with this method.
struct Possible(Site, &'static Entry, Vec<(String, String)>);
/// We know who asks, if that matters.
struct Known(Possible, Option<Caller>);
/// They may ask for it.
struct Entitled(Known);
/// This server does that.
struct Allowed(Known);
/// The body is of a kind that we read.
struct Readable(Known);

impl<'a, T> Checked<'a, T> {
    fn next<U>(self, outcome: impl FnOnce(T) -> U) -> Checked<'a, U> {
        let Self { guard, request, peer, outcome: before } = self;
        Checked { guard, request, peer, outcome: outcome(before) }
    }

    fn local(&self) -> SocketAddr {
        self.peer.local
    }

    fn headers(&self) -> &'a HeaderMap {
        &self.request.headers
    }
}

impl<'a> Checked<'a, Arrived> {
    fn host(self) -> Result<Checked<'a, Named>, Refusal> {
        let mut hosts = self.headers().get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(Refusal::bad_request("exactly one Host header is required"));
        };
        let host = host.to_str().unwrap_or_default();
        let target = self.request.uri.authority();
        if target.is_some_and(|target| !target.as_str().eq_ignore_ascii_case(host)) {
            let message = "the request names another host than its Host header";
            return Err(Refusal::bad_request(message));
        }
        let sites = &self.guard.sites;
        let site = sites.find(host, self.local()).ok_or_else(|| {
            let message =
                format!("this is {}; other names are given with --public-url", sites.url());
            Refusal::new(StatusCode::MISDIRECTED_REQUEST, "wrong_host", message)
        })?;
        Ok(self.next(|Arrived| Named(site)))
    }
}

impl<'a> Checked<'a, Named> {
    fn address(self) -> Result<Checked<'a, Plain>, Refusal> {
        let query = self.request.uri.query().unwrap_or_default();
        let has_token = query.split('&').any(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            percent_encoding::percent_decode_str(name).eq(b"token".iter().copied())
        });
        if has_token {
            let message =
                "tokens do not belong into addresses, which are written down in many places";
            return Err(Refusal::bad_request(message).at("/token"));
        }
        Ok(self.next(|Named(site)| Plain(site)))
    }
}

impl<'a> Checked<'a, Plain> {
    fn origin(self, routes: &'a Routes) -> Result<Checked<'a, Own<'a>>, Refusal> {
        let foreign = || Refusal::forbidden("requests from other sites are refused");
        let found = routes.find(self.request.uri.path());
        let (to_page, to_socket) =
            found.as_ref().map_or((false, false), |found| (found.is_page(), found.is_socket()));
        let method = &self.request.method;
        // No other site can make a browser send one.
        let may_be_absent = (!changes(method) && !to_socket) || bearer(self.headers()).is_some();
        let mut origins = self.headers().get_all(header::ORIGIN).iter();
        let own = |origin: &http::HeaderValue| {
            self.guard.sites.is_own(origin.to_str().unwrap_or_default(), self.local())
        };
        match (origins.next(), origins.next()) {
            (Some(origin), None) if own(origin) => {}
            (None, _) if may_be_absent => {}
            _ => return Err(foreign()),
        }
        if let Some(site) = self.headers().get("sec-fetch-site") {
            let navigates =
                self.headers().get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
            let to_a_page = navigates && method == Method::GET && to_page;
            if site != "same-origin" && site != "none" && !to_a_page {
                return Err(foreign());
            }
        }
        Ok(self.next(|Plain(site)| Own(site, found)))
    }
}

impl<'a> Checked<'a, Own<'a>> {
    fn route(mut self) -> Result<Checked<'a, Routed<'a>>, Refusal> {
        let found = self.outcome.1.take();
        let found = found.ok_or_else(|| Refusal::not_found("there is nothing at this address"))?;
        Ok(self.next(|Own(site, _)| Routed(site, found)))
    }
}

impl<'a> Checked<'a, Routed<'a>> {
    fn method(self) -> Result<Checked<'a, Possible>, Refusal> {
        let (found, method) = (&self.outcome.1, self.request.method.as_str());
        let Some(entry) = found.with_method(method) else {
            let allow = found.allow();
            let message = format!("{method} is not possible here: {allow}");
            let refusal =
                Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message);
            return Err(refusal.allow(allow));
        };
        Ok(self.next(|Routed(site, found)| Possible(site, entry, found.parameters)))
    }
}

impl<'a> Checked<'a, Possible> {
    fn session(self, access: &Access) -> Result<Checked<'a, Known>, Refusal> {
        let Possible(site, entry, _) = &self.outcome;
        let caller = match entry.needs {
            Needs::Nothing => None,
            Needs::SignIn | Needs::Action => {
                let caller = match bearer(self.headers()) {
                    Some(token) if access.is_needed() => access.by_token(token),
                    _ => access.by_cookie(cookie::read(self.headers(), site)),
                };
                Some(caller.ok_or_else(Refusal::unauthorized)?)
            }
        };
        Ok(self.next(|possible| Known(possible, caller)))
    }
}

impl<'a> Checked<'a, Known> {
    fn role(self) -> Result<Checked<'a, Entitled>, Refusal> {
        let Known(Possible(_, entry, _), caller) = &self.outcome;
        let needed = entry.needs.role();
        let has = caller.as_ref().map(|caller| caller.seat.role());
        if let (Some(needed), Some(has)) = (needed, has)
            && has < needed
        {
            let message = format!("this needs the role {needed}; you are {has}");
            return Err(Refusal::forbidden(message));
        }
        Ok(self.next(Entitled))
    }
}

impl<'a> Checked<'a, Entitled> {
    fn read_only(self) -> Result<Checked<'a, Allowed>, Refusal> {
        let Entitled(Known(Possible(_, entry, _), _)) = &self.outcome;
        if self.guard.read_only && entry.needs == Needs::Action {
            let message = "this server was started with --read-only: nobody can act on services";
            return Err(Refusal::new(StatusCode::FORBIDDEN, "read_only", message));
        }
        Ok(self.next(|Entitled(known)| Allowed(known)))
    }
}

impl<'a> Checked<'a, Allowed> {
    fn content_type(self) -> Result<Checked<'a, Readable>, Refusal> {
        if changes(&self.request.method) {
            let content_type = self.headers().get(header::CONTENT_TYPE);
            let content_type = content_type.and_then(|value| value.to_str().ok());
            let essence =
                content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
            let encoded = self.headers().contains_key(header::CONTENT_ENCODING);
            if !essence.trim().eq_ignore_ascii_case("application/json") || encoded {
                let message = "the body must be application/json, not compressed";
                let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                return Err(Refusal::new(status, "unsupported", message));
            }
        }
        Ok(self.next(|Allowed(known)| Readable(known)))
    }
}

impl Checked<'_, Readable> {
    fn size(self) -> Result<Granted, Refusal> {
        let length = self.headers().get(header::CONTENT_LENGTH);
        let length = length.and_then(|value| value.to_str().ok()?.parse().ok());
        if length.is_some_and(|bytes: u64| bytes > MAX_BODY_BYTES) {
            return Err(Refusal::too_large());
        }
        let from = client(self.peer, self.headers(), &self.guard.trusted_proxies);
        let Readable(Known(Possible(site, entry, parameters), caller)) = self.outcome;
        Ok(Granted { route: entry.route, parameters, caller, site, from })
    }
}

/// The API token that comes with a request.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}
