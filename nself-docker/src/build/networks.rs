//! Step 3: networks and named volumes, as Docker Compose names and labels them.

use std::collections::BTreeMap;

use nself_realtime::event::ProgressStatus;

use super::error::BuildCause;
use super::journal::item;
use super::labels;
use super::run::{Halt, Run};
use crate::compose;
use crate::engine::{AddressPool, NetworkSpec, VolumeSpec};

/// Makes what is missing. What is there and the project's own is left as it is.
pub(super) async fn make(run: Run<'_>) -> Result<(), Halt> {
    let (networks, volumes) = (&run.project.networks, &run.project.volumes);
    let names = networks.values().map(|network| &network.name);
    let names = names.chain(volumes.values().map(|volume| &volume.name));
    run.journal.items(names.map(|name| item(name, ProgressStatus::Pending)).collect());
    let whole = (networks.len() + volumes.len()) as u128;
    let mut done = 0;
    for (key, network) in networks {
        run.journal.item(&network.name, ProgressStatus::InProgress);
        make_network(run, key, network).await?;
        done += 1;
        run.journal.item(&network.name, ProgressStatus::Complete);
        run.journal.advance(done, whole);
    }
    for (key, volume) in volumes {
        run.journal.item(&volume.name, ProgressStatus::InProgress);
        make_volume(run, key, volume).await?;
        done += 1;
        run.journal.item(&volume.name, ProgressStatus::Complete);
        run.journal.advance(done, whole);
    }
    Ok(())
}

async fn make_network(run: Run<'_>, key: &str, network: &compose::Network) -> Result<(), Halt> {
    let there = run.ask(run.engine.network(&network.name)).await?;
    let own = labels::of(&run.project.name, labels::NETWORK, key);
    let thing = Thing { kind: "network", name: &network.name, external: network.external };
    if thing.is_there(there.map(|network| network.labels), &own, labels::NETWORK)? {
        return Ok(());
    }
    let pools = network.pools.iter().map(|pool| AddressPool {
        subnet: pool.subnet.clone(),
        ip_range: pool.ip_range.clone(),
        gateway: pool.gateway.map(|address| address.to_string()),
    });
    let spec = NetworkSpec {
        name: network.name.clone(),
        driver: network.driver.clone(),
        options: network.driver_opts.clone(),
        internal: network.internal,
        ipv6: network.enable_ipv6,
        pools: pools.collect(),
        labels: network.labels.clone().into_iter().chain(own).collect(),
    };
    run.check()?;
    run.engine.create_network(&spec).await?;
    thing.made(run);
    Ok(())
}

async fn make_volume(run: Run<'_>, key: &str, volume: &compose::Volume) -> Result<(), Halt> {
    let there = run.ask(run.engine.volume(&volume.name)).await?;
    let own = labels::of(&run.project.name, labels::VOLUME, key);
    let thing = Thing { kind: "volume", name: &volume.name, external: volume.external };
    if thing.is_there(there.map(|volume| volume.labels), &own, labels::VOLUME)? {
        return Ok(());
    }
    let spec = VolumeSpec {
        name: volume.name.clone(),
        driver: volume.driver.clone(),
        options: volume.driver_opts.clone(),
        labels: volume.labels.clone().into_iter().chain(own).collect(),
    };
    run.check()?;
    run.engine.create_volume(&spec).await?;
    thing.made(run);
    Ok(())
}

/// A network or a volume.
struct Thing<'a> {
    kind: &'static str,
    name: &'a str,
    external: bool,
}

impl Thing<'_> {
    /// Whether there is nothing to make, given the labels of what is there. What somebody else made is
    /// only used by who says so.
    fn is_there(
        &self,
        labels: Option<BTreeMap<String, String>>,
        own: &BTreeMap<String, String>,
        key: &str,
    ) -> Result<bool, BuildCause> {
        let Self { kind, name, external } = *self;
        match labels {
            None if external => Err(BuildCause::Missing { kind, name: name.to_owned() }),
            None => Ok(false),
            Some(_) if external => Ok(true),
            Some(labels)
                if [labels::PROJECT, key]
                    .iter()
                    .all(|label| labels.get(*label) == own.get(*label)) =>
            {
                Ok(true)
            }
            Some(_) => Err(BuildCause::Foreign { kind, name: name.to_owned() }),
        }
    }

    fn made(&self, run: Run<'_>) {
        let what = format!("{} {}", self.kind, self.name);
        run.journal.line(&format!("made {what}"));
        run.journal.made(what);
    }
}
