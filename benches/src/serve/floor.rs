//! tokio-tungstenite and a channel, nothing else: no rooms, no recovery, no sign of what was lost.

use futures::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, accept_async_with_config};

/// How many events wait for a connection.
const BACKLOG: usize = 4_096;

/// When a connection writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writes {
    /// Once for each event, with the default buffers.
    Each,
    /// Once for everything that waits, with small buffers.
    Together,
}

#[derive(Debug, Clone)]
pub(super) struct Bare(Sender<Utf8Bytes>);

impl Bare {
    /// Hands an event to all connections. It is no error if there are none.
    pub(super) fn publish(&self, text: &str) {
        let _ = self.0.send(text.into());
    }
}

pub(super) fn start(listener: TcpListener, writes: Writes) -> Bare {
    let sender = Sender::new(BACKLOG);
    let bare = Bare(sender.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let receiver = sender.subscribe();
            tokio::spawn(async move {
                if let Err(error) = connection(stream, receiver, writes).await {
                    eprintln!("a connection ended: {error}");
                }
            });
        }
    });
    bare
}

async fn connection(
    stream: TcpStream,
    mut events: Receiver<Utf8Bytes>,
    writes: Writes,
) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let config = match writes {
        Writes::Each => WebSocketConfig::default(),
        Writes::Together => {
            WebSocketConfig::default().read_buffer_size(4 * 1024).write_buffer_size(64 * 1024)
        }
    };
    let mut socket = accept_async_with_config(stream, Some(config)).await?;
    socket.send(Message::text("ready")).await?;
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            message = socket.next() => match message {
                Some(message) => {
                    message?;
                    continue;
                }
                None => return Ok(()),
            },
        };
        match event {
            Ok(event) => write(&mut socket, event, &mut events, writes).await?,
            // What was lost here nobody is told.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}

async fn write(
    socket: &mut WebSocketStream<TcpStream>,
    event: Utf8Bytes,
    events: &mut broadcast::Receiver<Utf8Bytes>,
    writes: Writes,
) -> Result<(), Error> {
    socket.feed(Message::Text(event)).await?;
    if writes == Writes::Together {
        while let Ok(event) = events.try_recv() {
            socket.feed(Message::Text(event)).await?;
        }
    }
    socket.flush().await
}
