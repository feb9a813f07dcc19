//! `ports` and `expose`, short and long.

use std::net::IpAddr;

use super::super::keys;
use super::super::report::{Item, Report};
use super::super::tree::Value;
use super::super::{Exposed, Port, Protocol, Published};

pub(super) fn ports(report: &mut Report, item: &Item<'_>) -> Vec<Port> {
    let mut ports = Vec::new();
    for item in report.sequence(item).unwrap_or_default() {
        let is_long = matches!(item.node.value, Value::Mapping(_));
        let found = if is_long { long(report, &item) } else { report.parsed(&item, short) };
        ports.extend(found.unwrap_or_default());
        if ports.len() > MAX_PORTS {
            report.invalid(&item, TOO_MANY);
            break;
        }
    }
    ports.sort_unstable();
    ports.dedup();
    ports
}

pub(super) fn expose(report: &mut Report, item: &Item<'_>) -> Vec<Exposed> {
    let mut exposed = Vec::new();
    for item in report.sequence(item).unwrap_or_default() {
        let ports = report.parsed(&item, |text| {
            let (range, protocol) = with_protocol(text)?;
            let (first, last) = range_of(range)?;
            Ok::<_, String>((first..=last).map(move |port| Exposed { port, protocol }))
        });
        exposed.extend(ports.into_iter().flatten());
        if exposed.len() > MAX_PORTS {
            report.invalid(&item, TOO_MANY);
            break;
        }
    }
    exposed.sort_unstable();
    exposed.dedup();
    exposed
}

/// `[[host_ip:][published]:]target[/protocol]`, where the ports may be ranges.
fn short(text: &str) -> Result<Vec<Port>, String> {
    let (text, protocol) = with_protocol(text)?;
    let (rest, target) = text.rsplit_once(':').unwrap_or(("", text));
    let (host_ip, published) = match rest.strip_prefix('[') {
        Some(rest) => rest
            .split_once("]:")
            .ok_or_else(|| format!("{text:?} has no closing bracket before a colon"))?,
        None => rest.rsplit_once(':').unwrap_or(("", rest)),
    };
    spread(host_ip, published, target, protocol)
}

fn long(report: &mut Report, item: &Item<'_>) -> Option<Vec<Port>> {
    if !report.keys(item, &keys::PORT) {
        return None;
    }
    let Some(target) = item.some("target") else {
        report.invalid(item, "a port needs a `target`, its number in the container");
        return None;
    };
    let mut optional = |key: &str| match item.some(key) {
        Some(item) => report.text(&item),
        None => Some(String::new()),
    };
    let (published, host_ip) = (optional("published")?, optional("host_ip")?);
    let (protocol, mode) = (optional("protocol")?, optional("mode")?);
    if !matches!(mode.as_str(), "" | "host" | "ingress") {
        report.invalid(item, format!("{mode:?} is no mode of a port: remove it"));
        return None;
    }
    report.parsed(&target, |target| {
        let protocol = if protocol.is_empty() { Protocol::Tcp } else { protocol_of(&protocol)? };
        spread(&host_ip, &published, target, protocol)
    })
}

/// One port for each target, if ranges lie side by side.
fn spread(
    host_ip: &str,
    published: &str,
    target: &str,
    protocol: Protocol,
) -> Result<Vec<Port>, String> {
    let host_ip = match host_ip {
        "" => None,
        text => Some(text.parse::<IpAddr>().map_err(|_| {
            format!("{text:?} is no IP address: a port is written [host-ip:][published:]target")
        })?),
    };
    let (first, last) = range_of(target)?;
    let port = |target, published| Port { target, published, host_ip, protocol };
    if matches!(published, "" | "0") {
        return Ok((first..=last).map(|target| port(target, Published::Any)).collect());
    }
    let (from, to) = range_of(published)?;
    if first == last && from != to {
        return Ok(vec![port(first, Published::OneOf(from, to))]);
    }
    if last - first != to - from {
        return Err(format!(
            "the ranges {published} and {target} differ in length: {} ports and {}",
            to - from + 1,
            last - first + 1
        ));
    }
    let pairs = (first..=last).zip(from..=to);
    Ok(pairs.map(|(target, published)| port(target, Published::Port(published))).collect())
}

fn with_protocol(text: &str) -> Result<(&str, Protocol), String> {
    match text.split_once('/') {
        Some((text, protocol)) => Ok((text, protocol_of(protocol)?)),
        None => Ok((text, Protocol::Tcp)),
    }
}

fn protocol_of(text: &str) -> Result<Protocol, String> {
    match text.to_ascii_lowercase().as_str() {
        "tcp" => Ok(Protocol::Tcp),
        "udp" => Ok(Protocol::Udp),
        "sctp" => Ok(Protocol::Sctp),
        _ => Err(format!("{text:?} is no protocol: write tcp, udp or sctp")),
    }
}

fn range_of(text: &str) -> Result<(u16, u16), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (port_of(first)?, port_of(last)?);
    if first > last {
        return Err(format!("the range {text} ends before it begins"));
    }
    Ok((first, last))
}

fn port_of(text: &str) -> Result<u16, String> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|port| digits && *port != 0)
        .ok_or_else(|| format!("{text:?} is no port: write a number from 1 to 65535"))
}

/// Each published port costs the engine a process; a wide range is a slip of the pen.
const MAX_PORTS: usize = 1_024;
const TOO_MANY: &str = "a service may have 1024 ports: make the range smaller";

#[cfg(test)]
mod tests {
    use super::super::super::Published;
    use super::short;

    fn read(text: &str) -> String {
        let ports = short(text).unwrap();
        let shown = ports.iter().map(|port| {
            let ip = port.host_ip.map_or(String::new(), |ip| format!("{ip} "));
            let published = match port.published {
                Published::Any => "any".to_owned(),
                published => published.to_string(),
            };
            format!("{ip}{published}>{}/{}", port.target, port.protocol)
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_short_form_is_read() {
        for (text, expected) in [
            ("80", "any>80/tcp"),
            ("8080:80", "8080>80/tcp"),
            ("22:22", "22>22/tcp"),
            ("127.0.0.1:8080:80/udp", "127.0.0.1 8080>80/udp"),
            ("127.0.0.1::80", "127.0.0.1 any>80/tcp"),
            ("[::1]:8080:80", "::1 8080>80/tcp"),
            ("3000-3001", "any>3000/tcp any>3001/tcp"),
            ("9000-9001:80-81", "9000>80/tcp 9001>81/tcp"),
            ("8000-8010:80", "8000-8010>80/tcp"),
            ("0:80", "any>80/tcp"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn each_mistake_is_named() {
        for (text, expected) in [
            ("", "\"\" is no port: write a number from 1 to 65535"),
            ("80:", "\"\" is no port: write a number from 1 to 65535"),
            ("0", "\"0\" is no port: write a number from 1 to 65535"),
            ("65536:80", "\"65536\" is no port: write a number from 1 to 65535"),
            ("+80", "\"+80\" is no port: write a number from 1 to 65535"),
            ("80:web", "\"web\" is no port: write a number from 1 to 65535"),
            ("90-80:80", "the range 90-80 ends before it begins"),
            ("1-3:1-2", "the ranges 1-3 and 1-2 differ in length: 3 ports and 2"),
            ("80:80/icmp", "\"icmp\" is no protocol: write tcp, udp or sctp"),
            (
                "host:80:80",
                "\"host\" is no IP address: a port is written [host-ip:][published:]target",
            ),
            ("[::1:80", "\"[::1:80\" has no closing bracket before a colon"),
        ] {
            assert_eq!(short(text).unwrap_err(), expected, "{text}");
        }
    }
}
