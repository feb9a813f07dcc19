//! `healthcheck`.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::{CommandError, open};
use crate::cli::State;
use crate::http::connect_pinned;
use crate::state::running::Running;

/// A server that is well answers sooner.
const WITHIN: Duration = Duration::from_secs(3);

/// Asks the running server whether it is well.
///
/// # Errors
///
/// [`CommandError`]: it is not, or there is none.
pub(crate) fn healthcheck(state: &State) -> Result<(), CommandError> {
    let dir = open(state)?;
    let running = Running::find(&dir)?;
    let running =
        running.ok_or_else(|| CommandError::NoServer(dir.path().display().to_string()))?;
    let answer = ask(&running);
    let well = answer.as_ref().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200 "));
    if well {
        return Ok(());
    }
    let message = match answer {
        Ok(answer) => answer.lines().next().unwrap_or("nothing").to_owned(),
        Err(error) => error.to_string(),
    };
    Err(CommandError::NotWell { address: running.address, message })
}

fn ask(running: &Running) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&reachable(running.address), WITHIN)?;
    stream.set_read_timeout(Some(WITHIN))?;
    stream.set_write_timeout(Some(WITHIN))?;
    let host = running.url.split_once("://").map_or("", |(_, host)| host);
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    match &running.fingerprint {
        None => exchange(&mut stream, &request),
        Some(fingerprint) => exchange(&mut connect_pinned(stream, fingerprint)?, &request),
    }
}

fn exchange(stream: &mut (impl Read + Write), request: &str) -> io::Result<String> {
    stream.write_all(request.as_bytes())?;
    let mut status = [0; 64];
    let count = stream.read(&mut status)?;
    Ok(String::from_utf8_lossy(status.get(..count).unwrap_or_default()).into_owned())
}

/// Where one that listens everywhere is reached from here.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
