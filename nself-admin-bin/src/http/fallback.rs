//! The events where no socket gets through: polls and server-sent events, with the same cursors.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use nself_realtime::transport::poll::{PollError, PollRequest};
use nself_realtime::transport::sse::EventsRequest;
use nself_realtime::transport::{InvalidRequest, RoomError};

use super::App;
use super::answer::{Answer, Refusal, json_text, streaming};
use super::api::body;
use super::guard::Granted;
use crate::access::{Connection, Seat};

/// Answers a poll: `GET` of one room, `POST` of several.
pub(super) async fn poll(
    app: &App,
    granted: &Granted,
    request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    let seat = &granted.caller()?.seat;
    let _open = open(seat)?;
    app.wait_for_rooms().await;
    let poll = if request.method() == Method::GET {
        PollRequest::from_query(request.uri().query().unwrap_or_default())
    } else {
        PollRequest::from_json(&body::read(request.into_body()).await?)
    };
    let poll = poll.map_err(|error| malformed(&error))?;
    let answer = app.server.poll(&seat.identity(), poll).await;
    let answer = answer.map_err(|PollError { error, field }| unreadable(&error, &field))?;
    Ok(json_text(StatusCode::OK, answer))
}

/// Answers with one room as a stream of server-sent events.
pub(super) async fn events(
    app: &App,
    granted: &Granted,
    request: &Request<Incoming>,
) -> Result<Answer, Refusal> {
    let seat = &granted.caller()?.seat;
    let open = open(seat)?;
    app.wait_for_rooms().await;
    let mut events = EventsRequest::from_query(request.uri().query().unwrap_or_default());
    if let Some(id) = request.headers().get("last-event-id") {
        // What is not text is no cursor either.
        let id = id.to_str().unwrap_or("?");
        events = events.and_then(|events| events.last_event_id(id));
    }
    let events = events.map_err(|error| malformed(&error))?;
    let stream = app.server.events(&seat.identity(), events);
    let stream = stream.map_err(|error| unreadable(&error, "room"))?;
    // It is one of the connections of its sign-in for as long as it goes on.
    let stream = stream.map(move |item| {
        let _ = &open;
        item
    });
    Ok(streaming("text/event-stream", stream))
}

/// Takes one of the connections that a sign-in may have.
pub(super) fn open(seat: &Arc<Seat>) -> Result<Connection, Refusal> {
    seat.open().ok_or_else(|| {
        let message = "this sign-in has all the connections that it may have: close a tab";
        Refusal::rate_limited(message, Duration::from_secs(5))
    })
}

fn malformed(error: &InvalidRequest) -> Refusal {
    let refusal = Refusal::bad_request(error.message());
    match error.field() {
        Some(field) => refusal.at(field),
        None => refusal,
    }
}

/// Says why a room is not read that `field` asks for.
pub(super) fn unreadable(error: &RoomError, field: &str) -> Refusal {
    match error {
        RoomError::SignedOut { .. } => Refusal::unauthorized(),
        RoomError::Forbidden { .. } => Refusal::forbidden(error.to_string()).at(field),
        _ => {
            let code = error.code().as_str();
            Refusal::new(StatusCode::NOT_FOUND, code, error.to_string()).at(field)
        }
    }
}
