//! Networks and ports.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Serialize;

/// A network of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Network {
    /// Its name at the engine: as the file has it, else `{project}_{key}`.
    pub name: String,
    /// Whether it exists already and is not the project's to make or remove. Then nothing but the name
    /// is set.
    pub external: bool,
    /// The driver; without one the engine's default (`bridge`).
    pub driver: Option<String>,
    /// Options for the driver.
    pub driver_opts: BTreeMap<String, String>,
    /// Whether containers reach nothing outside of it.
    pub internal: bool,
    /// Whether it has IPv6 addresses; without a value as the engine is configured.
    pub enable_ipv6: Option<bool>,
    /// Labels that the file gives it. Compose's own labels are not among them.
    pub labels: BTreeMap<String, String>,
    /// The address ranges; empty: the engine picks one.
    pub pools: Vec<IpPool>,
}

/// A range of addresses of a network (`ipam.config`), as text that the engine understands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct IpPool {
    /// The subnet in CIDR form, such as `172.28.0.0/16`.
    pub subnet: Option<String>,
    /// The part of the subnet, in CIDR form, that containers get addresses from.
    pub ip_range: Option<String>,
    /// The gateway's address.
    pub gateway: Option<IpAddr>,
}

/// How a service is connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServiceNetwork {
    /// To networks of the project, by the name that [`Project::networks`](super::Project::networks) has;
    /// never empty.
    Networks(BTreeMap<String, NetworkMember>),
    /// `network_mode: none`: loopback only.
    None,
    /// `network_mode: bridge`: the engine's own default network.
    Bridge,
    /// `network_mode: host`: the host's network, without isolation. Only with the rule `host-network`
    /// allowed.
    Host,
}

/// What a service is in one of its networks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NetworkMember {
    /// Names by which others find it there, beside its own (the service's name is not among them).
    pub aliases: Vec<String>,
    /// A fixed address.
    pub ipv4_address: Option<Ipv4Addr>,
    /// A fixed address.
    pub ipv6_address: Option<Ipv6Addr>,
}

/// A port of a container that is reachable from the host. Ranges in the file become one each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[non_exhaustive]
pub struct Port {
    /// The port in the container, 1 to 65,535.
    pub target: u16,
    /// The port of the host.
    pub published: Published,
    /// The host's address that it listens at; without one all of them.
    pub host_ip: Option<IpAddr>,
    /// The protocol, TCP if the file names none.
    pub protocol: Protocol,
}

/// The host's side of a [`Port`]. Displays as the engine's API wants it: empty, `8080`, `8000-8010`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Published {
    /// Any free port.
    Any,
    /// This one, 1 to 65,535.
    Port(u16),
    /// A free one of these, both ends included.
    OneOf(u16, u16),
}

impl fmt::Display for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => Ok(()),
            Self::Port(port) => write!(f, "{port}"),
            Self::OneOf(first, last) => write!(f, "{first}-{last}"),
        }
    }
}

/// A transport protocol. Displays in lowercase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        })
    }
}

/// A port that a container tells its networks of, without one at the host (`expose`). Displays as the
/// engine's API wants it: `3000/tcp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[non_exhaustive]
pub struct Exposed {
    /// The port, 1 to 65,535.
    pub port: u16,
    /// The protocol, TCP if the file names none.
    pub protocol: Protocol,
}

impl fmt::Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.port, self.protocol)
    }
}
