//! Stands between a client and its server and does to connections what networks do: cuts them, lets their
//! bytes vanish, holds them back, hands them on one by one, or refuses them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What is done to connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Nobody listens.
    Refuse,
    /// What is sent vanishes, in both directions, without an end: a connection that this has happened to
    /// stays dead.
    Vanish,
    /// Everything arrives that much later.
    Delay(Duration),
    /// Every byte is a packet of its own.
    Trickle,
    /// No WebSocket gets through; what else is asked by HTTP does.
    NoUpgrade,
}

/// A proxy on the loopback.
#[derive(Debug)]
pub struct FaultProxy {
    port: u16,
    fault: watch::Sender<Fault>,
    cuts: watch::Sender<u64>,
    accepted: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl FaultProxy {
    /// Begins to hand connections on to that port of the loopback, without a fault.
    pub async fn start(target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let (fault, cuts) = (watch::Sender::new(Fault::None), watch::Sender::new(0));
        let accepted = Arc::new(AtomicUsize::new(0));
        let relay = Relay { target, fault: fault.subscribe(), cuts: cuts.subscribe() };
        let task = tokio::spawn(accept(listener, port, relay, Arc::clone(&accepted)));
        Self { port, fault, cuts, accepted, task }
    }

    /// The port that clients connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Does that to connections from now on, also to those there are.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
        if fault == Fault::Refuse {
            self.cut();
        }
    }

    /// Cuts the connections there are.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// How many connections were accepted so far.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

#[derive(Clone)]
struct Relay {
    target: u16,
    fault: watch::Receiver<Fault>,
    cuts: watch::Receiver<u64>,
}

async fn accept(first: TcpListener, port: u16, mut relay: Relay, accepted: Arc<AtomicUsize>) {
    let mut listener = Some(first);
    loop {
        let refuses = *relay.fault.borrow_and_update() == Fault::Refuse;
        if refuses {
            listener = None;
        } else if listener.is_none() {
            listener = Some(TcpListener::bind(("127.0.0.1", port)).await.expect("it was ours"));
        }
        let next = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = relay.fault.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            connection = next => {
                let Ok((client, _)) = connection else { continue };
                accepted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(relay.clone().connect(client));
            }
        }
    }
}

impl Relay {
    async fn connect(mut self, client: TcpStream) {
        let Ok(server) = TcpStream::connect(("127.0.0.1", self.target)).await else { return };
        for socket in [&client, &server] {
            socket.set_nodelay(true).expect("a socket takes the option");
        }
        self.cuts.mark_unchanged();
        let ((from_client, to_client), (from_server, to_server)) =
            (client.into_split(), server.into_split());
        let up = pump(from_client, to_server, self.fault.clone());
        let down = pump(from_server, to_client, self.fault.clone());
        tokio::select! {
            // Both ends are dropped with their tasks.
            _ = self.cuts.changed() => {}
            _ = async { tokio::join!(up, down) } => {}
        }
    }
}

/// Hands on what comes, until one side ends.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, fault: watch::Receiver<Fault>) {
    let mut bytes = [0; 16 * 1024];
    let mut vanished = false;
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let Some(read) = bytes.get(..count) else { break };
        let fault = *fault.borrow();
        vanished |= fault == Fault::Vanish;
        let taken = match fault {
            _ if vanished => continue,
            Fault::Delay(time) => {
                tokio::time::sleep(time).await;
                to.write_all(read).await
            }
            Fault::Trickle => trickle(&mut to, read).await,
            Fault::NoUpgrade if is_upgrade(read) => break,
            Fault::None | Fault::Refuse | Fault::Vanish | Fault::NoUpgrade => {
                to.write_all(read).await
            }
        };
        if taken.is_err() {
            break;
        }
    }
    if vanished {
        // The end vanishes as well.
        std::future::pending::<()>().await;
    }
    // The other direction may go on; an error means that it does not.
    let _ = to.shutdown().await;
}

/// Whether this begins a WebSocket. A browser sends the head of such a request in one piece.
fn is_upgrade(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    head.starts_with("get ") && head.contains("\r\nupgrade: websocket\r\n")
}

async fn trickle(to: &mut OwnedWriteHalf, bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes {
        to.write_all(std::slice::from_ref(byte)).await?;
        tokio::task::yield_now().await;
    }
    Ok(())
}
