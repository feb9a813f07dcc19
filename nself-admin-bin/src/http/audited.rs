//! Whatever changes something is written down: before it is done, and what came of it. Both happen whether or
//! not whoever asked waits for the answer.

use std::sync::Arc;

use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use nself_docker::Accepted;
use tracing::Instrument as _;

use super::answer::{Answer, Refusal};
use super::guard::Granted;
use super::serve::contained;
use super::table::Route;
use super::{App, routes};
use crate::access::Seat;
use crate::state::StateError;
use crate::state::audit::Asker;

/// Handles a request that passed the guard.
pub(super) async fn handle(
    app: Arc<App>,
    granted: Granted,
    request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if !changes || granted.route() == Route::Poll {
        return routes::handle(app, &granted, request).await;
    }
    let what = format!("{} {}", request.method(), request.uri().path());
    let span = tracing::info_span!("action", what, from = %granted.from());
    let (own, acts) = (Arc::clone(&app), app.acts.clone());
    let changing = async move { handle_change(own, &granted, request, &what).await };
    acts.spawn(changing.instrument(span)).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a change was not made");
        Err(Refusal::internal())
    })
}

async fn handle_change(
    app: Arc<App>,
    granted: &Granted,
    request: Request<Incoming>,
    what: &str,
) -> Result<Answer, Refusal> {
    let (audit, clock) = (Arc::clone(&app.audit), Arc::clone(app.server.hub().clock()));
    let from = Some(granted.from());
    let Ok(caller) = granted.caller() else {
        // Somebody signs in. Attempts that were not looked at are not written down: there may be many.
        let answer = contained(routes::handle(app, granted, request)).await.flatten();
        let status = status(&answer);
        if matches!(status, StatusCode::NO_CONTENT | StatusCode::UNAUTHORIZED) {
            let nobody = Asker { user: None, role: None, from };
            let outcome = outcome(&answer);
            note(audit.record(clock.timestamp(), nobody, what, &outcome));
        }
        return answer;
    };
    let seat: Arc<Seat> = Arc::clone(&caller.seat);
    let asker = Asker { user: Some(seat.user()), role: Some(seat.role()), from };
    let intent = audit.intend(clock.timestamp(), asker, what).map_err(|error| {
        tracing::error!(%error, "not done, for it cannot be written down");
        Refusal::internal()
    })?;
    let answer = contained(routes::handle(app, granted, request)).await.flatten();
    let outcome = outcome(&answer);
    tracing::info!(user = %seat.user(), outcome, "acted");
    note(audit.conclude(clock.timestamp(), intent, &outcome));
    answer
}

/// Writes down how an action ended that was accepted, once it has.
pub(super) fn note_end(app: &App, granted: &Granted, what: String, accepted: Accepted) {
    let Ok(caller) = granted.caller() else { return };
    let (seat, from) = (Arc::clone(&caller.seat), Some(granted.from()));
    let (audit, clock) = (Arc::clone(&app.audit), Arc::clone(app.server.hub().clock()));
    app.acts.spawn(async move {
        let outcome = match accepted.ended().await {
            Ok(()) => "done".to_owned(),
            Err(error) => error.to_string(),
        };
        tracing::info!(user = %seat.user(), what, outcome, "an action ended");
        let asker = Asker { user: Some(seat.user()), role: Some(seat.role()), from };
        note(audit.record(clock.timestamp(), asker, &what, &outcome));
    });
}

fn status(answer: &Result<Answer, Refusal>) -> StatusCode {
    match answer {
        Ok(answer) => answer.status(),
        Err(refusal) => refusal.status,
    }
}

fn outcome(answer: &Result<Answer, Refusal>) -> String {
    match answer {
        Ok(answer) => answer.status().as_str().to_owned(),
        Err(refusal) => format!("{} {}", refusal.status.as_str(), refusal.code),
    }
}

fn note(written: Result<(), StateError>) {
    if let Err(error) = written {
        tracing::error!(%error, "an outcome cannot be written down");
    }
}
