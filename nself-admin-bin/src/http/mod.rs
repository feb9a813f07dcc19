//! HTTP/1.1: one port for the page, the API and the socket.

mod admitted;
mod answer;
mod api;
mod arrival;
mod assets;
mod audited;
mod cookie;
mod doorman;
mod fallback;
mod guard;
mod logs;
mod packed;
mod pinned;
mod routes;
mod scrape;
mod serve;
mod table;
mod tls;
mod websocket;

use std::sync::Arc;
use std::time::Duration;

use nself_docker::{Builds, Docker, EngineCalls};
use nself_realtime::{RoomName, Server};
use tokio_util::task::TaskTracker;

pub(crate) use self::doorman::Limits;
pub(crate) use self::guard::{Guard, Scheme, Site, Sites};
pub(crate) use self::pinned::connect_pinned;
use self::routes::Routes;
pub(crate) use self::scrape::serve_metrics;
pub(crate) use self::serve::{Door, serve};
pub(crate) use self::table::print as table;
pub(crate) use self::tls::{Certificate, TlsError};
use crate::access::Access;
use crate::metrics::Metrics;
use crate::state::audit::Audit;

/// How long the first requests wait for the engine's first list.
const FIRST_LIST: Duration = Duration::from_secs(2);

/// What the page is told about the program.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    pub(crate) demo: bool,
    pub(crate) environment: Option<String>,
    pub(crate) project: Option<RoomName>,
}

/// What is served: the services, their builds, and what the engine was asked. A cheap clone.
#[derive(Debug, Clone)]
pub(crate) struct Stack {
    pub(crate) docker: Docker,
    /// The builds of the program's own project, if it has one.
    pub(crate) builds: Option<Builds>,
    pub(crate) calls: EngineCalls,
}

/// What the handlers work with.
pub(crate) struct App {
    pub(crate) server: Server,
    pub(crate) docker: Docker,
    /// The builds of the program's own project, if it has one.
    pub(crate) builds: Option<Builds>,
    /// What is being changed, until its outcome is written down.
    pub(crate) acts: TaskTracker,
    access: Arc<Access>,
    audit: Arc<Audit>,
    metrics: Metrics,
    about: About,
    guard: Guard,
    routes: Routes,
}

impl App {
    pub(crate) fn new(
        server: Server,
        stack: Stack,
        access: Arc<Access>,
        audit: Audit,
        guard: Guard,
        about: About,
    ) -> Self {
        let metrics = Metrics::new(server.clone(), stack.clone());
        let Stack { docker, builds, .. } = stack;
        let (acts, audit, routes) = (TaskTracker::new(), Arc::new(audit), Routes::new());
        Self { server, docker, builds, acts, access, audit, metrics, about, guard, routes }
    }

    /// Waits until the rooms of what runs are there, but not for long: an engine that does not answer
    /// is told to who asks.
    pub(crate) async fn wait_for_rooms(&self) {
        let _ = tokio::time::timeout(FIRST_LIST, self.docker.wait_for_first_list()).await;
    }
}
