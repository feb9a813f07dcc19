//! HTTP as bytes on a socket: for requests that no client library would send.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What came back: the status and the head, as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Status line and header lines.
    pub head: String,
    /// What followed the head.
    pub body: String,
}

impl Answer {
    /// The value of a header, by its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find_map(|(own, value)| own.eq_ignore_ascii_case(name).then_some(value.trim()))
    }
}

/// Sends a request line and header lines, exactly these and `Connection: close` unless one of them says
/// otherwise, and reads the answer.
pub async fn request(port: u16, line: &str, headers: &[&str], body: &str) -> Answer {
    let mut opened = Opened::new(port, line, headers, body).await;
    opened.read_until("a whole answer", is_whole).await
}

/// A request whose answer may go on for as long as the server likes.
#[derive(Debug)]
pub struct Opened {
    socket: TcpStream,
    received: Vec<u8>,
}

impl Opened {
    /// Sends a request as [`request`] does.
    pub async fn new(port: u16, line: &str, headers: &[&str], body: &str) -> Self {
        let request = head(line, headers) + body;
        let mut socket = TcpStream::connect(("127.0.0.1", port)).await.expect("the server listens");
        socket.write_all(request.as_bytes()).await.expect("the server takes the request");
        Self { socket, received: Vec::new() }
    }

    /// Reads until `enough` says so of all that has come, or the server has ended.
    pub async fn read_until(&mut self, what: &str, enough: impl Fn(&str) -> bool) -> Answer {
        let reading = async {
            loop {
                let count = self.socket.read_buf(&mut self.received).await;
                let ended = count.expect("the server answers") == 0;
                let text = String::from_utf8_lossy(&self.received);
                if ended || enough(&text) {
                    return parse(&text);
                }
            }
        };
        timeout(DEADLINE, reading).await.unwrap_or_else(|_| panic!("no {what} in {DEADLINE:?}"))
    }
}

fn head(line: &str, headers: &[&str]) -> String {
    let mut bytes = format!("{line} HTTP/1.1\r\n");
    let upgrades = headers.iter().any(|header| header.to_lowercase().starts_with("connection:"));
    let close = if upgrades { &[][..] } else { &["Connection: close"] };
    for header in headers.iter().chain(close) {
        bytes.push_str(header);
        bytes.push_str("\r\n");
    }
    bytes.push_str("\r\n");
    bytes
}

/// Whether all is there without waiting for the connection's end: an upgraded one stays open, and a
/// refused upgrade may.
fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let answer = parse(&format!("{head}\r\n\r\n"));
    let length = answer.header("Content-Length").and_then(|length| length.parse().ok());
    answer.status == 101 || length.is_some_and(|length: usize| body.len() >= length)
}

fn parse(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Answer {
        status: status.unwrap_or_else(|| panic!("no HTTP answer: {text:?}")),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

const DEADLINE: Duration = Duration::from_secs(15);
