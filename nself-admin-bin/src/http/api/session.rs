//! Signing in and out, and who one is.

use http::StatusCode;
use http::header;
use hyper::body::Incoming;
use nself_realtime::{Name, RoomName, Timestamp};
use serde::{Deserialize, Serialize};

use super::super::App;
use super::super::answer::{Answer, Refusal, empty, json};
use super::super::cookie;
use super::super::guard::Granted;
use super::body::{read_json, read_nothing};
use crate::access::{Caller, Role, Secret, SignInError};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Session<'a> {
    user: &'a Name,
    role: Role,
    /// Null, if it does not end by itself.
    expires_at: Option<Timestamp>,
    read_only: bool,
    demo: bool,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a RoomName>,
    sign_in: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bootstrap {
    token: String,
}

/// Who asks, and what this program is.
pub(crate) fn tell(app: &App, granted: &Granted) -> Result<Answer, Refusal> {
    let expires_at = granted.caller()?.session.map(|(_, until)| until);
    session(app, granted, expires_at)
}

fn session(app: &App, granted: &Granted, expires_at: Option<Timestamp>) -> Result<Answer, Refusal> {
    let caller = granted.caller()?;
    let session = Session {
        user: caller.seat.user(),
        role: caller.seat.role(),
        expires_at,
        read_only: app.guard.read_only,
        demo: app.about.demo,
        version: env!("CARGO_PKG_VERSION"),
        environment: app.about.environment.as_deref(),
        project: app.about.project.as_ref(),
        sign_in: app.access.is_needed(),
    };
    Ok(json(StatusCode::OK, &session))
}

/// Signs in with the password.
pub(crate) async fn log_in(
    app: &App,
    granted: &Granted,
    body: Incoming,
) -> Result<Answer, Refusal> {
    let Login { password } = read_json(body).await?;
    let signed_in = app.access.log_in(granted.from(), password).await;
    welcome(granted, signed_in)
}

/// Signs in with what stood in a one-time link.
pub(crate) async fn follow_link(
    app: &App,
    granted: &Granted,
    body: Incoming,
) -> Result<Answer, Refusal> {
    let Bootstrap { token } = read_json(body).await?;
    welcome(granted, app.access.follow_link(granted.from(), &token))
}

/// Signs out: the session ends, with every connection that it has.
pub(crate) async fn log_out(
    app: &App,
    granted: &Granted,
    body: Incoming,
) -> Result<Answer, Refusal> {
    read_nothing(body).await?;
    app.access.log_out(granted.caller()?);
    let mut answer = empty(StatusCode::NO_CONTENT);
    if let Some(cookie) = cookie::forget(granted.site()) {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

/// Stays signed in, with every connection that the session has, and is told what [`tell`] tells.
pub(crate) async fn renew(app: &App, granted: &Granted, body: Incoming) -> Result<Answer, Refusal> {
    read_nothing(body).await?;
    let expires_at = app.access.renew(granted.caller()?);
    session(app, granted, expires_at)
}

fn welcome(
    granted: &Granted,
    signed_in: Result<(Secret, Caller), SignInError>,
) -> Result<Answer, Refusal> {
    let (secret, _) = signed_in.map_err(|error| refused(&error))?;
    let mut answer = empty(StatusCode::NO_CONTENT);
    if let Some(cookie) = cookie::keep(granted.site(), &secret) {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

fn refused(error: &SignInError) -> Refusal {
    match error {
        SignInError::Wrong | SignInError::NoPassword => {
            Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", error.to_string())
        }
        SignInError::Wait(time) => Refusal::rate_limited(error.to_string(), *time),
        SignInError::NotNeeded => Refusal::not_found(error.to_string()),
        SignInError::State(_) | SignInError::Random(_) | SignInError::Task(_) => {
            tracing::error!(%error, "nobody could sign in");
            Refusal::internal()
        }
    }
}
