//! Bodies and query strings: they are read, or refused with the place of the mistake.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nself_realtime::transport::poll::PollRequest;
use nself_realtime::transport::sse::EventsRequest;

fuzz_target!(|bytes: &[u8]| {
    let mut refused = vec![PollRequest::from_json(bytes).err()];
    if let Ok(text) = str::from_utf8(bytes) {
        refused.push(PollRequest::from_query(text).err());
        refused.push(EventsRequest::from_query(text).err());
    }
    for error in refused.into_iter().flatten() {
        assert!(!error.message().is_empty());
    }
});
