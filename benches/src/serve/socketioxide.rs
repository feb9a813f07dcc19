//! `socketioxide` behind hyper.

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use socketioxide::SocketIo;
use socketioxide::extract::SocketRef;
use tokio::net::TcpListener;

/// With the default of 128 it drops what does not fit.
const PACKETS: usize = 4_096;

pub(super) fn start(listener: TcpListener) -> SocketIo {
    let (service, io) = SocketIo::builder().max_buffer_size(PACKETS).build_svc();
    io.ns("/", async |_: SocketRef| {});
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let service = service.clone();
            tokio::spawn(async move {
                let connection = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .with_upgrades();
                if let Err(error) = connection.await {
                    eprintln!("a connection ended: {error}");
                }
            });
        }
    });
    io
}
