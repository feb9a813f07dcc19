//! The servers that can be put under load, and how they are told what to publish.
//!
//! A server prints its port, then reads commands from standard input, one a line, and answers each with a
//! line. It ends with its input.

mod command;
#[cfg(feature = "peers")]
mod ezsockets;
mod floor;
mod nself;
#[cfg(feature = "peers")]
mod socketioxide;

use std::io;
use std::net::Ipv4Addr;

use tokio::net::TcpListener;
use tokio::runtime::Builder;

pub use self::command::{Command, Turn, Urgency};
use crate::tick::Line;

/// A server under load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Contender {
    /// This library behind hyper, as programs use it.
    Nself,
    /// This library, every event written as soon as the connection takes it.
    NselfUnpaced,
    /// Bare tokio-tungstenite, a write per event.
    Tungstenite,
    /// Bare tokio-tungstenite with small buffers, everything that waits in one write.
    Floor,
    /// `socketioxide`, with buffers large enough to lose nothing.
    #[cfg(feature = "peers")]
    Socketioxide,
    /// `ezsockets`.
    #[cfg(feature = "peers")]
    Ezsockets,
    /// Socket.IO on Node.
    SocketIo,
    /// `ws` on Node.
    Ws,
}

impl Contender {
    /// What it is called in tables and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nself => "nself",
            Self::NselfUnpaced => "nself-unpaced",
            Self::Tungstenite => "tungstenite",
            Self::Floor => "floor",
            #[cfg(feature = "peers")]
            Self::Socketioxide => "socketioxide",
            #[cfg(feature = "peers")]
            Self::Ezsockets => "ezsockets",
            Self::SocketIo => "socket-io",
            Self::Ws => "ws",
        }
    }

    /// The path that it serves.
    pub fn path(self) -> &'static str {
        match self {
            #[cfg(feature = "peers")]
            Self::Socketioxide => "/socket.io/?EIO=4&transport=websocket",
            Self::SocketIo => "/socket.io/?EIO=4&transport=websocket",
            _ => "/",
        }
    }

    /// What a client says first.
    pub fn hello(self) -> Option<&'static str> {
        match self {
            Self::Nself | Self::NselfUnpaced => {
                Some(r#"{"type":"subscribe","id":1,"room":"bench"}"#)
            }
            #[cfg(feature = "peers")]
            Self::Socketioxide => Some("40"),
            Self::SocketIo => Some("40"),
            _ => None,
        }
    }

    /// What stands in the message after which it gets everything.
    pub fn ready(self) -> &'static str {
        match self {
            #[cfg(feature = "peers")]
            Self::Socketioxide => "40{",
            Self::SocketIo => "40{",
            _ => "ready",
        }
    }

    /// Whether its server is a script for Node.
    pub fn is_script(self) -> bool {
        matches!(self, Self::SocketIo | Self::Ws)
    }
}

/// What all servers of this process can do.
enum Running {
    Nself(nself_realtime::Emitter),
    Bare(floor::Bare),
    #[cfg(feature = "peers")]
    Socketioxide(::socketioxide::SocketIo),
    #[cfg(feature = "peers")]
    Ezsockets(::ezsockets::Server<ezsockets::Hall>),
}

impl Running {
    #[cfg_attr(
        not(feature = "peers"),
        expect(clippy::unused_async, reason = "others wait, this library never does")
    )]
    async fn publish(&self, urgency: Urgency) -> io::Result<()> {
        match self {
            Self::Nself(emitter) => nself::publish(emitter, urgency),
            Self::Bare(bare) => {
                bare.publish(&serde_json::to_string(&Line::now())?);
                Ok(())
            }
            #[cfg(feature = "peers")]
            Self::Socketioxide(io) => {
                let sent = io.emit("line", &Line::now()).await;
                sent.map_err(|error| io::Error::other(error.to_string()))
            }
            #[cfg(feature = "peers")]
            Self::Ezsockets(server) => {
                server.call(serde_json::to_string(&Line::now())?).map_err(io::Error::other)
            }
        }
    }
}

/// Serves until standard input ends.
///
/// # Errors
///
/// If no port can be had, or what is read is no command.
pub fn serve(contender: Contender, threads: usize) -> io::Result<()> {
    let mut builder =
        if threads > 1 { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    let runtime = builder.worker_threads(threads.max(1)).enable_all().build()?;
    runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::UNSPECIFIED, 0).into())?;
        let listener: TcpListener = socket.listen(4_096)?;
        let port = listener.local_addr()?.port();
        let running = match contender {
            Contender::Nself => Running::Nself(nself::start(listener, false)),
            Contender::NselfUnpaced => Running::Nself(nself::start(listener, true)),
            Contender::Tungstenite => Running::Bare(floor::start(listener, floor::Writes::Each)),
            Contender::Floor => Running::Bare(floor::start(listener, floor::Writes::Together)),
            #[cfg(feature = "peers")]
            Contender::Socketioxide => Running::Socketioxide(socketioxide::start(listener)),
            #[cfg(feature = "peers")]
            Contender::Ezsockets => Running::Ezsockets(ezsockets::start(listener)),
            Contender::SocketIo | Contender::Ws => {
                return Err(io::Error::other(
                    "that server is a script: node benches/node/server.mjs",
                ));
            }
        };
        println!("{port}");
        command::obey(&running).await
    })
}
