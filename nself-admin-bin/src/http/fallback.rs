//! The events where no socket gets through: polls and server-sent events, with the same cursors.

use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use nself_realtime::auth::Identity;
use nself_realtime::transport::InvalidRequest;
use nself_realtime::transport::poll::PollRequest;
use nself_realtime::transport::sse::EventsRequest;

use super::App;
use super::answer::{Answer, Refusal, json_text, streaming};
use super::api;

/// Answers a poll: `GET` of one room, `POST` of several.
pub(super) async fn poll(app: &App, request: Request<Incoming>) -> Result<Answer, Refusal> {
    app.wait_for_rooms().await;
    let poll = if request.method() == Method::GET {
        PollRequest::from_query(request.uri().query().unwrap_or_default())
    } else {
        PollRequest::from_json(&api::read(request.into_body()).await?)
    };
    let poll = poll.map_err(|error| malformed(&error))?;
    let answer = app.server.poll(&Identity::guest(), poll).await;
    let answer = answer
        .map_err(|error| unreadable(error.code().as_str(), error.to_string()).at(error.field()))?;
    Ok(json_text(StatusCode::OK, answer))
}

/// Answers with one room as a stream of server-sent events.
pub(super) async fn events(app: &App, request: &Request<Incoming>) -> Result<Answer, Refusal> {
    app.wait_for_rooms().await;
    let mut events = EventsRequest::from_query(request.uri().query().unwrap_or_default());
    if let Some(id) = request.headers().get("last-event-id") {
        // What is not text is no cursor either.
        let id = id.to_str().unwrap_or("?");
        events = events.and_then(|events| events.last_event_id(id));
    }
    let events = events.map_err(|error| malformed(&error))?;
    let stream = app.server.events(&Identity::guest(), events);
    let stream =
        stream.map_err(|error| unreadable(error.code().as_str(), error.to_string()).at("room"))?;
    Ok(streaming("text/event-stream", stream))
}

fn malformed(error: &InvalidRequest) -> Refusal {
    let refusal = Refusal::bad_request(error.message());
    match error.field() {
        Some(field) => refusal.at(field),
        None => refusal,
    }
}

fn unreadable(code: &'static str, message: String) -> Refusal {
    match code {
        "forbidden" => Refusal::forbidden(message),
        code => Refusal::new(StatusCode::NOT_FOUND, code, message),
    }
}
