//! A client that reads one room over any transport, and what it sees.

use std::time::Duration;

use nself_realtime::Server;
use serde::Deserialize;
use serde_json::Value;

use crate::framed::Framed;
use crate::poll::Poll;
use crate::sse::Sse;

/// Nothing comes after that long without anything: the longest wait of the protocol is a tenth.
pub(crate) const QUIET: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    WebSocket,
    Memory,
    Sse,
    Poll,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::WebSocket, Self::Memory, Self::Sse, Self::Poll];
}

/// What a client is told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Seen {
    Subscribed(String),
    Snapshot(Vec<Value>),
    Gap(Value),
    Events(Vec<Value>),
    Ready,
    Closed,
    Error(String),
}

pub(crate) enum Client {
    Framed(Box<Framed>),
    Sse(Sse),
    Poll(Poll),
}

/// What went over the wire.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub(crate) sent: Vec<Value>,
    pub(crate) received: Vec<Value>,
}

/// Where a client stands, in the words of the protocol: it keeps its former cursor until `ready`, and
/// the one before a gap until it has passed what the gap counts.
#[derive(Debug, Default)]
pub(crate) struct Place {
    pub(crate) cursor: Option<String>,
    ready: bool,
    gap_to: u64,
}

impl Client {
    /// Subscribes to a room. `resumed` is a position that this client itself came to.
    pub(crate) async fn subscribe(
        kind: Kind,
        server: &Server,
        room: &str,
        filters: &[Value],
        since: Option<String>,
        resumed: bool,
    ) -> Self {
        match kind {
            Kind::WebSocket => {
                Self::Framed(Box::new(Framed::over_websocket(server, room, filters, since).await))
            }
            Kind::Memory => {
                Self::Framed(Box::new(Framed::over_memory(server, room, filters, since).await))
            }
            Kind::Sse => Self::Sse(Sse::new(server, room, filters, since, resumed)),
            Kind::Poll => Self::Poll(Poll::new(server, room, filters, since)),
        }
    }

    pub(crate) async fn say(&mut self, frame: &Value) {
        match self {
            Self::Framed(framed) => framed.say(frame).await,
            Self::Sse(_) | Self::Poll(_) => panic!("this transport has no requests but the first"),
        }
    }

    /// Everything that comes until nothing does.
    pub(crate) async fn observe(&mut self) -> Vec<Seen> {
        match self {
            Self::Framed(framed) => framed.observe().await,
            Self::Sse(sse) => sse.observe().await,
            Self::Poll(poll) => poll.observe().await,
        }
    }

    /// Takes the first part of what there is, and no more.
    pub(crate) async fn take_a_part(&mut self) {
        match self {
            Self::Framed(framed) => framed.take_a_part().await,
            Self::Sse(sse) => sse.take_a_part().await,
            Self::Poll(poll) => poll.take_a_part(),
        }
    }

    /// What was sent and what came since this was asked last; of server-sent events nothing.
    pub(crate) fn take_wire(&mut self) -> Wire {
        match self {
            Self::Framed(framed) => std::mem::take(&mut framed.wire),
            Self::Sse(_) => Wire::default(),
            Self::Poll(poll) => std::mem::take(&mut poll.wire),
        }
    }

    pub(crate) fn cursor(&self) -> Option<String> {
        match self {
            Self::Framed(framed) => framed.place.cursor.clone(),
            Self::Sse(sse) => sse.id.clone(),
            Self::Poll(poll) => poll.cursor.clone(),
        }
    }
}

impl Place {
    pub(crate) fn new(cursor: Option<String>) -> Self {
        Self { cursor, ..Self::default() }
    }

    /// What a frame tells, if it is about the room.
    pub(crate) fn hear(&mut self, frame: &Value) -> Option<Seen> {
        let data = &frame["data"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Some(match frame["type"].as_str().unwrap() {
            "welcome" | "heartbeat" => return None,
            "subscribed" => {
                (self.ready, self.gap_to) = (false, 0);
                Seen::Subscribed(text(&data["recovered"]))
            }
            "snapshot" => Seen::Snapshot(frame["events"].as_array().unwrap().clone()),
            "gap" => {
                self.gap_to = self.gap_to.max(data["to"].as_u64().unwrap());
                Seen::Gap(data.clone())
            }
            "ready" => {
                self.ready = true;
                self.move_to(text(&data["cursor"]));
                Seen::Ready
            }
            "cursor" => {
                self.move_to(text(&data["cursor"]));
                return None;
            }
            "unsubscribed" if data["reason"] == "requested" => return None,
            "unsubscribed" => Seen::Closed,
            "error" => Seen::Error(text(&data["code"])),
            "batch" => self.events(frame["events"].as_array().unwrap().clone()),
            _ => {
                assert!(frame["seq"].is_u64(), "a frame of unknown type: {frame}");
                assert!(frame["room"].is_string(), "an event alone names its room: {frame}");
                self.events(vec![frame.clone()])
            }
        })
    }

    fn events(&mut self, events: Vec<Value>) -> Seen {
        if let (Some(cursor), Some(last)) = (&self.cursor, events.last()) {
            let (epoch, _) = cursor.split_once('.').unwrap();
            self.move_to(format!("{epoch}.{}", last["seq"]));
        }
        Seen::Events(events)
    }

    fn move_to(&mut self, cursor: String) {
        let (_, seq) = cursor.split_once('.').unwrap();
        if self.ready && seq.parse::<u64>().unwrap() >= self.gap_to {
            self.cursor = Some(cursor);
        }
    }
}
