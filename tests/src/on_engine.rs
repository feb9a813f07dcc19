//! The page before the engine that all tests share: the program looks at it, a browser at the program.

use bollard::Docker;

use crate::browser::Browser;
use crate::engine::Engine;
use crate::missing::{Need, can_run};
use crate::page::Page;
use crate::server::Server;

/// The shared engine, the program, and a browser with a fresh profile.
#[derive(Debug)]
pub struct OnEngine {
    /// A connection to the engine of the test's own.
    pub docker: Docker,
    /// The program, for everybody.
    pub server: Server,
    /// The browser.
    pub browser: Browser,
}

impl OnEngine {
    /// Starts what is not there yet. `None` where this machine cannot: that was told.
    pub async fn stand() -> Option<Self> {
        Self::stand_with(&[]).await
    }

    /// The same, with more arguments for the program.
    pub async fn stand_with(arguments: &[&str]) -> Option<Self> {
        if !can_run(&[Need::Engine, Need::Browser]) {
            return None;
        }
        let engine = Engine::shared().await;
        let host = engine.host();
        let server = Server::start(&[&["--docker-host", &host], arguments].concat()).await;
        Some(Self { docker: engine.docker().await, server, browser: Browser::start().await })
    }

    /// Opens a page of the program.
    pub async fn open(&self, path: &str) -> Page<'_> {
        Page::open(&self.browser, &self.server.url(path)).await
    }
}
