//! The body of a request, read whole and within a limit of bytes and of time.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::answer::Refusal;
use super::super::guard::MAX_BODY_BYTES;

/// A client has that long to send its body.
const WITHIN: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Reads a body whole.
pub(crate) async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    let limit = usize::try_from(MAX_BODY_BYTES).unwrap_or(usize::MAX);
    let collected = tokio::time::timeout(WITHIN, Limited::new(body, limit).collect()).await;
    let collected = collected.map_err(|_| {
        Refusal::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the body did not come")
    })?;
    let body = collected.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            return Refusal::too_large();
        }
        Refusal::bad_request("the body broke off")
    })?;
    Ok(body.to_bytes())
}

/// Reads a body that has to be JSON of that form.
pub(super) async fn read_json<T: DeserializeOwned>(body: Incoming) -> Result<T, Refusal> {
    let body = read(body).await?;
    // The error may quote what was sent, which may be a password: only its kind and place are told.
    serde_json::from_slice(&body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let message = match error.classify() {
            serde_json::error::Category::Data => {
                format!("the body has another form than expected, at line {line}, column {column}")
            }
            _ => format!("the body is not JSON, at line {line}, column {column}"),
        };
        Refusal::bad_request(message)
    })
}

/// Reads a body that has to be `{}` or empty.
pub(super) async fn read_nothing(body: Incoming) -> Result<(), Refusal> {
    let body = read(body).await?;
    if body.is_empty() {
        return Ok(());
    }
    let nothing = serde_json::from_slice(&body).map(|Nothing {}| ());
    nothing.map_err(|error| Refusal::bad_request(format!("the body must be {{}}: {error}")))
}
