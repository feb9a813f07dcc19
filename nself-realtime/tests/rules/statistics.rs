//! What was done is counted.

use std::time::Duration;

use futures::{FutureExt, StreamExt};
use nself_realtime::auth::Identity;
use nself_realtime::stats::Transport;
use nself_realtime::transport::poll::PollRequest;
use nself_realtime::transport::sse::EventsRequest;
use nself_realtime::{CloseCode, Hub, Server, SessionConfig};

use crate::world::{World, log_line, runtime_clock, seqs, shop};

#[test]
fn what_was_done_is_counted() {
    let world = World::new();
    let mut connection = world.follow();
    for n in 0..10 {
        world.line("web", &format!("line {n}"));
    }
    world.clock.advance(Duration::from_millis(16));
    assert_eq!(seqs(&connection.frames()).len(), 10);
    connection.peer.handle_written();
    connection.peer.close(CloseCode::Restart, None);
    let done = world.hub.statistics();
    // The room itself was told, too.
    assert_eq!((done.events_in, done.events_out), (11, 10));
    assert!(done.closes.contains(&(CloseCode::Restart, 1)));
    assert_eq!(done.latency.iter().sum::<u64>(), 1);
    assert!(done.bytes_out > 1_000 && done.frames_out >= 4);
}

#[tokio::test(start_paused = true)]
async fn streams_and_polls_are_counted_as_connections_are() {
    let hub = Hub::builder().clock(runtime_clock()).build();
    let shop = hub.open_room(&shop());
    let (server, guest) = (Server::new(hub.clone(), SessionConfig::default()), Identity::guest());
    let connected = |transport| {
        let connections = hub.statistics().connections;
        connections.into_iter().find(|(of, _)| *of == transport).unwrap().1
    };
    let request = EventsRequest::from_query("room=shop").unwrap();
    let mut stream = server.events(&guest, request).unwrap().boxed();
    let first = stream.next().await.unwrap();
    let rest = stream.next().await.unwrap();
    let before = hub.statistics();
    assert_eq!((before.frames_out, before.events_out), (2, 0), "subscribed and ready");
    assert_eq!(before.bytes_out, (first.len() + rest.len()) as u64);

    shop.log(&log_line("web", "line", None)).unwrap();
    stream.next().await.unwrap();
    let request = PollRequest::from_query("room=shop").unwrap();
    let answer = server.poll(&guest, request).await.unwrap();
    let after = hub.statistics();
    assert_eq!((after.frames_out, after.events_out), (4, 2), "each has told the line");
    assert!(after.bytes_out > before.bytes_out + answer.len() as u64);

    let cursor =
        serde_json::from_slice::<serde_json::Value>(&answer).unwrap()["rooms"][0]["cursor"]
            .as_str()
            .unwrap()
            .to_owned();
    let waits = PollRequest::from_query(&format!("room=shop&since={cursor}")).unwrap();
    let mut waiting = Box::pin(server.poll(&guest, waits));
    assert!(waiting.as_mut().now_or_never().is_none());
    assert_eq!((connected(Transport::Events), connected(Transport::Poll)), (1, 1));
    drop((stream, waiting));
    assert_eq!((connected(Transport::Events), connected(Transport::Poll)), (0, 0));
}
