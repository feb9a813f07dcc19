//! Peers that are slow, too many or not HTTP: they end, and the server answers everybody else throughout.

use std::collections::VecDeque;
use std::time::Duration;

use nself_tests::server::Server;
use nself_tests::visitor::Visitor;
use nself_tests::wait;
use nself_tests::wire::{self, Opened};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Well above the 5 s that a client has for its headers, well below the 30 s of the HTTP library.
const DEADLINE: Duration = Duration::from_secs(20);

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(("127.0.0.1", server.port())).await.unwrap()
}

/// Reads until the server has ended the connection.
async fn ended(stream: &mut TcpStream) -> String {
    let mut received = Vec::new();
    // A reset is an end, too.
    let reading = timeout(DEADLINE, stream.read_to_end(&mut received)).await;
    assert!(reading.is_ok(), "the server keeps a connection that it should end");
    String::from_utf8_lossy(&received).into_owned()
}

async fn is_well(server: &Server) {
    assert_eq!(Visitor::nobody(server).get("/healthz").await.body, "ok");
}

#[tokio::test]
async fn silence_is_ended() {
    let server = Server::start(&["--demo"]).await;
    let mut silent = connect(&server).await;
    is_well(&server).await;
    assert_eq!(ended(&mut silent).await, "");
    is_well(&server).await;
}

#[tokio::test]
async fn headers_byte_by_byte_are_ended() {
    let server = Server::start(&["--demo"]).await;
    let (mut reading, mut writing) = connect(&server).await.into_split();
    let dripping = tokio::spawn(async move {
        let mut beat = tokio::time::interval(Duration::from_millis(200));
        for byte in b"GET / HTTP/1.1\r\nX-Slow: ".iter().chain([b'x'].iter().cycle()) {
            if writing.write_all(&[*byte]).await.is_err() {
                return;
            }
            beat.tick().await;
        }
    });
    is_well(&server).await;
    let mut received = Vec::new();
    let end = timeout(DEADLINE, reading.read_to_end(&mut received)).await;
    assert!(end.is_ok(), "it was never ended");
    dripping.abort();
    is_well(&server).await;
}

#[tokio::test]
async fn floods_of_headers_are_refused() {
    let server = Server::start(&["--demo"]).await;
    let host = format!("Host: 127.0.0.1:{}", server.port());
    let many = vec!["X-More: 1"; 70];
    let many: Vec<&str> = std::iter::once(&*host).chain(many).collect();
    assert_eq!(wire::request(server.port(), "GET /healthz", &many, "").await.status, 431);
    let long = format!("X-Long: {}", "x".repeat(20 * 1024));
    let mut stream = connect(&server).await;
    let sent =
        stream.write_all(format!("GET / HTTP/1.1\r\n{host}\r\n{long}\r\n\r\n").as_bytes()).await;
    let answer = ended(&mut stream).await;
    assert!(sent.is_err() || answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    is_well(&server).await;
}

#[tokio::test]
async fn bodies_that_are_too_long_are_refused_also_in_chunks() {
    let server = Server::start(&["--demo"]).await;
    let host = format!("Host: 127.0.0.1:{}", server.port());
    let origin = format!("Origin: http://127.0.0.1:{}", server.port());
    let json = "Content-Type: application/json";
    let line = "POST /api/poll";
    let told = [&*host, &origin, json, "Content-Length: 65537"];
    assert_eq!(wire::request(server.port(), line, &told, "").await.status, 413);
    let chunked = [&*host, &origin, json, "Transfer-Encoding: chunked"];
    let chunk = format!("{:x}\r\n{}\r\n", 33_000, " ".repeat(33_000));
    let body = format!("{chunk}{chunk}0\r\n\r\n");
    assert_eq!(wire::request(server.port(), line, &chunked, &body).await.status, 413);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let server = Server::start(&["--demo"]).await;
    let host = format!("Host: 127.0.0.1:{}", server.port());
    let origin = format!("Origin: http://127.0.0.1:{}", server.port());
    let headers = [&*host, &origin, "Content-Type: application/json", "Content-Length: 10"];
    let mut opened = Opened::new(server.port(), "POST /api/poll", &headers, "{").await;
    let answer = opened.read_until("an answer", |text| text.contains("\r\n\r\n")).await;
    assert_eq!(answer.status, 408);
}

#[tokio::test]
async fn ten_thousand_connects_of_one_address_take_nothing_from_another() {
    let server = Server::start(&["--demo"]).await;
    let target = format!("127.0.0.1:{}", server.port()).parse().unwrap();
    let mut held = VecDeque::new();
    for number in 0..10_000 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let Ok(stream) = socket.connect(target).await else { continue };
        held.push_back(stream);
        if held.len() > 400 {
            held.pop_front();
        }
        if number % 1_000 == 0 {
            is_well(&server).await;
        }
    }
    is_well(&server).await;
}

#[tokio::test]
async fn an_address_that_has_all_its_connections_is_told() {
    let server = Server::start(&["--demo", "--max-connections-per-address", "2"]).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(connect(&server).await);
    }
    let ends = futures::future::join_all(held.iter_mut().map(ended)).await;
    let told: Vec<_> = ends.iter().filter(|end| end.starts_with("HTTP/1.1 429 ")).collect();
    assert_eq!(told.len(), 2, "four connections, two allowed: {ends:?}");
    let (headers, body) = told[0].split_once("\r\n\r\n").unwrap();
    assert_eq!(
        body,
        r#"{"error":{"code":"rate_limited","message":"too many connections at once","retryAfterMs":5000}}"#
    );
    for line in [
        format!("content-length: {}", body.len()),
        "retry-after: 5".to_owned(),
        "x-content-type-options: nosniff".to_owned(),
    ] {
        assert!(headers.lines().any(|own| own == line), "{line} in\n{headers}");
    }
}

#[tokio::test]
async fn a_websocket_is_a_connection_until_it_is_closed() {
    let server = Server::start(&["--demo", "--max-connections-per-address", "2"]).await;
    let local = Visitor::nobody(&server);
    let (mut one, mut other) = (local.socket().await, local.socket().await);
    one.next("welcome").await;
    other.next("welcome").await;
    assert!(ended(&mut connect(&server).await).await.starts_with("HTTP/1.1 429 "));
    drop(one);
    wait::until("the place of the closed one", DEADLINE, async || {
        let request = format!("GET /healthz HTTP/1.0\r\nHost: 127.0.0.1:{}\r\n\r\n", server.port());
        let mut stream = connect(&server).await;
        // Turned away, it may be closed before it has taken the request.
        let sent = stream.write_all(request.as_bytes()).await;
        let answer = ended(&mut stream).await;
        if sent.is_ok() && answer.starts_with("HTTP/1.0 200 ") { Ok(()) } else { Err(answer) }
    })
    .await;
}

#[tokio::test]
async fn silent_peers_that_have_all_connections_give_them_back() {
    let server = Server::start(&["--demo", "--max-connections", "2"]).await;
    let _silent = (connect(&server).await, connect(&server).await);
    is_well(&server).await;
}

#[tokio::test]
async fn who_half_closes_is_answered_or_ended() {
    let server = Server::start(&["--demo"]).await;
    let mut stream = connect(&server).await;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", server.port());
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    ended(&mut stream).await;
    is_well(&server).await;
}

#[tokio::test]
async fn what_is_not_tls_is_ended_and_tls_goes_on() {
    let server = Server::start_encrypted(&["--demo"]).await;
    let mut garbage = connect(&server).await;
    garbage.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    ended(&mut garbage).await;
    let mut silent = connect(&server).await;
    server.command(&["healthcheck"], "");
    ended(&mut silent).await;
    server.command(&["healthcheck"], "");
}

/// Asks again and again for a large file, over a connection that takes little at once.
async fn ask_for_much(server: &Server) -> TcpStream {
    let page = Visitor::nobody(server).get("/").await.body;
    let (_, path) = page.split_once("rel=\"stylesheet\" href=\"").unwrap();
    let (path, _) = path.split_once('"').unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let target = format!("127.0.0.1:{}", server.port()).parse().unwrap();
    let mut stream = socket.connect(target).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", server.port());
    stream.write_all(request.repeat(ANSWERS).as_bytes()).await.unwrap();
    stream
}

const ANSWERS: usize = 300;

#[tokio::test]
async fn who_takes_nothing_of_an_answer_is_cut_off_and_who_takes_it_slowly_is_not() {
    let server = Server::start(&["--demo"]).await;
    let silent = ask_for_much(&server).await;
    let mut slow = ask_for_much(&server).await;
    let mut taken = Vec::new();
    let mut piece = vec![0; 2 * 1024];
    // Whoever is cut off learns of it with what it sends.
    wait::until("the silent one to be cut off", 2 * DEADLINE, async || {
        // Less than it could take.
        let count = slow.read(&mut piece).await.unwrap();
        assert!(count > 0, "the slow one was cut off after {} bytes", taken.len());
        taken.extend_from_slice(&piece[..count]);
        match silent.try_write(b"\r\n") {
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    is_well(&server).await;
    let answers = |bytes: &[u8]| String::from_utf8_lossy(bytes).matches("HTTP/1.1 200 OK").count();
    assert!(answers(&taken) < ANSWERS, "it was not slow");
    piece.resize(256 * 1024, 0);
    while answers(&taken) < ANSWERS {
        let count = slow.read(&mut piece).await.unwrap();
        assert!(count > 0, "the slow one was cut off, too, after {} answers", answers(&taken));
        taken.extend_from_slice(&piece[..count]);
    }
}

#[tokio::test]
async fn a_server_without_descriptors_waits_and_heals() {
    let server = Server::start(&["--demo"]).await;
    let process = server.process();
    let limit = process.descriptors() + 8;
    let limited = std::process::Command::new("prlimit")
        .arg(format!("--pid={}", process.pid()))
        .arg(format!("--nofile={limit}:{limit}"))
        .status();
    assert!(limited.is_ok_and(|status| status.success()));
    let refused = || server.printed().matches("no connection can be taken").count();
    let before = process.cpu_time();
    let mut held = Vec::new();
    for _ in 0..60 {
        held.push(connect(&server).await);
    }
    // The first ones are silent for as long as they may be; meanwhile the others cannot be taken.
    ended(&mut held[0]).await;
    let (refused, used) = (refused(), process.cpu_time().since(before).total());
    // Every 100 ms for 5 s. One that spins tries ten thousands of times.
    assert!((10..100).contains(&refused), "it tried {refused} times");
    assert!(used < Duration::from_secs(2), "{used:?} for nothing");
    drop(held);
    is_well(&server).await;
}
