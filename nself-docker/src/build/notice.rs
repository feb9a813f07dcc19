//! What people are told when a build fails while they look at something else.

use nself_realtime::event::{Notification, Severity};
use nself_realtime::{Emitter, Name, RoomName};

use super::error::BuildError;
use crate::inventory::name_or_digest;
use crate::links;
use crate::text::at_most;

/// Publishes that a build of the project of `room` failed: what it was building is not up, what was up
/// before is. Of one that was cancelled, somebody knows already.
pub(super) fn publish(
    system: &Emitter,
    room: &RoomName,
    project: &str,
    id: &Name,
    why: &BuildError,
) {
    let BuildError::Failed { .. } = why else { return };
    let notification = Notification {
        // One for each project: a later failure replaces an earlier one.
        id: name_or_digest(&format!("build-failed:{room}")),
        severity: Severity::Warning,
        title: at_most(&format!("The build of {project} failed"), 256),
        body: Some(at_most(&why.to_string(), 16_384)),
        service: None,
        action: Some(links::to_build(id)),
    };
    if let Err(error) = system.notification(&notification) {
        tracing::warn!(build = %id, %error, "a failed build was not published");
    }
}
