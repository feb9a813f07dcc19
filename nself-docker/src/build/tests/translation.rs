//! What a service of the file becomes at the engine.

use std::time::Duration;

use super::stage::{Stage, after, path};
use crate::compose::{
    Condition, Exposed, ExtraHost, FileMount, HealthCheck, HealthTest, Logging, Mount, MountKind,
    Port, Protocol, Published, Relabel, Restart, Ulimit,
};
use crate::{
    Attachment, HealthSpec, LimitSpec, MountSource, MountSpec, PublishedPort, RestartSpec,
};

/// A project whose service `web` says all that a service can say.
fn said() -> Stage {
    let mut stage = Stage::new();
    stage.service("db");
    let web = stage.service("web");
    web.command = Some(vec!["serve".into()]);
    web.entrypoint = Some(Vec::new());
    web.environment.insert("A".into(), "1".into());
    web.user = Some("1000:1000".into());
    web.working_dir = Some("/app".into());
    web.hostname = Some("w".into());
    web.labels.insert("own".into(), "label".into());
    let host_ip = Some("127.0.0.1".parse().unwrap());
    let port =
        |target, published, host_ip| Port { target, published, host_ip, protocol: Protocol::Tcp };
    web.ports = vec![port(80, Published::Port(8080), host_ip), port(81, Published::Any, None)];
    web.expose = vec![Exposed { port: 53, protocol: Protocol::Udp }];
    let bind = |source: &str, create_host_path, relabel| MountKind::Bind {
        source: path(source),
        create_host_path,
        relabel,
    };
    let mount = |target: &str, read_only, kind| Mount { target: target.into(), read_only, kind };
    web.mounts = vec![
        mount("/src", true, bind("/p/src", true, Some(Relabel::Shared))),
        mount("/cache", false, MountKind::Tmpfs { size_bytes: Some(64), mode: Some(0o1777) }),
    ];
    web.tmpfs.insert("/tmp".into(), "size=1m".into());
    let file = FileMount {
        name: "key".into(),
        file: path("/p/key"),
        target: "/run/secrets/key".into(),
        uid: None,
        gid: None,
        mode: None,
    };
    web.secrets = vec![file];
    web.healthcheck = Some(HealthCheck {
        test: HealthTest::Shell("true".into()),
        interval: Some(Duration::from_secs(5)),
        timeout: None,
        start_period: None,
        start_interval: None,
        retries: Some(2),
    });
    web.restart = Restart::OnFailure(None);
    web.extra_hosts = vec![ExtraHost { host: "h".into(), address: "host-gateway".into() }];
    web.stop_signal = Some("SIGINT".into());
    web.stop_grace_period = Some(Duration::from_secs(3));
    web.init = Some(true);
    web.read_only = true;
    web.shm_size_bytes = Some(1 << 20);
    web.mem_limit_bytes = Some(1 << 28);
    web.nano_cpus = Some(500_000_000);
    web.ulimits.insert("nofile".into(), Ulimit { soft: 10, hard: -1 });
    web.logging = Some(Logging { driver: Some("local".into()), options: [].into() });
    after(web, "db", Condition::ServiceStarted);
    stage
}

#[tokio::test(start_paused = true)]
async fn every_key_of_a_service_reaches_the_engine() {
    let stage = said();
    assert!(stage.run().await.outcome.is_ok());

    let spec = stage.engine.spec_of("shop-web-1").unwrap();
    assert_eq!((spec.command, spec.entrypoint), (Some(vec!["serve".to_owned()]), Some(Vec::new())));
    assert_eq!(spec.environment["A"], "1");
    let texts = [spec.user, spec.working_dir, spec.hostname, spec.stop_signal];
    assert_eq!(texts.map(Option::unwrap), ["1000:1000", "/app", "w", "SIGINT"]);
    let published = |inside: &str, address: &str, outside: &str| PublishedPort {
        inside: inside.into(),
        address: address.into(),
        outside: outside.into(),
    };
    assert_eq!(spec.ports, [published("80/tcp", "127.0.0.1", "8080"), published("81/tcp", "", "")]);
    assert_eq!(spec.exposed.into_iter().collect::<Vec<_>>(), ["53/udp", "80/tcp", "81/tcp"]);
    let bind = |target: &str, path: &str, create, relabel| MountSpec {
        target: target.into(),
        source: MountSource::Bind { path: path.into(), create, relabel },
        read_only: true,
    };
    let tmpfs = MountSource::Tmpfs { size: Some(64), mode: Some(0o1777) };
    let expected = [
        bind("/src", "/p/src", true, Some('z')),
        MountSpec { target: "/cache".into(), source: tmpfs, read_only: false },
        bind("/run/secrets/key", "/p/key", false, None),
    ];
    assert_eq!(spec.mounts, expected);
    assert_eq!(spec.tmpfs["/tmp"], "size=1m");
    let attachment = Attachment {
        network: "shop_default".into(),
        aliases: vec!["shop-web-1".into(), "web".into()],
        ..Attachment::default()
    };
    assert_eq!((spec.networks, spec.network_mode), (vec![attachment], None));
    let health = HealthSpec {
        test: vec!["CMD-SHELL".into(), "true".into()],
        interval: Some(Duration::from_secs(5)),
        retries: Some(2),
        ..HealthSpec::default()
    };
    assert_eq!(
        (spec.health, spec.restart),
        (Some(health), Some(RestartSpec::OnFailure { retries: 0 }))
    );
    assert_eq!(spec.extra_hosts, ["h:host-gateway"]);
    assert_eq!(
        (spec.stop_grace_period, spec.init, spec.read_only),
        (Some(Duration::from_secs(3)), Some(true), true)
    );
    assert_eq!(
        (spec.shm_size, spec.memory, spec.nano_cpus),
        (Some(1 << 20), Some(1 << 28), Some(500_000_000))
    );
    assert_eq!(spec.ulimits["nofile"], LimitSpec { soft: 10, hard: -1 });
    assert_eq!(spec.logging.unwrap().driver.as_deref(), Some("local"));

    let compose = |name: &str| spec.labels[&format!("com.docker.compose.{name}")].as_str();
    let named = ["project", "service", "container-number", "oneoff", "depends_on"].map(compose);
    assert_eq!(named, ["shop", "web", "1", "False", "db:service_started:false"]);
    assert_eq!(compose("project.working_dir"), stage.project.dir.to_str().unwrap());
    assert_eq!(compose("project.config_files"), stage.project.files[0].to_str().unwrap());
    assert_eq!((compose("config-hash").len(), spec.labels["own"].as_str()), (64, "label"));
    assert!(compose("image").starts_with("sha256:") && compose("version").starts_with("nself-"));
}
