//! The Rust client over TLS: `wss://`, polls over `https://`, and what it does not trust.

use std::sync::Arc;
use std::time::Duration;

use nself_realtime::client::{Client, ClientConfig, ConnectionState};
use nself_realtime::event::{ServiceState, ServiceStatus};
use nself_realtime::{Hub, RoomName};
use nself_tests::realtime::{RealtimeServer, name};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

const DEADLINE: Duration = Duration::from_secs(15);

/// Takes TLS off in front of that port; its port, and its certificate as PEM.
async fn terminate(target: u16) -> (u16, String) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = own.cert.pem();
    let key = PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Clients that do not trust us leave in the middle.
                let Ok(mut plain) = acceptor.accept(stream).await else { return };
                let mut server = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
                let _ = copy_bidirectional(&mut plain, &mut server).await;
            });
        }
    });
    (port, pem)
}

#[tokio::test]
async fn events_come_over_wss_and_polls_over_https() {
    let hub = Hub::new();
    let room = RoomName::new("shop").unwrap();
    let emitter = hub.open_room(&room);
    let server = RealtimeServer::start(hub, 0).await;
    let (port, pem) = terminate(server.port()).await;
    let url = format!("wss://localhost:{port}/api/ws");
    let hasty = ClientConfig::default()
        .first_delay(Duration::from_millis(20))
        .poll_after(Duration::from_millis(100));
    for through in [true, false] {
        server.let_sockets_through(through);
        let builder = Client::builder(&url).trust(pem.as_bytes()).config(hasty);
        let client = builder.connect().unwrap();
        let mut services = client.service_status(&room);
        emitter.service_status(&ServiceStatus::new(name("web"), ServiceState::Running)).unwrap();
        let told = timeout(DEADLINE, services.wait_for(|view| view.get("web").is_some())).await;
        assert!(told.is_ok(), "{:?}", client.last_error().get());
        let state = client.status().get();
        let expected = if through { ConnectionState::Live } else { ConnectionState::Polling };
        assert_eq!(state, expected);
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_and_named() {
    let server = RealtimeServer::start(Hub::new(), 0).await;
    let (port, _) = terminate(server.port()).await;
    let client = Client::builder(&format!("wss://localhost:{port}/api/ws")).connect().unwrap();
    let mut error = client.last_error();
    let told = timeout(DEADLINE, error.wait_for(Option::is_some)).await.unwrap().unwrap();
    let message = told.unwrap().to_string();
    assert!(message.contains("certificate"), "{message}");
    assert!(server.seen().is_empty());
}
