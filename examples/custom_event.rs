//! An event type of one's own: its name, its key, how urgent it is and what is kept of it.
//!
//! `cargo run -p nself-examples --example custom_event`

use futures::StreamExt;
use nself_realtime::{Delivery, Hub, Payload, Retention, RoomName, Server, SessionConfig};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Temperature {
    sensor: String,
    celsius: f64,
}

impl Payload for Temperature {
    const TYPE: &'static str = "lab:temperature";
    const DELIVERY: Delivery = Delivery::Batched;
    const RETENTION: Retention = Retention::Ring { events: 3, bytes: 16 * 1024 };

    fn key(&self) -> &str {
        &self.sensor
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hub = Hub::new();
    let lab = hub.open_room(&RoomName::new("lab")?);
    for celsius in [20.0, 20.5, 21.0, 21.5, 22.0] {
        lab.emit(&Temperature { sensor: "oven".into(), celsius })?;
    }

    // A reader that comes late gets the ring: the newest three.
    let mut reader = Server::new(hub, SessionConfig::default()).connect();
    reader.send(r#"{"type":"subscribe","room":"lab","data":{"types":["lab:temperature"]}}"#).await;
    while let Some(frame) = reader.next().await {
        let frame = String::from_utf8(frame.to_vec())?;
        if frame.contains(r#""type":"snapshot""#) {
            println!("{frame}");
            break;
        }
    }
    Ok(())
}
