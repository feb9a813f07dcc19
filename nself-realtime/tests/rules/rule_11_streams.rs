//! Rule 11: the producer of a flow-controlled stream goes at the pace of its reader, and ends when that is gone.

use std::time::Duration;

use futures::{FutureExt, StreamExt};
use nself_realtime::event::QueryResult;
use nself_realtime::transport::MemoryConnection;
use nself_realtime::{
    EmitError, FlowStream, Hub, Name, RoomName, Server, SessionConfig, StreamError,
};
use serde_json::{Value, json};

use crate::world::runtime_clock;

struct Query {
    server: Server,
    stream: FlowStream,
}

impl Query {
    fn open() -> Self {
        let hub = Hub::builder().clock(runtime_clock()).build();
        let stream = hub.open_stream(&RoomName::new("query/1").unwrap()).unwrap();
        Self { server: Server::new(hub, SessionConfig::default()), stream }
    }

    async fn reader(&self, since: Option<&Value>) -> Reader {
        let mut reader = Reader(self.server.connect(), Vec::new());
        let data = since.map_or(json!({}), |since| json!({"since": since}));
        reader.say(&json!({"type": "subscribe", "id": 1, "room": "query/1", "data": data})).await;
        assert_eq!(reader.frame().await["type"], "welcome");
        reader
    }
}

/// A client, with the positions that it was given.
struct Reader(MemoryConnection, Vec<u64>);

impl Reader {
    async fn say(&mut self, frame: &Value) {
        assert!(self.0.send(frame.to_string()).await);
    }

    async fn frame(&mut self) -> Value {
        let frame: Value = serde_json::from_slice(&self.0.next().await.unwrap()).unwrap();
        let one = [frame.clone()];
        for event in frame["events"].as_array().map_or(&one[..], Vec::as_slice) {
            self.1.extend(event["seq"].as_u64());
        }
        frame
    }

    /// Reads until it has been given that position, or more.
    async fn read_to(&mut self, seq: u64) {
        while self.1.last().is_none_or(|last| *last < seq) {
            self.frame().await;
        }
    }

    async fn acknowledge(&mut self, epoch: &Value, seq: u64) {
        let cursor = format!("{}.{seq}", epoch.as_str().unwrap());
        let data = json!({"cursor": cursor});
        self.say(&json!({"type": "ack", "room": "query/1", "data": data})).await;
    }
}

fn rows(n: u64) -> QueryResult {
    QueryResult {
        query_id: Name::new("1").unwrap(),
        fields: Vec::new(),
        rows: vec![vec![json!(n)]],
        row_count: n,
        done: false,
        execution_time_ms: None,
        truncated: false,
        error: None,
    }
}

#[tokio::test(start_paused = true)]
async fn the_producer_waits_for_its_reader_and_nothing_is_skipped() {
    let query = Query::open();
    let mut reader = query.reader(None).await;
    let subscribed = reader.frame().await;
    let epoch = &subscribed["data"]["epoch"];
    let mut sent = 0;
    while query.stream.db_query_result(&rows(sent + 1)).now_or_never().is_some() {
        sent += 1;
    }
    assert_eq!(sent, 64, "as far as it may be ahead");
    let produce = async {
        for n in 65..=1_000 {
            query.stream.send(&rows(n)).await.unwrap();
        }
        query.stream.finish().await.unwrap();
    };
    let read = async {
        for seq in (50..=1_000).step_by(50) {
            reader.read_to(seq).await;
            reader.acknowledge(epoch, seq).await;
        }
    };
    futures::join!(produce, read);
    assert_eq!(reader.1, (1..=1_000).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_leaves_ends_the_producer_at_once() {
    let query = Query::open();
    let mut reader = query.reader(None).await;
    for n in 1..=64 {
        query.stream.send(&rows(n)).await.unwrap();
    }
    reader.say(&json!({"type": "unsubscribe", "room": "query/1"})).await;
    let ended = query.stream.send(&rows(65)).await;
    assert!(matches!(ended, Err(StreamError::ReaderLeft { .. })), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_vanishes_ends_the_producer_after_a_minute() {
    let query = Query::open();
    drop(query.reader(None).await);
    for n in 1..=64 {
        query.stream.send(&rows(n)).await.unwrap();
    }
    let before = tokio::time::Instant::now();
    let ended = query.stream.send(&rows(65)).await;
    assert!(matches!(ended, Err(StreamError::Timeout { .. })), "{ended:?}");
    assert!(before.elapsed() >= Duration::from_secs(59));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_comes_back_goes_on_from_its_cursor_and_takes_over() {
    let query = Query::open();
    let mut first = query.reader(None).await;
    let epoch = first.frame().await["data"]["epoch"].clone();
    for n in 1..=64 {
        query.stream.send(&rows(n)).await.unwrap();
    }
    first.read_to(64).await;
    let since = json!(format!("{}.40", epoch.as_str().unwrap()));
    let mut second = query.reader(Some(&since)).await;
    assert_eq!(second.frame().await["data"]["recovered"], "full");
    second.read_to(64).await;
    assert_eq!(second.1, (41..=64).collect::<Vec<_>>());
    // What it has it need not acknowledge again.
    query.stream.send(&rows(65)).await.unwrap();
    second.read_to(65).await;
    let told = first.frame().await;
    assert_eq!(
        (&told["type"], &told["data"]["reason"]),
        (&json!("unsubscribed"), &json!("superseded"))
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sent_cannot_be_acknowledged() {
    let query = Query::open();
    let mut reader = query.reader(None).await;
    let epoch = reader.frame().await["data"]["epoch"].clone();
    query.stream.send(&rows(1)).await.unwrap();
    reader.read_to(1).await;
    for (epoch, seq) in [(&epoch, 2), (&json!("elsewhere"), 1)] {
        reader.acknowledge(epoch, seq).await;
        let error = reader.frame().await;
        assert_eq!(error["data"]["code"], "bad_request");
        assert_eq!(error["data"]["field"], "/data/cursor");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_not_told_in_system_and_its_type_needs_one() {
    let query = Query::open();
    let hub = query.server.hub();
    assert!(hub.open_stream(&RoomName::new("query/1").unwrap()).is_none(), "the name is taken");
    let plain = hub.open_room(&RoomName::new("shop").unwrap());
    assert!(matches!(plain.emit(&rows(1)), Err(EmitError::FlowControlled { .. })));
    let mut watcher = query.server.connect();
    watcher.send(r#"{"type":"subscribe","room":"system"}"#).await;
    let frames: Vec<_> = watcher.by_ref().take(3).collect().await;
    assert!(!String::from_utf8_lossy(&frames.concat()).contains("query/1"));
    drop(query.stream);
    assert!(!query.server.hub().rooms().contains(&RoomName::new("query/1").unwrap()));
}
