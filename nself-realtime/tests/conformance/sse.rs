//! A client of server-sent events that knows of cursors only the `id:` of the messages.

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use nself_realtime::Server;
use nself_realtime::auth::Identity;
use nself_realtime::transport::sse::EventsRequest;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::time::timeout;

use crate::client::{Place, QUIET, Seen};

pub(crate) struct Sse {
    stream: Option<BoxStream<'static, Bytes>>,
    refused: Option<String>,
    // What was received and not looked at.
    messages: Vec<String>,
    pub(crate) id: Option<String>,
}

impl Sse {
    pub(crate) fn new(
        server: &Server,
        room: &str,
        filters: &[Value],
        since: Option<String>,
        resumed: bool,
    ) -> Self {
        let [filter] = filters else { panic!("a stream has one filter") };
        let mut query = vec![format!("room={room}")];
        for name in ["types", "keys"] {
            if let Some(values) = filter[name].as_array() {
                let values: Vec<String> = values.iter().map(encode).collect();
                query.push(format!("{name}={}", values.join(",")));
            }
        }
        if let Some(tail) = filter["tail"].as_u64() {
            query.push(format!("tail={tail}"));
        }
        let former = since.clone().filter(|_| resumed);
        if let Some(since) = since.filter(|_| !resumed) {
            query.push(format!("since={since}"));
        }
        let request = EventsRequest::from_query(&query.join("&"))
            .and_then(|request| request.last_event_id(former.as_deref().unwrap_or("")))
            .map_err(|error| error.code());
        let stream = request.and_then(|request| {
            server.events(&Identity::guest(), request).map_err(|error| error.code())
        });
        match stream {
            Ok(stream) => Self {
                stream: Some(stream.boxed()),
                refused: None,
                messages: Vec::new(),
                id: former,
            },
            Err(code) => Self {
                stream: None,
                refused: Some(code.as_str().to_owned()),
                messages: Vec::new(),
                id: former,
            },
        }
    }

    pub(crate) async fn observe(&mut self) -> Vec<Seen> {
        let mut seen: Vec<Seen> = self.refused.take().map(Seen::Error).into_iter().collect();
        while let Ok(Some(message)) = timeout(QUIET, self.message()).await {
            seen.extend(self.hear(&message));
        }
        seen
    }

    pub(crate) async fn take_a_part(&mut self) {
        while let Some(message) = self.message().await {
            if let Some(Seen::Snapshot(_) | Seen::Events(_)) = self.hear(&message) {
                return;
            }
        }
    }

    async fn message(&mut self) -> Option<String> {
        while self.messages.is_empty() {
            let chunk = self.stream.as_mut()?.next().await?;
            let text = String::from_utf8(chunk.to_vec()).unwrap();
            assert!(text.ends_with("\n\n"), "whole messages");
            self.messages.extend(text.split_terminator("\n\n").map(str::to_owned));
        }
        Some(self.messages.remove(0))
    }

    fn hear(&mut self, message: &str) -> Option<Seen> {
        let (mut event, mut data) = ("message", None);
        for line in message.lines() {
            match line.split_once(": ") {
                Some(("id", id)) => self.id = Some(id.to_owned()),
                Some(("event", name)) => event = name,
                Some(("data", text)) => data = Some(text),
                _ => assert_eq!(line, ":", "a line that is not understood"),
            }
        }
        let frame: Value = serde_json::from_str(data?).unwrap();
        let named = ["subscribed", "ready", "gap", "unsubscribed"];
        let frame_type = frame["type"].as_str().unwrap();
        assert_eq!(event, *named.iter().find(|n| **n == frame_type).unwrap_or(&"message"));
        // The positions of the frames are not used: the `id:` alone has to be enough.
        Place::default().hear(&frame)
    }
}

fn encode(value: &Value) -> String {
    utf8_percent_encode(value.as_str().unwrap(), NON_ALPHANUMERIC).to_string()
}
