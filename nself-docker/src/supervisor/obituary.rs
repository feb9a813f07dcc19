//! What people are told when a service fails: why, and its last words.

use std::sync::Arc;

use nself_realtime::event::{Notification, Severity};
use nself_realtime::{Emitter, Name};

use crate::engine::Engine;
use crate::inventory::{ServiceKey, name_or_digest};
use crate::links;
use crate::logs::last_words;
use crate::text::at_most;

/// A service that failed.
pub(super) struct Obituary {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) system: Emitter,
    pub(super) key: ServiceKey,
    pub(super) container: String,
    pub(super) cause: String,
}

impl Obituary {
    /// Publishes it. Without last words, if the log cannot be read.
    pub(super) async fn publish(self) {
        let ServiceKey { room, service } = &self.key;
        let words = match last_words(self.engine.as_ref(), &self.container).await {
            Ok(lines) => lines,
            Err(error) => {
                tracing::info!(%room, %service, %error, "last words could not be read");
                Vec::new()
            }
        };
        let body = match words.as_slice() {
            [] => self.cause,
            words => format!("{}\n\n{}", self.cause, words.join("\n")),
        };
        let notification = Notification {
            id: identity(&self.key),
            severity: Severity::Critical,
            title: at_most(&format!("{service} failed"), 256),
            body: Some(at_most(&body, 16_384)),
            service: Some(service.clone()),
            action: Some(links::to_log(&self.key)),
        };
        if let Err(error) = self.system.notification(&notification) {
            tracing::warn!(%room, %service, %error, "failure was not published");
        }
    }
}

/// One for each service: a later failure replaces an earlier one.
fn identity(key: &ServiceKey) -> Name {
    name_or_digest(&format!("failed:{}/{}", key.room, key.service))
}
