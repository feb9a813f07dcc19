//! A container to be made, as bollard's models have it.

use std::collections::HashMap;
use std::time::Duration;

use ::bollard::Docker;
use ::bollard::errors::Error;
use ::bollard::models::{
    ContainerCreateBody, DeviceMapping, EndpointIpamConfig, EndpointSettings, HealthConfig,
    HostConfig, HostConfigCgroupnsModeEnum, HostConfigLogConfig, Mount, MountTmpfsOptions,
    MountType, MountVolumeOptions, NetworkConnectRequest, NetworkingConfig, PortBinding, PortMap,
    ResourcesUlimits, RestartPolicy, RestartPolicyNameEnum,
};
use ::bollard::query_parameters::{CreateContainerOptions, RemoveContainerOptions};

use super::objects::some;
use crate::engine::{
    Attachment, ContainerSpec, HealthSpec, LoggingSpec, MountSource, MountSpec, PublishedPort,
    RestartSpec,
};

/// Makes a container in all its networks. One that cannot join them is removed again.
pub(super) async fn create(
    client: &Docker,
    name: &str,
    spec: &ContainerSpec,
) -> Result<String, Error> {
    let options =
        CreateContainerOptions { name: Some(name.to_owned()), ..CreateContainerOptions::default() };
    let id = client.create_container(Some(options), body(spec)).await?.id;
    // Before version 1.44 of the interface a container is made in one network at most.
    for attachment in spec.networks.iter().skip(1) {
        let request = NetworkConnectRequest {
            container: id.clone(),
            endpoint_config: Some(endpoint(attachment)),
        };
        if let Err(error) = client.connect_network(&attachment.network, request).await {
            let force = RemoveContainerOptions { force: true, v: true, ..Default::default() };
            client.remove_container(&id, Some(force)).await?;
            return Err(error);
        }
    }
    Ok(id)
}

fn body(spec: &ContainerSpec) -> ContainerCreateBody {
    let of_pairs = |(name, value): (&String, &String)| format!("{name}={value}");
    let first = spec.networks.first();
    let networks = first.map(|first| HashMap::from([(first.network.clone(), endpoint(first))]));
    ContainerCreateBody {
        image: Some(spec.image.clone()),
        cmd: spec.command.clone(),
        entrypoint: spec.entrypoint.clone(),
        env: some(spec.environment.iter().map(of_pairs).collect()),
        labels: some(hashed(&spec.labels)),
        user: spec.user.clone(),
        working_dir: spec.working_dir.clone(),
        hostname: spec.hostname.clone(),
        exposed_ports: some(spec.exposed.iter().cloned().collect()),
        healthcheck: spec.health.as_ref().map(health),
        stop_signal: spec.stop_signal.clone(),
        stop_timeout: spec.stop_grace_period.map(seconds),
        host_config: Some(host(spec)),
        networking_config: networks.map(|all| NetworkingConfig { endpoints_config: Some(all) }),
        ..ContainerCreateBody::default()
    }
}

fn host(spec: &ContainerSpec) -> HostConfig {
    let first = spec.networks.first().map(|first| first.network.clone());
    let shared = |namespace| spec.host_namespaces.contains(namespace).then(|| "host".to_owned());
    HostConfig {
        port_bindings: some(ports(&spec.ports)),
        binds: some(spec.mounts.iter().filter_map(bind).collect()),
        mounts: some(spec.mounts.iter().filter_map(mount).collect()),
        tmpfs: some(hashed(&spec.tmpfs)),
        network_mode: spec.network_mode.clone().or(first),
        restart_policy: spec.restart.as_ref().map(restart),
        extra_hosts: some(spec.extra_hosts.clone()),
        init: spec.init,
        readonly_rootfs: Some(spec.read_only),
        shm_size: spec.shm_size.map(signed),
        ulimits: some(
            spec.ulimits
                .iter()
                .map(|(name, limit)| ResourcesUlimits {
                    name: Some(name.clone()),
                    soft: Some(limit.soft),
                    hard: Some(limit.hard),
                })
                .collect(),
        ),
        memory: spec.memory.map(signed),
        nano_cpus: spec.nano_cpus.map(signed),
        log_config: spec.logging.as_ref().map(logging),
        privileged: Some(spec.privileged),
        pid_mode: shared("pid"),
        ipc_mode: shared("ipc"),
        uts_mode: shared("uts"),
        userns_mode: shared("user"),
        cgroupns_mode: shared("cgroup").map(|_| HostConfigCgroupnsModeEnum::HOST),
        cap_add: some(spec.cap_add.clone()),
        security_opt: some(spec.security_opt.clone()),
        devices: some(spec.devices.iter().map(|device| self::device(device)).collect()),
        ..HostConfig::default()
    }
}

fn endpoint(attachment: &Attachment) -> EndpointSettings {
    let Attachment { network: _, aliases, ipv4, ipv6 } = attachment.clone();
    let ipam_config = (ipv4.is_some() || ipv6.is_some()).then_some(EndpointIpamConfig {
        ipv4_address: ipv4,
        ipv6_address: ipv6,
        link_local_ips: None,
    });
    EndpointSettings { aliases: some(aliases), ipam_config, ..EndpointSettings::default() }
}

fn ports(published: &[PublishedPort]) -> PortMap {
    let mut map = PortMap::new();
    for PublishedPort { inside, address, outside } in published {
        let binding =
            PortBinding { host_ip: Some(address.clone()), host_port: Some(outside.clone()) };
        map.entry(inside.clone()).or_default().get_or_insert_default().push(binding);
    }
    map
}

/// Of the two ways to say it, this one makes the folder where there is none, and knows labels.
fn bind(mount: &MountSpec) -> Option<String> {
    let MountSource::Bind { path, create, relabel } = &mount.source else { return None };
    let access = if mount.read_only { "ro" } else { "rw" };
    let label = relabel.map(|label| format!(",{label}")).unwrap_or_default();
    let said = *create || relabel.is_some();
    said.then(|| format!("{path}:{}:{access}{label}", mount.target))
}

fn mount(mount: &MountSpec) -> Option<Mount> {
    let plain = Mount {
        target: Some(mount.target.clone()),
        read_only: Some(mount.read_only),
        ..Mount::default()
    };
    Some(match &mount.source {
        MountSource::Bind { path, create: false, relabel: None } => {
            Mount { typ: Some(MountType::BIND), source: Some(path.clone()), ..plain }
        }
        MountSource::Bind { .. } => return None,
        MountSource::Volume { name, no_copy } => Mount {
            typ: Some(MountType::VOLUME),
            source: name.clone(),
            volume_options: no_copy
                .then(|| MountVolumeOptions { no_copy: Some(true), ..Default::default() }),
            ..plain
        },
        MountSource::Tmpfs { size, mode } => Mount {
            typ: Some(MountType::TMPFS),
            tmpfs_options: Some(MountTmpfsOptions {
                size_bytes: size.map(signed),
                mode: mode.map(i64::from),
                options: None,
            }),
            ..plain
        },
    })
}

fn health(health: &HealthSpec) -> HealthConfig {
    HealthConfig {
        test: some(health.test.clone()),
        interval: health.interval.map(nanoseconds),
        timeout: health.timeout.map(nanoseconds),
        start_period: health.start_period.map(nanoseconds),
        start_interval: health.start_interval.map(nanoseconds),
        retries: health.retries.map(i64::from),
    }
}

fn restart(restart: &RestartSpec) -> RestartPolicy {
    let (name, maximum_retry_count) = match restart {
        RestartSpec::No => (RestartPolicyNameEnum::NO, None),
        RestartSpec::Always => (RestartPolicyNameEnum::ALWAYS, None),
        RestartSpec::UnlessStopped => (RestartPolicyNameEnum::UNLESS_STOPPED, None),
        RestartSpec::OnFailure { retries } => {
            (RestartPolicyNameEnum::ON_FAILURE, Some(i64::from(*retries)))
        }
    };
    RestartPolicy { name: Some(name), maximum_retry_count }
}

fn logging(logging: &LoggingSpec) -> HostConfigLogConfig {
    HostConfigLogConfig { typ: logging.driver.clone(), config: some(hashed(&logging.options)) }
}

fn device(text: &str) -> DeviceMapping {
    let mut parts = text.splitn(3, ':').map(str::to_owned);
    let outside = parts.next();
    DeviceMapping {
        path_in_container: parts.next().or_else(|| outside.clone()),
        path_on_host: outside,
        cgroup_permissions: Some(parts.next().unwrap_or_else(|| "rwm".to_owned())),
    }
}

fn hashed(map: &std::collections::BTreeMap<String, String>) -> HashMap<String, String> {
    map.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

/// Rounded up: a process is never given less time than it asked for.
fn seconds(time: Duration) -> i64 {
    signed(time.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX))
}
