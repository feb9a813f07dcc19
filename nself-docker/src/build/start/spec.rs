//! From a service of a Compose project to the container that an engine is asked for.

use std::collections::BTreeSet;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::build::labels;
use crate::compose::{
    Condition, FileMount, HealthTest, Mount, MountKind, Namespace, Project, Relabel, Restart,
    Service, ServiceNetwork,
};
use crate::engine::{
    Attachment, ContainerSpec, HealthSpec, LimitSpec, LoggingSpec, MountSource, MountSpec,
    PublishedPort, RestartSpec,
};

/// What the one container of a service is called.
pub(super) fn container_name(project: &str, service: &str) -> String {
    format!("{project}-{service}-1")
}

/// The container of a service, without Compose's labels.
pub(super) fn of(project: &Project, name: &str, service: &Service) -> ContainerSpec {
    let ports: Vec<_> = service
        .ports
        .iter()
        .map(|port| PublishedPort {
            inside: format!("{}/{}", port.target, port.protocol),
            address: port.host_ip.map(|address| address.to_string()).unwrap_or_default(),
            outside: port.published.to_string(),
        })
        .collect();
    let published = ports.iter().map(|port| port.inside.clone());
    let exposed = service.expose.iter().map(ToString::to_string).chain(published).collect();
    let volumes = service.mounts.iter().map(|mount| self::mount(project, mount));
    let files = service.secrets.iter().chain(&service.configs).map(file);
    let namespaces: BTreeSet<_> =
        service.host_namespaces.iter().map(|one| namespace(*one).to_owned()).collect();
    ContainerSpec {
        image: service.image.clone(),
        command: service.command.clone(),
        entrypoint: service.entrypoint.clone(),
        environment: service.environment.clone(),
        labels: service.labels.clone(),
        user: service.user.clone(),
        working_dir: service.working_dir.clone(),
        hostname: service.hostname.clone(),
        exposed,
        ports,
        mounts: volumes.chain(files).collect(),
        tmpfs: service.tmpfs.clone(),
        networks: networks(project, name, service),
        network_mode: network_mode(service).map(str::to_owned),
        health: health(service),
        restart: restart(service.restart),
        extra_hosts: service
            .extra_hosts
            .iter()
            .map(|line| format!("{}:{}", line.host, line.address))
            .collect(),
        stop_signal: service.stop_signal.clone(),
        stop_grace_period: service.stop_grace_period,
        init: service.init,
        read_only: service.read_only,
        shm_size: service.shm_size_bytes,
        ulimits: service
            .ulimits
            .iter()
            .map(|(name, limit)| (name.clone(), LimitSpec { soft: limit.soft, hard: limit.hard }))
            .collect(),
        memory: service.mem_limit_bytes,
        nano_cpus: service.nano_cpus,
        logging: service.logging.as_ref().map(|logging| LoggingSpec {
            driver: logging.driver.clone(),
            options: logging.options.clone(),
        }),
        privileged: service.privileged,
        host_namespaces: namespaces,
        cap_add: service.cap_add.clone(),
        security_opt: service.security_opt.clone(),
        devices: service.devices.clone(),
    }
}

/// A digest of all that makes a container what it is: with the same one it need not be made anew.
pub(super) fn hash(spec: &ContainerSpec) -> String {
    // Maps with texts as keys can always be written.
    let text = serde_json::to_vec(spec).unwrap_or_default();
    hex::encode(Sha256::digest(&text))
}

/// Adds the labels by which Compose, and the next build, know the container.
pub(super) fn label(
    spec: &mut ContainerSpec,
    project: &Project,
    name: &str,
    service: &Service,
    image_id: &str,
) {
    let hash = hash(spec);
    let texts = |paths: &[std::path::PathBuf]| {
        let texts: Vec<_> = paths.iter().map(|path| text(path)).collect();
        texts.join(",")
    };
    let depends_on: Vec<_> = service
        .depends_on
        .iter()
        .map(|(other, dependency)| format!("{other}:{}:false", word(dependency.condition)))
        .collect();
    spec.labels.extend(labels::of(&project.name, labels::SERVICE, name));
    spec.labels.extend(
        [
            (labels::NUMBER, "1".to_owned()),
            (labels::ONE_OFF, "False".to_owned()),
            (labels::CONFIG_HASH, hash),
            (labels::IMAGE, image_id.to_owned()),
            (labels::DEPENDS_ON, depends_on.join(",")),
            (labels::WORKING_DIR, text(&project.dir)),
            (labels::CONFIG_FILES, texts(&project.files)),
        ]
        .map(|(label, value)| (label.to_owned(), value)),
    );
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn word(condition: Condition) -> &'static str {
    match condition {
        Condition::ServiceStarted => "service_started",
        Condition::ServiceHealthy => "service_healthy",
        Condition::ServiceCompletedSuccessfully => "service_completed_successfully",
    }
}

/// Networks in the order of their names; the others there know it by its service and its own name.
fn networks(project: &Project, name: &str, service: &Service) -> Vec<Attachment> {
    let ServiceNetwork::Networks(members) = &service.network else { return Vec::new() };
    let own = [container_name(&project.name, name), name.to_owned()];
    let attachment = |(key, member): (&String, &crate::compose::NetworkMember)| {
        let network = project.networks.get(key).map_or(key, |network| &network.name);
        Attachment {
            network: network.clone(),
            aliases: own.iter().chain(&member.aliases).cloned().collect(),
            ipv4: member.ipv4_address.map(|address| address.to_string()),
            ipv6: member.ipv6_address.map(|address| address.to_string()),
        }
    };
    members.iter().map(attachment).collect()
}

fn network_mode(service: &Service) -> Option<&'static str> {
    match service.network {
        ServiceNetwork::Networks(_) => None,
        ServiceNetwork::None => Some("none"),
        ServiceNetwork::Bridge => Some("bridge"),
        ServiceNetwork::Host => Some("host"),
    }
}

fn namespace(namespace: Namespace) -> &'static str {
    match namespace {
        Namespace::Pid => "pid",
        Namespace::Ipc => "ipc",
        Namespace::Uts => "uts",
        Namespace::User => "user",
        Namespace::Cgroup => "cgroup",
    }
}

fn mount(project: &Project, mount: &Mount) -> MountSpec {
    let source = match &mount.kind {
        MountKind::Bind { source, create_host_path, relabel } => MountSource::Bind {
            path: text(source),
            create: *create_host_path,
            relabel: relabel.map(|label| match label {
                Relabel::Shared => 'z',
                Relabel::Private => 'Z',
            }),
        },
        MountKind::Volume { source, nocopy } => MountSource::Volume {
            name: source.as_ref().map(|key| {
                project.volumes.get(key).map_or_else(|| key.clone(), |volume| volume.name.clone())
            }),
            no_copy: *nocopy,
        },
        MountKind::Tmpfs { size_bytes, mode } => {
            MountSource::Tmpfs { size: *size_bytes, mode: *mode }
        }
    };
    MountSpec { target: mount.target.clone(), source, read_only: mount.read_only }
}

fn file(file: &FileMount) -> MountSpec {
    let path = text(&file.file);
    MountSpec {
        target: file.target.clone(),
        source: MountSource::Bind { path, create: false, relabel: None },
        read_only: true,
    }
}

fn health(service: &Service) -> Option<HealthSpec> {
    let check = service.healthcheck.as_ref()?;
    let test = match &check.test {
        HealthTest::OfImage => Vec::new(),
        HealthTest::Disabled => vec!["NONE".to_owned()],
        HealthTest::Exec(words) => {
            std::iter::once("CMD").map(str::to_owned).chain(words.clone()).collect()
        }
        HealthTest::Shell(line) => vec!["CMD-SHELL".to_owned(), line.clone()],
    };
    Some(HealthSpec {
        test,
        interval: check.interval,
        timeout: check.timeout,
        start_period: check.start_period,
        start_interval: check.start_interval,
        retries: check.retries,
    })
}

fn restart(restart: Restart) -> Option<RestartSpec> {
    match restart {
        Restart::No => None,
        Restart::Always => Some(RestartSpec::Always),
        Restart::UnlessStopped => Some(RestartSpec::UnlessStopped),
        Restart::OnFailure(retries) => {
            Some(RestartSpec::OnFailure { retries: retries.unwrap_or(0) })
        }
    }
}
