//! The logs of services in a terminal, coloured. It goes on after cuts without a line lost or doubled.
//!
//! `tail [URL ROOM SERVICE…]`, for instance `tail ws://127.0.0.1:3021/api/ws shop web db`. Without
//! arguments it reads a server of its own whose network breaks.

use std::io::IsTerminal;

use futures::StreamExt;
use futures::stream::select_all;
use nself_examples::{Demo, Error, shop};
use nself_realtime::client::{Client, LogEntry, Logs};
use nself_realtime::event::Level;
use nself_realtime::{Name, RoomName};

fn print(service: &Name, entry: LogEntry, coloured: bool) {
    let (colour, text) = match entry {
        LogEntry::Line(line) => match line.level {
            Some(Level::Error | Level::Fatal) => ("\u{1b}[31m", line.line),
            Some(Level::Warn) => ("\u{1b}[33m", line.line),
            _ => ("", line.line),
        },
        LogEntry::Marker(marker) => ("\u{1b}[36m", format!("-- {}", marker.text)),
        LogEntry::Gap(gap) => ("\u{1b}[35m", format!("-- {} lines are gone", gap.missed)),
        LogEntry::Break => ("\u{1b}[35m", "-- lines may be missing here".to_owned()),
        _ => ("\u{1b}[35m", "-- there is no such room now".to_owned()),
    };
    if coloured {
        println!("\u{1b}[1m{service}\u{1b}[0m  {colour}{text}\u{1b}[0m");
    } else {
        println!("{service}  {text}");
    }
}

/// Begins to read the logs of services.
fn open(client: &Client, room: &RoomName, services: Vec<Name>) -> Vec<(Name, Logs)> {
    let logs = services.into_iter().map(|service| {
        let lines = client.logs(room, &service);
        (service, lines)
    });
    logs.collect()
}

/// Prints them until the client ends.
async fn tail(logs: Vec<(Name, Logs)>) -> Result<(), Error> {
    let coloured = std::io::stdout().is_terminal();
    let named = |(service, lines): (Name, Logs)| lines.map(move |entry| (service.clone(), entry));
    let mut logs = select_all(logs.into_iter().map(named));
    while let Some((service, entry)) = logs.next().await {
        print(&service, entry?, coloured);
    }
    Ok(())
}

/// Reads a server whose network breaks between two lines.
async fn demo() -> Result<(), Error> {
    let demo = Demo::start().await?;
    let client = Client::builder(&demo.url).connect()?;
    let web = Name::new("web")?;
    let reading = tokio::spawn(tail(open(&client, &shop(), vec![web.clone()])));
    let mut seen = client.logs(&shop(), &web);
    for number in 1..=4 {
        if number == 3 {
            demo.cut();
        }
        demo.print(number, &format!("line {number}"))?;
        seen.next().await;
    }
    client.close().await;
    reading.await?
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, room, services @ ..] = arguments.as_slice() else { return demo().await };
    let services = services.iter().map(Name::new).collect::<Result<_, _>>()?;
    let client = Client::builder(url).connect()?;
    tail(open(&client, &RoomName::new(room)?, services)).await
}
