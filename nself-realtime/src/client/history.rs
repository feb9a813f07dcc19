//! Asking a server for lines of a log that its room does not tell (any more).

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::uri::PathAndQuery;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::address::Address;
use super::endpoint::{Asker, Endpoint};
use super::log_memory::Tear;
use super::shared::Shared;
use crate::event::{LogLine, LogsStream};
use crate::{Name, RoomName};

/// The most lines that one question gives.
const TAIL: usize = 10_000;

/// While a reader waits its stream is not read; this is far from what a server takes for dead.
const WITHIN: Duration = Duration::from_secs(15);

/// What needs no escape in a part of a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where old lines are asked for, and as whom.
pub(super) struct Archive {
    pub(super) endpoint: Endpoint,
    /// Of all services; `None` where nobody is to be asked.
    pub(super) services: Option<Address>,
    pub(super) shared: Arc<Shared>,
}

#[derive(Deserialize)]
struct Found {
    lines: Vec<LogsStream>,
}

impl Archive {
    /// The lines around a tear in a service's log. `None`: they cannot be had.
    pub(super) async fn ask(
        &self,
        room: &RoomName,
        service: &Name,
        tear: &Tear,
    ) -> Option<Vec<LogLine>> {
        let services = self.services.as_ref()?;
        let asking = self.read(services, room, service, tear);
        let answer = tokio::time::timeout(WITHIN, asking).await;
        match answer.unwrap_or_else(|late| Err(io::Error::new(io::ErrorKind::TimedOut, late))) {
            Ok(lines) => Some(lines),
            Err(error) => {
                tracing::debug!(%error, "the lines that may be missing cannot be had");
                None
            }
        }
    }

    async fn read(
        &self,
        services: &Address,
        room: &RoomName,
        service: &Name,
        tear: &Tear,
    ) -> io::Result<Vec<LogLine>> {
        let address = address_of(services, room, service, tear)?;
        let token = self.shared.token().map(|token| token.header);
        let mut asker = Asker::new(self.endpoint.clone());
        let answer = asker.get(&address, token, &AtomicU64::new(0)).await?;
        if answer.status != 200 {
            return Err(io::Error::other(format!("it was answered with {}", answer.status)));
        }
        let found: Found = serde_json::from_slice(&answer.body)?;
        let lines = found.lines.into_iter().filter_map(|event| match event {
            LogsStream::Line(line) if line.service == *service => Some(line),
            LogsStream::Line(_) | LogsStream::Marker(_) => None,
        });
        Ok(lines.collect())
    }
}

fn address_of(
    services: &Address,
    room: &RoomName,
    service: &Name,
    Tear { since, until, .. }: &Tear,
) -> io::Result<Address> {
    let folder = services.target.path().trim_end_matches('/');
    let room = utf8_percent_encode(room.as_str(), PLAIN);
    let service = utf8_percent_encode(service.as_str(), PLAIN);
    let target = format!(
        "{folder}/{room}/{service}/logs?since={since}&until={until}&tail={TAIL}&format=json"
    );
    let target = PathAndQuery::try_from(target).map_err(io::Error::other)?;
    Ok(Address { target, ..services.clone() })
}
