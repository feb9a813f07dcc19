//! A polling client.

use futures::FutureExt;
use nself_realtime::Server;
use nself_realtime::auth::Identity;
use nself_realtime::transport::poll::PollRequest;
use serde_json::{Value, json};

use crate::client::{QUIET, Seen, Wire};

/// No transcript tells that much at once.
const MANY: usize = 1_000;

pub(crate) struct Poll {
    server: Server,
    subscription: Value,
    pub(crate) cursor: Option<String>,
    subscribed: bool,
    ready: bool,
    pub(crate) wire: Wire,
}

impl Poll {
    pub(crate) fn new(
        server: &Server,
        room: &str,
        filters: &[Value],
        since: Option<String>,
    ) -> Self {
        let subscription = json!({"room": room, "filters": filters});
        let server = server.clone();
        let (subscribed, ready, wire) = (false, false, Wire::default());
        Self { server, subscription, cursor: since, subscribed, ready, wire }
    }

    pub(crate) async fn observe(&mut self) -> Vec<Seen> {
        let mut seen = Vec::new();
        loop {
            // Who catches up does not wait; who has, waits for what comes.
            let wait = if self.ready { QUIET.as_millis() } else { 0 };
            let request = match self.request(wait) {
                Ok(request) => request,
                Err(code) => return vec![Seen::Error(code)],
            };
            let answer = match self.server.poll(&Identity::guest(), request).await {
                Ok(answer) => answer,
                Err(error) => {
                    let (code, field) = (error.error.code().as_str(), &error.field);
                    let error = json!({"code": code, "message": error.to_string(), "field": field});
                    self.wire.received.push(json!({"error": error}));
                    if self.subscribed {
                        seen.push(Seen::Closed);
                        return seen;
                    }
                    seen.push(Seen::Error(code.to_owned()));
                    return seen;
                }
            };
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            self.wire.received.push(answer.clone());
            let before = seen.len();
            self.hear(&answer["rooms"][0], &mut seen);
            assert!(seen.len() < MANY, "it never ends: {:?}", seen.last());
            if self.ready && seen.len() == before {
                return as_a_whole(seen);
            }
        }
    }

    /// The request is made, and cut before its answer is read.
    pub(crate) fn take_a_part(&mut self) {
        let request = self.request(20_000).unwrap();
        let guest = Identity::guest();
        let _lost = self.server.poll(&guest, request).now_or_never();
    }

    fn request(&mut self, wait: u128) -> Result<PollRequest, String> {
        let mut subscription = self.subscription.clone();
        if let Some(cursor) = &self.cursor {
            subscription["since"] = json!(cursor);
        }
        let wait = u64::try_from(wait).unwrap();
        let body = json!({"waitMs": wait, "subscriptions": [subscription]});
        self.wire.sent.push(body.clone());
        PollRequest::from_json(body.to_string().as_bytes())
            .map_err(|error| error.code().as_str().to_owned())
    }

    fn hear(&mut self, room: &Value, seen: &mut Vec<Seen>) {
        let list = |name: &str| room[name].as_array().unwrap().clone();
        if !self.subscribed || room["recovered"] == "reset" {
            seen.push(Seen::Subscribed(room["recovered"].as_str().unwrap().to_owned()));
            (self.subscribed, self.ready) = (true, false);
        }
        let (snapshot, events) = (list("snapshot"), list("events"));
        if !snapshot.is_empty() {
            seen.push(Seen::Snapshot(snapshot));
        }
        seen.extend(list("gaps").into_iter().map(Seen::Gap));
        if !events.is_empty() {
            seen.push(Seen::Events(events));
        }
        self.cursor = Some(room["cursor"].as_str().unwrap().to_owned());
        if room["more"] == false && !self.ready {
            self.ready = true;
            seen.push(Seen::Ready);
        }
    }
}

/// `recovered` is about one answer; a gap in a later one is about the same subscription.
fn as_a_whole(mut seen: Vec<Seen>) -> Vec<Seen> {
    if seen.iter().any(|seen| matches!(seen, Seen::Gap(_)))
        && let Some(Seen::Subscribed(recovered)) = seen.first_mut()
    {
        "gap".clone_into(recovered);
    }
    seen
}
