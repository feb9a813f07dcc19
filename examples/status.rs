//! A live table of a room's services.
//!
//! `status [URL ROOM]`, for instance `status ws://127.0.0.1:3021/api/ws shop`. Without arguments it
//! shows a server of its own. Where there is no terminal, it prints the last table.

use std::io::IsTerminal;

use nself_examples::{Demo, Error, shop};
use nself_realtime::client::{Client, ConnectionState, Latest, Watch};
use nself_realtime::event::{ServiceState, ServiceStatus};
use nself_realtime::{Name, RoomName};

fn table(services: &Latest<ServiceStatus>) -> Vec<String> {
    let mut lines = vec![format!("{:<12}{:<12}{}", "SERVICE", "STATUS", "MESSAGE")];
    for (service, event) in services.iter() {
        let status = format!("{:?}", event.data.status).to_lowercase();
        let message = event.data.message.as_deref().unwrap_or("-");
        lines.push(format!("{:<12}{status:<12}{message}", service.as_str()));
    }
    lines
}

/// Shows services until the client ends.
async fn show(
    mut services: Watch<Latest<ServiceStatus>>,
    mut connection: Watch<ConnectionState>,
) -> Result<(), Error> {
    let terminal = std::io::stdout().is_terminal();
    let mut drawn = 0;
    loop {
        let state = connection.get();
        if terminal {
            let mut lines = table(&services.get());
            lines.push(match state {
                ConnectionState::Live => String::new(),
                other => format!("{other:?}"),
            });
            // Over the table before: up, and clear what follows.
            if drawn > 0 {
                print!("\u{1b}[{drawn}F\u{1b}[J");
            }
            println!("{}", lines.join("\n"));
            drawn = lines.len();
        }
        tokio::select! {
            changed = services.changed() => if changed.is_none() { break },
            changed = connection.changed() => if changed.is_none() { break },
        }
    }
    if !terminal {
        println!("{}", table(&services.get()).join("\n"));
    }
    Ok(())
}

async fn demo() -> Result<(), Error> {
    let demo = Demo::start().await?;
    let client = Client::builder(&demo.url).connect()?;
    let showing = tokio::spawn(show(client.service_status(&shop()), client.status()));
    let mut services = client.service_status(&shop());
    let mut web = ServiceStatus::new(Name::new("web")?, ServiceState::Failed);
    web.message = Some("exited with code 1".to_owned());
    demo.shop.service_status(&ServiceStatus::new(Name::new("db")?, ServiceState::Running))?;
    demo.shop.service_status(&web)?;
    services.wait_for(|services| services.len() == 2).await;
    // Watches are told in the order in which they were made: the table has it, too.
    client.close().await;
    showing.await?
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, room] = arguments.as_slice() else { return demo().await };
    let client = Client::builder(url).connect()?;
    show(client.service_status(&RoomName::new(room)?), client.status()).await
}
