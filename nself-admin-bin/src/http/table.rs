//! Every address, as data: what it is asked with, who may, and whether it acts on the engine.

use std::fmt;

use nself_docker::Action;

use crate::access::Role;

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Page,
    Asset,
    Favicon,
    Healthz,
    Readyz,
    Metrics,
    Login,
    Bootstrap,
    Logout,
    Session,
    Renew,
    Socket,
    Events,
    Poll,
    Rooms,
    Services,
    Service,
    ServiceAction(Action),
    ProjectAction(Action),
    ServiceLogs,
    Stats,
    BeginBuild,
    Builds,
    Build,
    CancelBuild,
}

/// What somebody needs for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing: it is for those who are not signed in, too.
    Nothing,
    /// To be signed in, in any role.
    SignIn,
    /// To be an operator, and a server that is not read-only: it acts on the engine.
    Action,
}

impl Needs {
    /// The least role that it takes; none, if nobody has to be signed in.
    pub(super) fn role(self) -> Option<Role> {
        match self {
            Self::Nothing => None,
            Self::SignIn => Some(Role::Viewer),
            Self::Action => Some(Role::Operator),
        }
    }
}

/// An address and what leads there. A name in braces is a parameter.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) methods: &'static [&'static str],
    pub(super) path: &'static str,
    pub(super) needs: Needs,
    pub(super) route: Route,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = self.needs.role().map_or_else(|| "anybody".to_owned(), |role| role.to_string());
        let read_only = if self.needs == Needs::Action { "refused when read-only" } else { "" };
        let line = format!("{:<9} {:<50} {role:<9} {read_only}", self.methods.join(","), self.path);
        f.write_str(line.trim_end())
    }
}

const READ: &[&str] = &["GET", "HEAD"];
const GET: &[&str] = &["GET"];
const POST: &[&str] = &["POST"];
const DELETE: &[&str] = &["DELETE"];

const fn entry(
    methods: &'static [&'static str],
    path: &'static str,
    needs: Needs,
    route: Route,
) -> Entry {
    Entry { methods, path, needs, route }
}

use Needs::{Action as Acts, Nothing, SignIn};

/// Every address that there is.
pub(super) static TABLE: &[Entry] = &[
    entry(READ, "/", Nothing, Route::Page),
    entry(READ, "/build", Nothing, Route::Page),
    entry(READ, "/logs/{project}/{service}", Nothing, Route::Page),
    entry(READ, "/monitor", Nothing, Route::Page),
    entry(READ, "/sign-in", Nothing, Route::Page),
    entry(READ, "/assets/{hash}/{*path}", Nothing, Route::Asset),
    entry(READ, "/favicon.svg", Nothing, Route::Favicon),
    entry(READ, "/healthz", Nothing, Route::Healthz),
    entry(READ, "/readyz", Nothing, Route::Readyz),
    entry(READ, "/metrics", SignIn, Route::Metrics),
    entry(POST, "/api/login", Nothing, Route::Login),
    entry(POST, "/api/bootstrap", Nothing, Route::Bootstrap),
    entry(POST, "/api/logout", SignIn, Route::Logout),
    entry(READ, "/api/session", SignIn, Route::Session),
    entry(POST, "/api/session/renew", SignIn, Route::Renew),
    entry(GET, "/api/ws", SignIn, Route::Socket),
    entry(GET, "/api/events", SignIn, Route::Events),
    entry(GET, "/api/poll", SignIn, Route::Poll),
    entry(POST, "/api/poll", SignIn, Route::Poll),
    entry(READ, "/api/rooms", SignIn, Route::Rooms),
    entry(READ, "/api/services", SignIn, Route::Services),
    entry(READ, "/api/services/{project}/{service}", SignIn, Route::Service),
    entry(
        POST,
        "/api/services/{project}/{service}/start",
        Acts,
        Route::ServiceAction(Action::Start),
    ),
    entry(POST, "/api/services/{project}/{service}/stop", Acts, Route::ServiceAction(Action::Stop)),
    entry(
        POST,
        "/api/services/{project}/{service}/restart",
        Acts,
        Route::ServiceAction(Action::Restart),
    ),
    entry(GET, "/api/services/{project}/{service}/logs", SignIn, Route::ServiceLogs),
    entry(POST, "/api/projects/{project}/start", Acts, Route::ProjectAction(Action::Start)),
    entry(POST, "/api/projects/{project}/stop", Acts, Route::ProjectAction(Action::Stop)),
    entry(POST, "/api/projects/{project}/restart", Acts, Route::ProjectAction(Action::Restart)),
    entry(READ, "/api/stats", SignIn, Route::Stats),
    entry(POST, "/api/build", Acts, Route::BeginBuild),
    entry(READ, "/api/build", SignIn, Route::Builds),
    entry(READ, "/api/build/{build}", SignIn, Route::Build),
    entry(DELETE, "/api/build/{build}", Acts, Route::CancelBuild),
];

/// The table, to be read by people.
pub(crate) fn print() -> String {
    let lines: Vec<_> = TABLE.iter().map(ToString::to_string).collect();
    lines.join("\n") + "\n"
}
