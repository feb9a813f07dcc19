//! A broker that several servers share: positions are given out elsewhere, any server answers any
//! cursor, and a log that was lost resets its readers.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::sync::{Arc, Mutex};

use futures::StreamExt;
use nself_realtime::broker::{Broker, BrokerError, Confirmation, Log, Record};
use nself_realtime::event::{ServiceState, ServiceStatus};
use nself_realtime::transport::MemoryConnection;
use nself_realtime::{Cursor, Emitter, Epoch, Hub, Name, RoomName, Server, SessionConfig};
use serde_json::{Value, json};

/// A stream that lives elsewhere: it orders what all servers publish, and feeds their copies.
#[derive(Clone, Default)]
struct Elsewhere(Arc<Mutex<Stream>>);

#[derive(Default)]
struct Stream {
    life: u64,
    kept: Vec<Record<'static>>,
    copies: Vec<Log>,
}

impl Elsewhere {
    fn epoch(life: u64) -> Epoch {
        format!("stream-{life}").parse().unwrap()
    }

    /// The stream is deleted and made again.
    fn lose(&self) {
        let mut stream = self.0.lock().unwrap();
        stream.life += 1;
        stream.kept.clear();
        for copy in &stream.copies {
            copy.begin(Self::epoch(stream.life), 0);
        }
    }
}

impl Broker for Elsewhere {
    fn open(&self, log: &Log) {
        if log.room().as_str() != "shop" {
            return;
        }
        let mut stream = self.0.lock().unwrap();
        log.begin(Self::epoch(stream.life), 0);
        for (seq, record) in (1..).zip(&stream.kept) {
            log.append_at(seq, record.clone()).unwrap();
        }
        stream.copies.push(log.clone());
    }

    fn publish(&self, log: &Log, record: Record<'_>) -> Result<Confirmation, BrokerError> {
        if log.room().as_str() != "shop" {
            return log.append(record).map(Confirmation::Now);
        }
        let record = Record {
            event_type: record.event_type.to_owned().leak(),
            key: record.key.to_owned().leak(),
            ..record
        };
        let mut stream = self.0.lock().unwrap();
        stream.kept.push(record.clone());
        let seq = stream.kept.len() as u64;
        for copy in &stream.copies {
            copy.append_at(seq, record.clone())?;
        }
        let cursor = Cursor { epoch: Self::epoch(stream.life), seq };
        Ok(Confirmation::Later(Box::pin(async move { Ok(cursor) })))
    }
}

fn server(broker: &Elsewhere) -> (Server, Emitter) {
    let hub = Hub::builder().broker(broker.clone()).build();
    let shop = hub.open_room(&RoomName::new("shop").unwrap());
    (Server::new(hub, SessionConfig::default()), shop)
}

fn status(service: &str) -> ServiceStatus {
    ServiceStatus::new(Name::new(service).unwrap(), ServiceState::Running)
}

async fn frames<const N: usize>(connection: &mut MemoryConnection) -> [Value; N] {
    let mut frames = [const { Value::Null }; N];
    for frame in &mut frames {
        *frame = serde_json::from_slice(&connection.next().await.unwrap()).unwrap();
    }
    frames
}

#[tokio::test(start_paused = true)]
async fn any_server_answers_a_cursor_of_any_other() {
    let broker = Elsewhere::default();
    let (first, shop) = server(&broker);
    let (second, _) = server(&broker);
    let cursor = shop.emit_confirmed(&status("web")).await.unwrap();
    assert_eq!(cursor.to_string(), "stream-0.1");
    shop.emit(&status("db")).unwrap();
    let mut reader = second.connect();
    let subscribe = json!({"type": "subscribe", "room": "shop", "data": {"since": cursor}});
    reader.send(subscribe.to_string()).await;
    let [_, subscribed, event, ready] = frames(&mut reader).await;
    assert_eq!(subscribed["data"]["recovered"], "full");
    assert_eq!((&event["seq"], &event["data"]["service"]), (&json!(2), &json!("db")));
    assert_eq!(ready["data"]["cursor"], "stream-0.2");
    drop(first);
}

#[tokio::test(start_paused = true)]
async fn readers_of_a_log_that_was_lost_are_reset() {
    let broker = Elsewhere::default();
    let (server, shop) = server(&broker);
    shop.emit(&status("web")).unwrap();
    let mut reader = server.connect();
    reader.send(r#"{"type":"subscribe","room":"shop"}"#).await;
    let [_, _, _, ready] = frames(&mut reader).await;
    assert_eq!(ready["data"]["cursor"], "stream-0.1");
    broker.lose();
    shop.emit(&status("db")).unwrap();
    let [subscribed, snapshot, ready] = frames(&mut reader).await;
    assert_eq!(subscribed["data"]["recovered"], "reset");
    assert_eq!(snapshot["events"][0]["data"]["service"], "db");
    assert_eq!(ready["data"]["cursor"], "stream-1.1");
}

#[test]
fn a_copy_takes_each_position_once_and_no_hole() {
    let broker = Elsewhere::default();
    let (_server, shop) = server(&broker);
    shop.emit(&status("web")).unwrap();
    let stream = broker.0.lock().unwrap();
    let (log, record) = (&stream.copies[0], &stream.kept[0]);
    assert_eq!(log.append_at(1, record.clone()).unwrap().seq, 1, "passed over");
    let hole = log.append_at(3, record.clone());
    assert_eq!(hole, Err(BrokerError::OutOfOrder { seq: 3, head: 1 }));
}
