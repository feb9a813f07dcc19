//! What a project has on an engine, from bollard's models and to them.

use std::collections::{BTreeMap, HashMap};

use ::bollard::Docker;
use ::bollard::errors::Error;
use ::bollard::models::{Ipam, IpamConfig, NetworkCreateRequest, VolumeCreateRequest};
use ::bollard::query_parameters::ListNetworksOptions;

use crate::engine::{AddressPool, Image, MountedVolume, Network, NetworkSpec, Volume, VolumeSpec};

/// That something is not there is an answer.
pub(super) fn found<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(thing) => Ok(Some(thing)),
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Asked for by its name, an engine also takes the beginning of an identity for one: so they are listed.
pub(super) async fn network(client: &Docker, name: &str) -> Result<Option<Network>, Error> {
    let options = ListNetworksOptions { filters: Some(filter("name", name)) };
    let networks = client.list_networks(Some(options)).await?;
    let same = networks.into_iter().find(|network| network.name.as_deref() == Some(name));
    Ok(same.map(|network| Network::new(name, sorted(network.labels))))
}

pub(super) fn network_request(network: &NetworkSpec) -> NetworkCreateRequest {
    let NetworkSpec { name, driver, options, internal, ipv6, pools, labels } = network.clone();
    let configs: Vec<_> = pools.into_iter().map(pool).collect();
    let ipam = some(configs).map(|configs| Ipam { config: Some(configs), ..Ipam::default() });
    NetworkCreateRequest {
        name,
        driver,
        options: Some(options.into_iter().collect()),
        internal: Some(internal),
        enable_ipv6: ipv6,
        ipam,
        labels: Some(labels.into_iter().collect()),
        ..NetworkCreateRequest::default()
    }
}

fn pool(pool: AddressPool) -> IpamConfig {
    let AddressPool { subnet, ip_range, gateway } = pool;
    IpamConfig { subnet, ip_range, gateway, auxiliary_addresses: None }
}

pub(super) async fn volume(client: &Docker, name: &str) -> Result<Option<Volume>, Error> {
    let volume = found(client.inspect_volume(name).await)?;
    Ok(volume.map(|volume| Volume::new(volume.name, volume.labels.into_iter().collect())))
}

pub(super) fn volume_request(volume: &VolumeSpec) -> VolumeCreateRequest {
    let VolumeSpec { name, driver, options, labels } = volume.clone();
    VolumeCreateRequest {
        name: Some(name),
        driver,
        driver_opts: Some(options.into_iter().collect()),
        labels: Some(labels.into_iter().collect()),
        ..VolumeCreateRequest::default()
    }
}

pub(super) async fn image(client: &Docker, reference: &str) -> Result<Option<Image>, Error> {
    let image = found(client.inspect_image(reference).await)?;
    Ok(image.and_then(|image| {
        let volumes = image.config.and_then(|config| config.volumes);
        Some(Image::new(image.id?, volumes.unwrap_or_default()))
    }))
}

pub(super) async fn volumes_of(client: &Docker, id: &str) -> Result<Vec<MountedVolume>, Error> {
    let mounts = client.inspect_container(id, None).await?.mounts.unwrap_or_default();
    let volumes = mounts.into_iter().filter(|mount| mount.typ.as_deref() == Some("volume"));
    Ok(volumes
        .filter_map(|mount| Some(MountedVolume { name: mount.name?, target: mount.destination? }))
        .collect())
}

fn filter(name: &str, value: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([(name.to_owned(), vec![value.to_owned()])])
}

fn sorted(labels: Option<HashMap<String, String>>) -> BTreeMap<String, String> {
    labels.unwrap_or_default().into_iter().collect()
}

/// Nothing in it: nothing is said, and the engine chooses.
pub(super) fn some<T: IntoIterator + Default + PartialEq>(several: T) -> Option<T> {
    (several != T::default()).then_some(several)
}
