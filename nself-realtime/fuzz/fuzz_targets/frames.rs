//! Lines of text as the messages of one connection: nothing panics, and every answer is JSON.

#![no_main]

use std::task::Waker;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use nself_realtime::auth::{Access, AuthError, Identity};
use nself_realtime::clock::{Clock, SystemClock};
use nself_realtime::event::{ServiceState, ServiceStatus};
use nself_realtime::{Hub, Name, Peer, RoomName, SessionConfig, Transmit};

fuzz_target!(|text: &str| {
    let hub = Hub::new();
    let shop = hub.open_room(&RoomName::new("shop").expect("a name"));
    let web = ServiceStatus::new(Name::new("web").expect("a name"), ServiceState::Running);
    let mut now = SystemClock.now();
    let (config, access) = (SessionConfig::default(), Access::default());
    let mut peer = Peer::new(hub, config, access, Identity::guest(), now);
    let mut out = Vec::new();
    for line in text.lines() {
        if !peer.wants_input() {
            return;
        }
        peer.handle_text(now, line);
        if peer.poll_token().is_some() {
            peer.handle_authenticated(Err(AuthError::Rejected));
        }
        shop.service_status(&web).expect("a status is valid");
        now += Duration::from_millis(100);
        while peer.poll_transmit(now, Waker::noop(), &mut out) == Transmit::Frames {}
        for frame in out.drain(..) {
            serde_json::from_slice::<serde_json::Value>(&frame).expect("a frame is JSON");
        }
    }
});
