//! The latest stats of each container. They are measured while somebody asks: where nobody watches, the first
//! measurement is waited for.

use std::collections::BTreeMap;

use http::StatusCode;
use nself_realtime::Timestamp;
use nself_realtime::auth::Identity;
use nself_realtime::event::DockerStats;
use nself_realtime::transport::poll::{PollError, PollRequest};
use serde::{Deserialize, Serialize};

use super::super::App;
use super::super::answer::{Answer, Refusal, json};
use super::super::fallback::{open, unreadable};
use super::super::guard::Granted;

/// An engine measures about once a second, and the first time takes two.
const FIRST_WITHIN_MS: u32 = 3_000;
/// So many rooms go into one poll.
const ROOMS: usize = 64;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    wait_ms: u32,
    subscriptions: Vec<Subscription<'a>>,
}

#[derive(Serialize)]
struct Subscription<'a> {
    room: &'a str,
    filters: [Filter; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<&'a str>,
}

#[derive(Serialize)]
struct Filter {
    types: [&'static str; 1],
    tail: u32,
}

#[derive(Deserialize)]
struct Polled {
    rooms: Vec<PolledRoom>,
}

#[derive(Deserialize)]
struct PolledRoom {
    room: String,
    cursor: String,
    #[serde(default)]
    snapshot: Vec<Measured>,
    #[serde(default)]
    events: Vec<Measured>,
}

#[derive(Deserialize)]
struct Measured {
    timestamp: Timestamp,
    data: DockerStats,
}

#[derive(Serialize)]
struct Latest {
    stats: Vec<ContainerStats>,
}

#[derive(Serialize)]
struct ContainerStats {
    project: String,
    timestamp: Timestamp,
    #[serde(flatten)]
    stats: DockerStats,
}

/// Answers with what was measured last of each container, of all projects or one.
pub(crate) async fn latest(
    app: &App,
    granted: &Granted,
    query: Option<&str>,
) -> Result<Answer, Refusal> {
    let wanted = super::project(query)?;
    let seat = &granted.caller()?.seat;
    let (_open, identity) = (open(seat)?, seat.identity());
    app.wait_for_rooms().await;
    let mut rooms: Vec<_> = app.docker.services().into_iter().map(|(room, _)| room).collect();
    rooms.dedup();
    rooms.retain(|room| wanted.as_ref().is_none_or(|wanted| wanted == room));
    let mut latest = BTreeMap::new();
    for rooms in rooms.chunks(ROOMS) {
        let all = rooms.iter().map(|room| subscription(room.as_str(), None)).collect();
        let polled = poll(app, &identity, 0, all).await?;
        let missing = polled.rooms.iter().filter(|room| room.snapshot.is_empty());
        let missing: Vec<_> =
            missing.map(|room| subscription(&room.room, Some(&room.cursor))).collect();
        if !missing.is_empty() {
            let later = poll(app, &identity, FIRST_WITHIN_MS, missing).await?;
            collect(&mut latest, later);
        }
        collect(&mut latest, polled);
    }
    Ok(json(StatusCode::OK, &Latest { stats: latest.into_values().collect() }))
}

fn subscription<'a>(room: &'a str, since: Option<&'a str>) -> Subscription<'a> {
    Subscription { room, filters: [Filter { types: ["docker:stats"], tail: 1 }], since }
}

async fn poll(
    app: &App,
    identity: &Identity,
    wait_ms: u32,
    subscriptions: Vec<Subscription<'_>>,
) -> Result<Polled, Refusal> {
    let asked = serde_json::to_vec(&Asked { wait_ms, subscriptions }).unwrap_or_default();
    let request = PollRequest::from_json(&asked).map_err(|error| internal(&error))?;
    let answer = app.server.poll(identity, request).await;
    // A room that closed a moment ago: who asks again is told without it.
    let answer = answer.map_err(|PollError { error, field }| unreadable(&error, &field))?;
    serde_json::from_slice(&answer).map_err(|error| internal(&error))
}

fn internal(error: &dyn std::error::Error) -> Refusal {
    tracing::error!(%error, "the latest stats cannot be told");
    Refusal::internal()
}

fn collect(latest: &mut BTreeMap<(String, String), ContainerStats>, polled: Polled) {
    for PolledRoom { room, snapshot, events, .. } in polled.rooms {
        for Measured { timestamp, data } in snapshot.into_iter().chain(events) {
            let key = (room.clone(), data.container_id.as_str().to_owned());
            let stats = ContainerStats { project: room.clone(), timestamp, stats: data };
            latest.insert(key, stats);
        }
    }
}
