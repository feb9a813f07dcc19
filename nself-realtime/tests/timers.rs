//! When the loop around a connection acts although nobody says anything, in time that is skipped.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it fails")]

use std::time::Duration;

use futures::StreamExt;
use nself_realtime::clock::TokioClock;
use nself_realtime::event::{LogLine, LogsStream, Source};
use nself_realtime::transport::MemoryConnection;
use nself_realtime::{
    Emitter, Hub, Name, NanoTimestamp, RoomName, Server, SessionConfig, Timestamp,
};
use serde_json::Value;
use tokio::time::{Instant, sleep};

/// Less than the half minute after which cursors are told.
const HEARTBEAT: Duration = Duration::from_secs(7);

/// A reader of a room in which nothing has happened.
async fn reader() -> (MemoryConnection, Emitter) {
    let start = Timestamp::from_unix_nanos(0).unwrap();
    let hub = Hub::builder().clock(TokioClock::starting_at(start)).build();
    let shop = hub.open_room(&RoomName::new("shop").unwrap());
    let config = SessionConfig::default().heartbeat(HEARTBEAT);
    let mut reader = Server::new(hub, config).connect();
    assert!(reader.send(r#"{"type":"subscribe","room":"shop"}"#).await);
    while next(&mut reader).await["type"] != "ready" {}
    (reader, shop)
}

async fn next(reader: &mut MemoryConnection) -> Value {
    serde_json::from_slice(&reader.next().await.unwrap()).unwrap()
}

fn line(room: &Emitter, text: &str) {
    let (service, time) = (Name::new("web").unwrap(), NanoTimestamp::from_unix_nanos(0).unwrap());
    room.log(&LogsStream::Line(LogLine::new(service, time, Source::Stdout, text))).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_comes_when_nothing_was_written_for_its_time() {
    let (mut reader, shop) = reader().await;
    let begun = Instant::now();
    for _ in 0..2 {
        sleep(Duration::from_secs(5)).await;
        line(&shop, "a line");
        assert_eq!(next(&mut reader).await["type"], "logs:stream", "{:?}", begun.elapsed());
    }
    assert_eq!(next(&mut reader).await["type"], "heartbeat");
    assert_eq!(begun.elapsed().as_secs(), 17, "7 s after the last line");
}

#[tokio::test(start_paused = true)]
async fn what_is_due_sooner_than_the_next_heartbeat_does_not_wait_for_it() {
    let (mut reader, shop) = reader().await;
    sleep(Duration::from_secs(1)).await;
    for text in ["alone", "waits"] {
        line(&shop, text);
        tokio::task::yield_now().await;
    }
    let begun = Instant::now();
    assert_eq!(next(&mut reader).await["data"]["line"], "alone");
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(next(&mut reader).await["data"]["line"], "waits");
    assert!(begun.elapsed() < Duration::from_millis(20), "{:?}", begun.elapsed());
}
