//! A hub, an emitter and a reader: what was published before the reader came, then what comes.
//!
//! `cargo run -p nself-examples --example hello_room`

use futures::StreamExt;
use nself_realtime::event::{ServiceState, ServiceStatus};
use nself_realtime::{Hub, Name, RoomName, Server, SessionConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hub = Hub::new();
    let room = hub.open_room(&RoomName::new("hello")?);
    room.service_status(&ServiceStatus::new(Name::new("web")?, ServiceState::Starting))?;

    let mut reader = Server::new(hub, SessionConfig::default()).connect();
    reader.send(r#"{"type":"subscribe","room":"hello"}"#).await;

    while let Some(frame) = reader.next().await {
        let frame = String::from_utf8(frame.to_vec())?;
        println!("{frame}");
        if frame.contains(r#""type":"ready""#) {
            room.service_status(&ServiceStatus::new(Name::new("web")?, ServiceState::Running))?;
        }
        if frame.contains("running") {
            break;
        }
    }
    Ok(())
}
