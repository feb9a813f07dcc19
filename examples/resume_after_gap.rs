//! A client that was away for so long that the server no longer keeps everything: what is missing is
//! counted, and the rest comes in order.

use futures::StreamExt;
use nself_examples::{Demo, Error, shop};
use nself_realtime::client::{Client, Delivery};
use nself_realtime::event::LogsStream;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let demo = Demo::start().await?;
    let client = Client::builder(&demo.url).connect()?;
    let mut events = client.events::<LogsStream>(&shop());
    demo.print(1, "before")?;

    let (mut held, mut missed) = (0, 0);
    while let Some(delivery) = events.next().await {
        match delivery? {
            Delivery::Snapshot { events, reset, .. } => {
                held += events.len();
                println!("a snapshot of {} events, reset: {reset}", events.len());
                // The network breaks, and more is printed than a server keeps of one service.
                demo.cut();
                for number in 2..=5_001 {
                    demo.print(number, "while away")?;
                }
            }
            Delivery::Gap { gap, .. } => {
                missed += usize::try_from(gap.missed)?;
                println!("{} events are gone ({:?})", gap.missed, gap.why);
            }
            Delivery::Events { events, .. } => held += events.len(),
            _ => {}
        }
        if held + missed == 5_001 {
            println!("{held} events held, {missed} known to be missing");
            break;
        }
    }
    client.close().await;
    Ok(())
}
