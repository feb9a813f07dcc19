//! The event of all runs: 200 bytes of JSON that say when they were published.

use nself_realtime::clock::{Clock, SystemClock};
use nself_realtime::{Delivery, Payload, Retention};
use serde::{Deserialize, Serialize};

/// What stands before the time in the JSON of an event, and nowhere else.
pub const AT: &[u8] = br#""at":""#;

/// How many digits the time has.
pub const DIGITS: usize = 19;

/// With the time and the field names it makes 200 bytes.
const TEXT: &str = "GET /api/products?page=2 HTTP/1.1 200 12ms upstream=catalog:8080 \
    request=5f3a9c1e-7b44-4d1c-9d0a-1f6f0c7e2b55 agent=curl bytes=18234 cache=miss region=a \
    retry=100";

/// An event that may wait for others, and of which more is kept than any run publishes at once.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line {
    // In digits: JavaScript has no whole numbers of that size.
    at: String,
    text: String,
}

/// The same, but written at once.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct State(Line);

impl Line {
    /// Published now.
    pub fn now() -> Self {
        Self { at: now().to_string(), text: TEXT.to_owned() }
    }
}

impl State {
    /// Published now.
    pub fn now() -> Self {
        Self(Line::now())
    }
}

const KEPT: Retention = Retention::Ring { events: 4_096, bytes: 4 * 1024 * 1024 };

impl Payload for Line {
    const TYPE: &'static str = "bench:line";
    const DELIVERY: Delivery = Delivery::Batched;
    const RETENTION: Retention = KEPT;

    fn key(&self) -> &'static str {
        "web"
    }
}

impl Payload for State {
    const TYPE: &'static str = "bench:state";
    const DELIVERY: Delivery = Delivery::Immediate;
    const RETENTION: Retention = KEPT;

    fn key(&self) -> &'static str {
        "web"
    }
}

/// The time in nanoseconds since 1970, the same for all processes of the machine.
pub fn now() -> u64 {
    u64::try_from(SystemClock.timestamp().unix_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_200_bytes_whose_time_can_be_found() {
        let json = serde_json::to_vec(&Line::now()).unwrap();
        assert_eq!(json.len(), 200);
        let at = memchr::memmem::find(&json, AT).unwrap() + AT.len();
        assert!(json[at..at + DIGITS].iter().all(u8::is_ascii_digit));
        assert_eq!(json[at + DIGITS], b'"');
    }
}
