//! How many connections there may be, of one address and all together.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::access::network;

/// All together.
const CONNECTIONS: usize = 1_024;
/// Of one address; with IPv6, of a /64.
const PER_ADDRESS: usize = 64;
/// Of a loopback address: these are programs of this machine, and proxies.
const PER_LOOPBACK_ADDRESS: usize = 256;

/// How many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// All together.
    pub(crate) connections: usize,
    /// Of one address, if that was chosen.
    pub(crate) per_address: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: CONNECTIONS, per_address: None }
    }
}

/// Counts who is in.
#[derive(Debug)]
pub(super) struct Doorman {
    limits: Limits,
    /// Behind these are many: they are not counted by address.
    proxies: Vec<IpNet>,
    free: Arc<Semaphore>,
    inside: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Doorman {
    pub(super) fn new(limits: Limits, proxies: Vec<IpNet>) -> Self {
        let free = Arc::new(Semaphore::new(limits.connections));
        Self { limits, proxies, free, inside: Arc::default() }
    }

    /// Waits until one more connection may be taken.
    pub(super) async fn room(&self) -> Room {
        // It is never closed.
        Room { _permit: Arc::clone(&self.free).acquire_owned().await.ok() }
    }

    /// Lets one of that address in; `None` if it has all that it may have.
    pub(super) fn admit(&self, address: IpAddr, room: Room) -> Option<Place> {
        let address = address.to_canonical();
        let (limit, network) = self.limit_of(address);
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let count = inside.entry(network).or_default();
        if *count >= limit {
            return None;
        }
        *count += 1;
        Some(Place { network, inside: Arc::clone(&self.inside), _room: room })
    }

    /// How many there may be, and of whom.
    fn limit_of(&self, address: IpAddr) -> (usize, IpAddr) {
        if self.proxies.iter().any(|network| network.contains(&address)) {
            return (usize::MAX, address);
        }
        let default = if address.is_loopback() { PER_LOOPBACK_ADDRESS } else { PER_ADDRESS };
        (self.limits.per_address.unwrap_or(default), network(address))
    }
}

/// That one more connection may be taken, until it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    _permit: Option<OwnedSemaphorePermit>,
}

/// One connection of an address, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    network: IpAddr,
    inside: Arc<Mutex<HashMap<IpAddr, usize>>>,
    _room: Room,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = inside.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                inside.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let doorman = Doorman::new(
            Limits::default(),
            ["10.0.0.0/8", "fd00::10/128"].map(|net| net.parse().unwrap()).to_vec(),
        );
        let admit = |text: &str| doorman.admit(text.parse().unwrap(), Room { _permit: None });
        let fill = |text: &str| (0..2_000).map_while(|_| admit(text)).collect::<Vec<_>>();
        let (many, local) = (fill("192.0.2.1"), fill("127.0.0.1"));
        assert_eq!((many.len(), local.len()), (PER_ADDRESS, PER_LOOPBACK_ADDRESS));
        assert!(admit("::ffff:192.0.2.1").is_none(), "the same address");
        assert!(admit("192.0.2.2").is_some());
        let (of_network, of_proxy) = (fill("2001:db8::1"), fill("fd00::10"));
        assert!(admit("2001:db8::ffff:2").is_none(), "one host may have all of a /64");
        assert!(admit("2001:db8:0:1::1").is_some());
        assert!(of_proxy.len() == 2_000 && admit("fd00::20").is_some(), "beside a proxy");
        assert_eq!(fill("10.0.0.1").len(), 2_000);
        drop(many);
        assert!(admit("192.0.2.1").is_some());
        drop((local, of_network, of_proxy));
        assert!(doorman.inside.lock().unwrap().is_empty(), "nothing is remembered of who left");
    }
}
