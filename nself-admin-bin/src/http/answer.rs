//! Answers: every one carries the security headers, every error has one form.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::header::{self, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use serde::Serialize;

use super::guard::MAX_BODY_BYTES;
use crate::access::whole_seconds;

/// The body of an answer: whole, or a stream.
pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// An answer.
pub(super) type Answer = Response<Body>;

/// The page builds its DOM from text, loads nothing from elsewhere and is framed by nobody.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'";

/// What every answer carries.
pub(super) const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
    field: Option<String>,
    details: Option<Box<serde_json::Value>>,
    /// The methods that the route has, where it lacks the one that was asked for.
    allow: Option<String>,
    retry_after: Option<Duration>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorData<'a>,
}

#[derive(Serialize)]
struct ErrorData<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a serde_json::Value>,
    #[serde(rename = "retryAfterMs", skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, code, message, field: None, details: None, allow: None, retry_after: None }
    }

    /// Nobody is signed in.
    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "sign in first")
    }

    /// Too much of it: again after that time.
    pub(super) fn rate_limited(message: impl Into<String>, retry_after: Duration) -> Self {
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message);
        Self { retry_after: Some(retry_after), ..refusal }
    }

    pub(super) fn too_large() -> Self {
        let message = format!("the body may have {MAX_BODY_BYTES} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    pub(super) fn engine_offline(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "engine_offline", message)
    }

    /// A fault of ours; what it is stands in our log.
    pub(super) fn internal() -> Self {
        let message = "something went wrong here; the log of nself-admin says what";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    /// The same, for an error that whoever asks cannot mend: it may name what is not for them.
    pub(super) fn unexpected(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "a request failed");
        Self::internal()
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    pub(super) fn at(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }

    /// Adds what a program can act upon.
    pub(super) fn with(self, details: serde_json::Value) -> Self {
        Self { details: Some(Box::new(details)), ..self }
    }

    /// With the methods that are possible.
    pub(super) fn allow(mut self, methods: String) -> Self {
        self.allow = Some(methods);
        self
    }

    pub(super) fn into_answer(self) -> Answer {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let error = ErrorData {
            code: self.code,
            message: &self.message,
            field: self.field.as_deref(),
            details: self.details.as_deref(),
            retry_after_ms: self.retry_after.map(millis),
        };
        let mut answer = json(self.status, &ErrorBody { error });
        let headers = answer.headers_mut();
        if let Some(allow) = self.allow.and_then(|allow| HeaderValue::try_from(allow).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        if let Some(time) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(time)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        answer
    }
}

/// JSON that is not to be kept anywhere.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    json_text(status, serde_json::to_vec(value).unwrap_or_default().into())
}

/// The same, of JSON as it is sent.
pub(super) fn json_text(status: StatusCode, text: Bytes) -> Answer {
    with_body(status, "application/json", "no-store", text)
}

/// A body that goes on until the stream ends; what an item has is written at once.
pub(super) fn streaming(
    content_type: &'static str,
    items: impl Stream<Item = Bytes> + Send + 'static,
) -> Answer {
    let body = StreamBody::new(items.map(|item| Ok(Frame::data(item))));
    with_headers(StatusCode::OK, content_type, "no-store", body.boxed_unsync())
}

/// A body of that type, to be kept as `cache` says.
pub(super) fn with_body(
    status: StatusCode,
    content_type: &'static str,
    cache: &'static str,
    body: Bytes,
) -> Answer {
    with_headers(status, content_type, cache, whole(body))
}

/// No body at all.
pub(super) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(whole(Bytes::new()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// A body that is there already.
pub(super) fn whole(body: Bytes) -> Body {
    Full::new(body).boxed_unsync()
}

fn with_headers(
    status: StatusCode,
    content_type: &'static str,
    cache: &'static str,
    body: Body,
) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    answer
}

/// Adds what every answer has to have.
pub(super) fn secured(mut answer: Answer) -> Answer {
    for (name, value) in SECURITY_HEADERS {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}
