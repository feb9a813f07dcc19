//! The API but for the realtime transports and old log lines.

pub(super) mod actions;
pub(super) mod body;
pub(super) mod builds;
pub(super) mod health;
pub(super) mod services;
pub(super) mod session;
pub(super) mod stats;

use nself_realtime::RoomName;

use super::answer::Refusal;

/// The project that a query asks for; `None` if it asks for all.
fn project(query: Option<&str>) -> Result<Option<RoomName>, Refusal> {
    let mut project = None;
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name != "project" {
            let message = format!("{name} is no parameter: there is project");
            return Err(Refusal::bad_request(message).at(&format!("/{name}")));
        }
        let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
        let room = RoomName::new(&value);
        let unknown = |_| Refusal::bad_request("project must be the name of one").at("/project");
        project = Some(room.map_err(unknown)?);
    }
    Ok(project)
}
