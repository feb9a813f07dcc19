//! Which address leads where.

use std::sync::Arc;

use http::{Method, Request};
use hyper::body::Incoming;
use matchit::Router;

use super::answer::{Answer, Refusal, secured};
use super::guard::Granted;
use super::{App, api, assets, builds, fallback, logs, websocket};

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Page,
    Asset,
    Favicon,
    Healthz,
    Readyz,
    Session,
    Socket,
    Events,
    Poll,
    ServiceLogs,
    ServiceAction,
    Builds,
    Build,
}

/// What kind of thing a route leads to: other sites may link to pages, and only to these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Page,
    Other,
    Socket,
}

/// Every address; a name in braces is a parameter.
const ROUTES: [(&str, Route); 15] = [
    ("/", Route::Page),
    ("/logs/{project}/{service}", Route::Page),
    ("/monitor", Route::Page),
    ("/assets/{hash}/{*path}", Route::Asset),
    ("/favicon.svg", Route::Favicon),
    ("/healthz", Route::Healthz),
    ("/readyz", Route::Readyz),
    ("/api/session", Route::Session),
    ("/api/ws", Route::Socket),
    ("/api/events", Route::Events),
    ("/api/poll", Route::Poll),
    ("/api/services/{project}/{service}/logs", Route::ServiceLogs),
    ("/api/services/{project}/{service}/{action}", Route::ServiceAction),
    ("/api/build", Route::Builds),
    ("/api/build/{build}", Route::Build),
];

impl Route {
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Page => Kind::Page,
            Self::Socket => Kind::Socket,
            _ => Kind::Other,
        }
    }

    /// The methods that it has, as they stand in `Allow`.
    pub(super) fn allow(self) -> &'static str {
        match self {
            Self::Page | Self::Asset | Self::Favicon | Self::Healthz | Self::Readyz => "GET, HEAD",
            Self::Session | Self::Socket | Self::Events | Self::ServiceLogs => "GET",
            Self::Poll | Self::Builds => "GET, POST",
            Self::Build => "GET, DELETE",
            Self::ServiceAction => "POST",
        }
    }
}

/// A route with the parameters of the address.
#[derive(Debug)]
pub(super) struct Matched {
    pub(super) route: Route,
    pub(super) parameters: Vec<(String, String)>,
}

/// Finds routes.
#[derive(Debug)]
pub(super) struct Routes(Router<Route>);

impl Routes {
    pub(super) fn new() -> Self {
        let mut router = Router::new();
        for (path, route) in ROUTES {
            #[expect(
                clippy::expect_used,
                reason = "the table is constant and every start reads it"
            )]
            router.insert(path, route).expect("the table has no contradiction");
        }
        Self(router)
    }

    /// The route of a path. Parameters are decoded after the path was taken apart, so that an encoded
    /// slash never separates.
    pub(super) fn find(&self, path: &str) -> Option<Matched> {
        let found = self.0.at(path).ok()?;
        let parameters = found
            .params
            .iter()
            .map(|(name, value)| {
                let value = percent_encoding::percent_decode_str(value).decode_utf8().ok()?;
                Some((name.to_owned(), value.into_owned()))
            })
            .collect::<Option<_>>()?;
        Some(Matched { route: *found.value, parameters })
    }
}

/// Answers a request.
pub(super) async fn answer(app: Arc<App>, request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    let answer = match app.guard.check(&app.routes, &parts) {
        Ok(granted) => handle(app, &granted, Request::from_parts(parts, body)).await,
        Err(refusal) => Err(refusal),
    };
    secured(answer.unwrap_or_else(Refusal::into_answer))
}

async fn handle(
    app: Arc<App>,
    granted: &Granted,
    request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    match granted.route() {
        Route::Page => assets::page(request.headers()),
        Route::Asset => assets::asset(granted, request.headers()),
        Route::Favicon => assets::favicon(request.headers()),
        Route::Healthz => Ok(api::healthz()),
        Route::Readyz => Ok(api::readyz(&app)),
        Route::Session => Ok(api::session(&app)),
        Route::Socket => websocket::upgrade(app, request).await,
        Route::Events => fallback::events(&app, &request).await,
        Route::Poll => fallback::poll(&app, request).await,
        Route::ServiceLogs => logs::read(&app, granted, &request).await,
        Route::Builds if request.method() == Method::POST => {
            builds::start(&app, request.into_body()).await
        }
        Route::Builds => builds::list(&app),
        Route::Build if request.method() == Method::DELETE => {
            builds::cancel(&app, granted, request.into_body()).await
        }
        Route::Build => builds::report(&app, granted),
        Route::ServiceAction => api::act(&app, granted, request.into_body()).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_an_encoded_slash_does_not_separate() {
        let matched = Routes::new().find("/logs/shop/a%2Fb%20c").unwrap();
        assert_eq!(matched.route, Route::Page);
        let expected = [("project", "shop"), ("service", "a/b c")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(matched.parameters, expected);
        assert!(Routes::new().find("/logs/shop/%ff").is_none(), "not UTF-8");
    }

    #[test]
    fn unknown_addresses_lead_nowhere() {
        for path in ["/nowhere", "/logs", "/api", "//", "/api/ws/", "/../etc/passwd"] {
            assert!(Routes::new().find(path).is_none(), "{path}");
        }
    }
}
