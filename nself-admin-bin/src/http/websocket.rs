//! From an HTTP request to a WebSocket.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http::header::{self, HeaderValue};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use nself_realtime::transport::websocket::SUBPROTOCOL;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tracing::Instrument as _;

use super::App;
use super::answer::{Answer, Refusal, whole};
use super::fallback::open;
use super::guard::Granted;

/// Answers 101 and serves the connection in a task of its own.
pub(super) async fn upgrade(
    app: Arc<App>,
    granted: &Granted,
    mut request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    let seat = &granted.caller()?.seat;
    let (open, identity) = (open(seat)?, seat.identity());
    app.wait_for_rooms().await;
    let subprotocol = check_subprotocol(&request)?;
    let upgraded = hyper::upgrade::on(&mut request);
    let mut response = create_response_with_body(&request.map(|_| ()), || whole(Bytes::new()))
        .map_err(|error| Refusal::bad_request(format!("not a WebSocket handshake: {error}")))?;
    if let Some(subprotocol) = subprotocol {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
    }
    let serving = async move {
        match upgraded.await {
            Ok(upgraded) => {
                app.server.serve_websocket(TokioIo::new(upgraded), identity).await;
            }
            Err(error) => tracing::debug!(%error, "a handshake was not finished"),
        }
        drop(open);
    };
    tokio::spawn(serving.in_current_span());
    Ok(response)
}

/// Ours, if it was asked for; none, if none was; another one alone is refused.
fn check_subprotocol(request: &Request<Incoming>) -> Result<Option<HeaderValue>, Refusal> {
    let mut asked = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().peekable();
    if asked.peek().is_none() {
        return Ok(None);
    }
    let is_ours = |value: &HeaderValue| {
        value.to_str().is_ok_and(|list| list.split(',').any(|name| name.trim() == SUBPROTOCOL))
    };
    if asked.any(is_ours) {
        return Ok(Some(HeaderValue::from_static(SUBPROTOCOL)));
    }
    Err(Refusal::bad_request(format!("the only subprotocol here is {SUBPROTOCOL}")))
}
