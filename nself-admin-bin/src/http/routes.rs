//! From an address to what answers it.

use std::sync::Arc;

use http::header;
use http::request::Parts;
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use matchit::Router;

use super::answer::{Answer, Refusal, secured};
use super::arrival::Peer;
use super::guard::Granted;
use super::table::{Entry, Route, TABLE};
use super::{App, api, assets, audited, fallback, logs, scrape, websocket};

/// A path that there is, with its parameters.
#[derive(Debug)]
pub(super) struct Found<'a> {
    /// What it can be asked for, by method.
    pub(super) entries: &'a [&'static Entry],
    pub(super) parameters: Vec<(String, String)>,
}

impl Found<'_> {
    /// The methods that it has, as they stand in `Allow`.
    pub(super) fn allow(&self) -> String {
        let methods = self.entries.iter().flat_map(|entry| entry.methods);
        methods.copied().collect::<Vec<_>>().join(", ")
    }

    /// What leads there with that method.
    pub(super) fn with_method(&self, method: &str) -> Option<&'static Entry> {
        self.entries.iter().copied().find(|entry| entry.methods.contains(&method))
    }

    /// Whether it is a page, to which other sites may link.
    pub(super) fn is_page(&self) -> bool {
        self.entries.iter().any(|entry| entry.route == Route::Page)
    }

    /// Whether it opens a socket.
    pub(super) fn is_socket(&self) -> bool {
        self.entries.iter().any(|entry| entry.route == Route::Socket)
    }
}

/// Finds what is at an address.
#[derive(Debug)]
pub(super) struct Routes(Router<Vec<&'static Entry>>);

impl Routes {
    pub(super) fn new() -> Self {
        let mut router: Router<Vec<&'static Entry>> = Router::new();
        for entries in TABLE.chunk_by(|one, next| one.path == next.path) {
            let Some(path) = entries.first().map(|entry| entry.path) else { continue };
            #[expect(
                clippy::expect_used,
                reason = "the table is constant and every start reads it"
            )]
            router.insert(path, entries.iter().collect()).expect("the table has no contradiction");
        }
        Self(router)
    }

    /// What is at a path. Parameters are decoded after the path was taken apart, so that an encoded slash
    /// never separates.
    pub(super) fn find(&self, path: &str) -> Option<Found<'_>> {
        let found = self.0.at(path).ok()?;
        let parameters = found
            .params
            .iter()
            .map(|(name, value)| {
                let value = percent_encoding::percent_decode_str(value).decode_utf8().ok()?;
                Some((name.to_owned(), value.into_owned()))
            })
            .collect::<Option<_>>()?;
        Some(Found { entries: found.value, parameters })
    }
}

/// Answers a request.
pub(super) async fn answer(app: Arc<App>, peer: Peer, request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    // Not the query: it may hold what somebody should not have put there.
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let answer = match app.guard.check(&app.routes, &app.access, &parts, &peer) {
        Ok(granted) => audited::handle(app, granted, Request::from_parts(parts, body)).await,
        Err(refusal) if refusal.status == StatusCode::NOT_FOUND && is_for_a_person(&parts) => {
            assets::missing(&parts.headers)
        }
        Err(refusal) => Err(refusal),
    };
    let answer = secured(answer.unwrap_or_else(Refusal::into_answer));
    tracing::debug!(%method, path, status = answer.status().as_u16(), "answered");
    answer
}

/// Whether a browser asks for what it will show, and not for data.
fn is_for_a_person(request: &Parts) -> bool {
    let reads = matches!(request.method, Method::GET | Method::HEAD);
    let of_api = request.uri.path().strip_prefix("/api");
    let of_api = of_api.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let mut accepted = request.headers.get_all(header::ACCEPT).iter();
    let html = accepted.any(|types| types.to_str().is_ok_and(|types| types.contains("text/html")));
    reads && !of_api && html
}

/// Leads a request that passed the guard to its handler.
pub(super) async fn handle(
    app: Arc<App>,
    granted: &Granted,
    request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    match granted.route() {
        Route::Page => assets::page(granted, request.headers()),
        Route::Asset => assets::asset(granted, request.headers()),
        Route::Favicon => assets::favicon(granted, request.headers()),
        Route::Healthz => Ok(api::health::healthz(granted)),
        Route::Metrics => scrape::answer(&app, granted),
        Route::Readyz => Ok(api::health::readyz(&app, granted)),
        Route::Login => api::session::log_in(&app, granted, request.into_body()).await,
        Route::Bootstrap => api::session::follow_link(&app, granted, request.into_body()).await,
        Route::Logout => api::session::log_out(&app, granted, request.into_body()).await,
        Route::Session => api::session::tell(&app, granted),
        Route::Renew => api::session::renew(&app, granted, request.into_body()).await,
        Route::Socket => websocket::upgrade(app, granted, request).await,
        Route::Events => fallback::events(&app, granted, &request).await,
        Route::Poll => fallback::poll(&app, granted, request).await,
        Route::Rooms => Ok(api::services::rooms(&app, granted).await),
        Route::Services => api::services::list(&app, granted, request.uri().query()).await,
        Route::Service => api::services::details(&app, granted).await,
        Route::ServiceAction(action) => {
            api::actions::on_service(&app, granted, action, request.into_body()).await
        }
        Route::ProjectAction(action) => {
            api::actions::on_project(&app, granted, action, request.into_body()).await
        }
        Route::ServiceLogs => logs::read(&app, granted, &request).await,
        Route::Stats => api::stats::latest(&app, granted, request.uri().query()).await,
        Route::BeginBuild => api::builds::begin(&app, granted, request.into_body()).await,
        Route::Builds => api::builds::list(&app, granted),
        Route::Build => api::builds::report(&app, granted),
        Route::CancelBuild => api::builds::cancel(&app, granted, request.into_body()).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_an_encoded_slash_does_not_separate() {
        let routes = Routes::new();
        let found = routes.find("/logs/shop/a%2Fb%20c").unwrap();
        assert!(found.is_page());
        let expected = [("project", "shop"), ("service", "a/b c")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(found.parameters, expected);
        assert!(routes.find("/logs/shop/%ff").is_none(), "not UTF-8");
    }

    #[test]
    fn unknown_addresses_lead_nowhere() {
        for path in [
            "/nowhere",
            "/logs",
            "/api",
            "//",
            "/api/ws/",
            "/../etc/passwd",
            "/api/services/shop/web/kill",
            "/api/containers/json",
        ] {
            assert!(Routes::new().find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn a_path_stands_in_the_table_in_one_place() {
        let mut paths: Vec<_> = TABLE.iter().map(|entry| entry.path).collect();
        paths.dedup();
        let all = paths.len();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), all);
    }
}
