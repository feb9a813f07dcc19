//! A socket in front of an engine's, which tells streams apart, counts them, and can cut them: what a
//! broken network does, byte for byte, and what an engine is asked for.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A log that is followed.
    Log,
    /// The stats of a container.
    Stats,
    /// The engine's events.
    Events,
    /// Any question with an answer that ends.
    Question,
}

/// A proxy that ends with its value.
#[derive(Debug)]
pub struct Proxy {
    socket: PathBuf,
    connections: Connections,
    task: AbortHandle,
}

#[derive(Debug, Clone, Default)]
struct Connections(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    next: u64,
    open: HashMap<u64, (Kind, oneshot::Sender<()>)>,
    opened: HashMap<Kind, usize>,
    most: HashMap<Kind, usize>,
}

impl Proxy {
    /// Listens at `socket` and forwards to `engine`. Must be called within a runtime.
    pub fn start(socket: &Path, engine: &Path) -> Self {
        let listener = UnixListener::bind(socket).expect("the proxy can listen");
        let connections = Connections::default();
        let task = tokio::spawn(accept(listener, engine.to_owned(), connections.clone()));
        Self { socket: socket.to_owned(), connections, task: task.abort_handle() }
    }

    /// The address for an engine's client.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// How many connections of a kind are open.
    pub fn open(&self, kind: Kind) -> usize {
        self.connections.with(|state| state.count(kind))
    }

    /// How many connections of a kind were open at once, at most.
    pub fn most(&self, kind: Kind) -> usize {
        self.connections.with(|state| state.most.get(&kind).copied().unwrap_or_default())
    }

    /// How many connections of a kind were opened in all.
    pub fn opened(&self, kind: Kind) -> usize {
        self.connections.with(|state| state.opened.get(&kind).copied().unwrap_or_default())
    }

    /// Cuts one open connection of a kind, the `choice`-th in turn. False if there is none.
    pub fn cut(&self, kind: Kind, choice: usize) -> bool {
        self.connections.with(|state| {
            let mut numbers: Vec<u64> =
                state.open.iter().filter(|(_, (own, _))| *own == kind).map(|(n, _)| *n).collect();
            numbers.sort_unstable();
            let chosen = numbers.get(choice % numbers.len().max(1)).copied();
            let cut = chosen.and_then(|number| state.open.remove(&number));
            // A connection that has just ended by itself hears nothing any more.
            cut.is_some_and(|(_, cut)| cut.send(()).is_ok())
        })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Connections {
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().expect("nobody panics while counting"))
    }
}

impl State {
    fn count(&self, kind: Kind) -> usize {
        self.open.values().filter(|(own, _)| *own == kind).count()
    }

    fn begin(&mut self, kind: Kind) -> (u64, oneshot::Receiver<()>) {
        let (cut, is_cut) = oneshot::channel();
        let number = self.next;
        self.next += 1;
        self.open.insert(number, (kind, cut));
        *self.opened.entry(kind).or_default() += 1;
        let open = self.count(kind);
        let most = self.most.entry(kind).or_default();
        *most = open.max(*most);
        (number, is_cut)
    }
}

async fn accept(listener: UnixListener, engine: PathBuf, connections: Connections) {
    loop {
        let (client, _) = listener.accept().await.expect("the proxy goes on listening");
        tokio::spawn(forward(client, engine.clone(), connections.clone()));
    }
}

/// Forwards one connection: each of them asks one thing. Without an engine behind it is closed at once.
async fn forward(mut client: UnixStream, engine: PathBuf, connections: Connections) {
    let Ok(mut server) = UnixStream::connect(engine).await else { return };
    let mut head = Vec::new();
    while !head.contains(&b'\n') {
        match client.read_buf(&mut head).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    let (number, is_cut) = connections.with(|state| state.begin(kind_of(&head)));
    if server.write_all(&head).await.is_ok() {
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server) => {}
            _ = is_cut => {}
        }
    }
    connections.with(|state| state.open.remove(&number));
}

fn kind_of(head: &[u8]) -> Kind {
    let line = String::from_utf8_lossy(head);
    let line = line.lines().next().unwrap_or_default();
    if line.contains("/logs?") && line.contains("follow=true") {
        Kind::Log
    } else if line.contains("/stats?") && !line.contains("stream=false") {
        Kind::Stats
    } else if line.contains("/events") {
        Kind::Events
    } else {
        Kind::Question
    }
}
