//! `ezsockets` with its own server.

use std::collections::HashMap;
use std::net::SocketAddr;

use async_trait::async_trait;
use bytes::Bytes;
use ezsockets::tungstenite::{Acceptor, run_on};
use ezsockets::{CloseFrame, Error, Request, Server, ServerExt, SessionExt, Socket, Utf8Bytes};
use tokio::net::TcpListener;

type Session = ezsockets::Session<u32, ()>;

/// All sessions, each told everything.
#[derive(Debug)]
pub(super) struct Hall {
    sessions: HashMap<u32, Session>,
    next: u32,
}

/// A session that only listens.
#[derive(Debug)]
pub(super) struct Guest(u32);

pub(super) fn start(listener: TcpListener) -> Server<Hall> {
    let (server, _) = Server::create(|_| Hall { sessions: HashMap::new(), next: 0 });
    let handle = server.clone();
    tokio::spawn(async move {
        if let Err(error) = run_on(server, listener, Acceptor::Plain).await {
            eprintln!("the server ended: {error}");
        }
    });
    handle
}

#[async_trait]
impl ServerExt for Hall {
    type Session = Guest;
    type Call = String;

    async fn on_connect(
        &mut self,
        socket: Socket,
        _: Request,
        _: SocketAddr,
    ) -> Result<Session, Option<CloseFrame>> {
        let id = self.next;
        self.next += 1;
        let session = Session::create(|_| Guest(id), id, socket);
        let _ = session.text("ready");
        self.sessions.insert(id, session.clone());
        Ok(session)
    }

    async fn on_disconnect(
        &mut self,
        id: u32,
        _: Result<Option<CloseFrame>, Error>,
    ) -> Result<(), Error> {
        self.sessions.remove(&id);
        Ok(())
    }

    async fn on_call(&mut self, event: String) -> Result<(), Error> {
        let event = Utf8Bytes::from(event);
        for session in self.sessions.values() {
            session.text(event.clone())?;
        }
        Ok(())
    }
}

#[async_trait]
impl SessionExt for Guest {
    type ID = u32;
    type Call = ();

    fn id(&self) -> &u32 {
        &self.0
    }

    async fn on_text(&mut self, _: Utf8Bytes) -> Result<(), Error> {
        Ok(())
    }

    async fn on_binary(&mut self, _: Bytes) -> Result<(), Error> {
        Ok(())
    }

    async fn on_call(&mut self, (): ()) -> Result<(), Error> {
        Ok(())
    }
}
