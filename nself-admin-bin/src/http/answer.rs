//! Answers: every one carries the security headers, every error has one form.

use std::convert::Infallible;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::header::{self, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use serde::Serialize;

/// The body of an answer: whole, or a stream.
pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// An answer.
pub(super) type Answer = Response<Body>;

/// The page builds its DOM from text, loads nothing from elsewhere and is framed by nobody.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'";

const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
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
    message: String,
    field: Option<String>,
    details: Option<serde_json::Value>,
    /// The methods that the route has, where it lacks the one that was asked for.
    pub(super) allow: Option<&'static str>,
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
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), field: None, details: None, allow: None }
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
        Self { details: Some(details), ..self }
    }

    pub(super) fn into_answer(self) -> Answer {
        let error = ErrorData {
            code: self.code,
            message: &self.message,
            field: self.field.as_deref(),
            details: self.details.as_ref(),
        };
        let mut answer = json(self.status, &ErrorBody { error });
        if let Some(allow) = self.allow {
            answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
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
