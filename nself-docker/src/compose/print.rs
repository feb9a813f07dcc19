//! Prints a project as a Compose file: every key in its long form, every text in quotes, nothing left to
//! be filled in.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    Build, Condition, FileMount, HealthCheck, HealthTest, Mount, MountKind, Namespace, Network,
    Port, Project, Published, Relabel, Restart, Service, ServiceNetwork, Volume,
};

impl Project {
    /// The project as a Compose file: Compose takes it, and reading it gives the same project. It holds
    /// the values of all variables, secrets among them.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "texts, numbers, and lists and mappings of them can always be written"
    )]
    pub fn to_yaml(&self) -> String {
        let services =
            self.services.iter().map(|(name, service)| (name.as_str(), escaped(print(service))));
        let networks = self
            .networks
            .iter()
            .map(|(name, network)| (name.as_str(), escaped(of_network(network))));
        let volumes =
            self.volumes.iter().map(|(name, volume)| (name.as_str(), escaped(of_volume(volume))));
        let file = ComposeFile {
            name: &self.name,
            services: services.collect(),
            networks: networks.collect(),
            volumes: volumes.collect(),
            secrets: self.sources(|service| &service.secrets),
            configs: self.sources(|service| &service.configs),
        };
        let options = serde_saphyr::ser_options! { quote_all: true, prefer_block_scalars: false };
        serde_saphyr::to_string_with_options(&file, options).expect("writing to memory")
    }

    fn sources(&self, of: impl Fn(&Service) -> &Vec<FileMount>) -> BTreeMap<&str, Value> {
        let mounts = self.services.values().flat_map(of);
        mounts.map(|mount| (mount.name.as_str(), escaped(json!({ "file": mount.file })))).collect()
    }
}

#[derive(Serialize)]
struct ComposeFile<'p> {
    name: &'p str,
    services: BTreeMap<&'p str, Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    networks: BTreeMap<&'p str, Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    volumes: BTreeMap<&'p str, Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    secrets: BTreeMap<&'p str, Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    configs: BTreeMap<&'p str, Value>,
}

/// Keys and values, of which those that say nothing are left out.
struct Keys(Map<String, Value>);

impl Keys {
    fn new() -> Self {
        Self(Map::new())
    }

    /// Unless it is null, false, or empty.
    fn put(&mut self, key: &str, value: impl Serialize) {
        let value = json!(value);
        let says_nothing = match &value {
            Value::Null | Value::Bool(false) => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(entries) => entries.is_empty(),
            Value::String(text) => text.is_empty(),
            _ => false,
        };
        if !says_nothing {
            self.put_always(key, value);
        }
    }

    fn put_always(&mut self, key: &str, value: Value) {
        self.0.insert(key.to_owned(), value);
    }

    fn done(self) -> Value {
        Value::Object(self.0)
    }
}

fn print(service: &Service) -> Value {
    let mut keys = Keys::new();
    keys.put("image", &service.image);
    keys.put("build", service.build.as_ref().map(of_build));
    for (key, command) in [("command", &service.command), ("entrypoint", &service.entrypoint)] {
        // An empty one is not the image's.
        if let Some(command) = command {
            keys.put_always(key, json!(command));
        }
    }
    keys.put("environment", &service.environment);
    keys.put("ports", list(&service.ports, of_port));
    keys.put("expose", list(&service.expose, |exposed| json!(exposed.to_string())));
    keys.put("volumes", list(&service.mounts, of_mount));
    keys.put("tmpfs", tmpfs(&service.tmpfs));
    keys.put("secrets", list(&service.secrets, of_file_mount));
    keys.put("configs", list(&service.configs, of_file_mount));
    match &service.network {
        ServiceNetwork::Networks(members) => keys.put("networks", members_of(members)),
        ServiceNetwork::None => keys.put("network_mode", "none"),
        ServiceNetwork::Bridge => keys.put("network_mode", "bridge"),
        ServiceNetwork::Host => keys.put("network_mode", "host"),
    }
    keys.put("depends_on", depends_on(service));
    keys.put("healthcheck", service.healthcheck.as_ref().map(of_healthcheck));
    keys.put("restart", restart(service.restart));
    keys.put("labels", &service.labels);
    keys.put("user", &service.user);
    keys.put("working_dir", &service.working_dir);
    keys.put("hostname", &service.hostname);
    keys.put(
        "extra_hosts",
        list(&service.extra_hosts, |extra| json!(format!("{}={}", extra.host, extra.address))),
    );
    keys.put("stop_signal", &service.stop_signal);
    keys.put("stop_grace_period", service.stop_grace_period.map(time));
    if let Some(init) = service.init {
        keys.put_always("init", json!(init));
    }
    keys.put("read_only", service.read_only);
    keys.put("shm_size", service.shm_size_bytes.map(|bytes| bytes.to_string()));
    keys.put("mem_limit", service.mem_limit_bytes.map(|bytes| bytes.to_string()));
    keys.put("cpus", service.nano_cpus.map(cpus));
    let ulimits = service.ulimits.iter();
    let ulimits = ulimits.map(|(k, l)| (k.clone(), json!({ "soft": l.soft, "hard": l.hard })));
    keys.put("ulimits", ulimits.collect::<Map<_, _>>());
    if let Some(logging) = &service.logging {
        let mut of_logging = Keys::new();
        of_logging.put("driver", &logging.driver);
        of_logging.put("options", &logging.options);
        keys.put_always("logging", of_logging.done());
    }
    keys.put("privileged", service.privileged);
    for namespace in &service.host_namespaces {
        keys.put(namespace_key(*namespace), "host");
    }
    keys.put("cap_add", &service.cap_add);
    keys.put("devices", &service.devices);
    keys.put("security_opt", &service.security_opt);
    keys.done()
}

fn list<T>(items: &[T], print: impl Fn(&T) -> Value) -> Vec<Value> {
    items.iter().map(print).collect()
}

fn of_build(build: &Build) -> Value {
    let mut keys = Keys::new();
    keys.put("context", &build.context);
    keys.put("dockerfile", &build.dockerfile);
    keys.put("args", &build.args);
    keys.put("target", &build.target);
    keys.done()
}

fn of_port(port: &Port) -> Value {
    let mut keys = Keys::new();
    keys.put("target", port.target);
    keys.put("protocol", port.protocol.to_string());
    keys.put("host_ip", port.host_ip);
    if port.published != Published::Any {
        keys.put("published", port.published.to_string());
    }
    keys.done()
}

fn of_mount(mount: &Mount) -> Value {
    let mut keys = Keys::new();
    keys.put("target", &mount.target);
    keys.put("read_only", mount.read_only);
    let mut options = Keys::new();
    let kind = match &mount.kind {
        MountKind::Bind { source, create_host_path, relabel } => {
            keys.put("source", source);
            options.put_always("create_host_path", json!(create_host_path));
            options.put(
                "selinux",
                relabel.map(|relabel| match relabel {
                    Relabel::Shared => "z",
                    Relabel::Private => "Z",
                }),
            );
            "bind"
        }
        MountKind::Volume { source, nocopy } => {
            keys.put("source", source);
            options.put("nocopy", nocopy);
            "volume"
        }
        MountKind::Tmpfs { size_bytes, mode } => {
            options.put("size", size_bytes);
            // With its leading zero it is octal for every reader.
            options.put("mode", mode.map(octal));
            "tmpfs"
        }
    };
    keys.put("type", kind);
    keys.put(kind, options.done());
    keys.done()
}

fn octal(mode: u32) -> String {
    format!("0{mode:o}")
}

fn tmpfs(tmpfs: &BTreeMap<String, String>) -> Vec<String> {
    let line = |(target, options): (&String, &String)| match options.as_str() {
        "" => target.clone(),
        options => format!("{target}:{options}"),
    };
    tmpfs.iter().map(line).collect()
}

fn of_file_mount(mount: &FileMount) -> Value {
    let mut keys = Keys::new();
    keys.put("source", &mount.name);
    keys.put("target", &mount.target);
    keys.put("uid", &mount.uid);
    keys.put("gid", &mount.gid);
    keys.put("mode", mount.mode.map(octal));
    keys.done()
}

fn members_of(members: &BTreeMap<String, super::NetworkMember>) -> Map<String, Value> {
    let print = |(name, member): (&String, &super::NetworkMember)| {
        let mut keys = Keys::new();
        keys.put("aliases", &member.aliases);
        keys.put("ipv4_address", member.ipv4_address);
        keys.put("ipv6_address", member.ipv6_address);
        (name.clone(), keys.done())
    };
    members.iter().map(print).collect()
}

fn depends_on(service: &Service) -> Map<String, Value> {
    let dependencies = service.depends_on.iter().map(|(name, dependency)| {
        let condition = match dependency.condition {
            Condition::ServiceStarted => "service_started",
            Condition::ServiceHealthy => "service_healthy",
            Condition::ServiceCompletedSuccessfully => "service_completed_successfully",
        };
        (name.clone(), json!({ "condition": condition, "required": dependency.required }))
    });
    dependencies.collect()
}

fn of_healthcheck(check: &HealthCheck) -> Value {
    let mut keys = Keys::new();
    match &check.test {
        HealthTest::OfImage => {}
        HealthTest::Disabled => keys.put("disable", true),
        HealthTest::Shell(line) => keys.put("test", ["CMD-SHELL", line]),
        HealthTest::Exec(words) => {
            let command = std::iter::once("CMD").chain(words.iter().map(String::as_str));
            keys.put("test", command.collect::<Vec<_>>());
        }
    }
    keys.put("interval", check.interval.map(time));
    keys.put("timeout", check.timeout.map(time));
    keys.put("start_period", check.start_period.map(time));
    keys.put("start_interval", check.start_interval.map(time));
    keys.put("retries", check.retries);
    keys.done()
}

fn restart(restart: Restart) -> Option<String> {
    match restart {
        Restart::No => None,
        Restart::Always => Some("always".to_owned()),
        Restart::UnlessStopped => Some("unless-stopped".to_owned()),
        Restart::OnFailure(None) => Some("on-failure".to_owned()),
        Restart::OnFailure(Some(times)) => Some(format!("on-failure:{times}")),
    }
}

fn namespace_key(namespace: Namespace) -> &'static str {
    match namespace {
        Namespace::Pid => "pid",
        Namespace::Ipc => "ipc",
        Namespace::Uts => "uts",
        Namespace::User => "userns_mode",
        Namespace::Cgroup => "cgroup",
    }
}

fn of_network(network: &Network) -> Value {
    let mut keys = Keys::new();
    keys.put("name", &network.name);
    keys.put("external", network.external);
    keys.put("driver", &network.driver);
    keys.put("driver_opts", &network.driver_opts);
    keys.put("internal", network.internal);
    if let Some(enable) = network.enable_ipv6 {
        keys.put_always("enable_ipv6", json!(enable));
    }
    keys.put("labels", &network.labels);
    let pools = list(&network.pools, |pool| {
        let mut keys = Keys::new();
        keys.put("subnet", &pool.subnet);
        keys.put("ip_range", &pool.ip_range);
        keys.put("gateway", pool.gateway);
        keys.done()
    });
    if !pools.is_empty() {
        keys.put("ipam", json!({ "config": pools }));
    }
    keys.done()
}

fn of_volume(volume: &Volume) -> Value {
    let mut keys = Keys::new();
    keys.put("name", &volume.name);
    keys.put("external", volume.external);
    keys.put("driver", &volume.driver);
    keys.put("driver_opts", &volume.driver_opts);
    keys.put("labels", &volume.labels);
    keys.done()
}

fn time(time: Duration) -> String {
    match time.subsec_nanos() {
        0 => format!("{}s", time.as_secs()),
        nanos if nanos % 1_000_000 == 0 => format!("{}ms", time.as_millis()),
        _ => format!("{}ns", time.as_nanos()),
    }
}

fn cpus(nanos: u64) -> String {
    let (whole, part) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    let text = format!("{whole}.{part:09}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Each dollar doubled, so that nothing is taken for a variable.
fn escaped(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace('$', "$$")),
        Value::Array(items) => Value::Array(items.into_iter().map(escaped).collect()),
        Value::Object(entries) => {
            Value::Object(entries.into_iter().map(|(key, value)| (key, escaped(value))).collect())
        }
        other => other,
    }
}
