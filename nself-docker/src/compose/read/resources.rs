//! Top-level `networks` and `volumes`.

use std::collections::BTreeMap;

use super::super::report::{Item, Report};
use super::super::tree::Value;
use super::super::{IpPool, Network, ProblemKind, Rule, Volume, keys};
use super::service::scalar_text;
use super::{Reader, environment, network};

impl Reader<'_> {
    pub(super) fn networks(&mut self, item: Option<&Item<'_>>) -> BTreeMap<String, Network> {
        let mut all = BTreeMap::new();
        let Some(item) = item else { return all };
        for entry in self.report.mapping(item).unwrap_or_default() {
            let item = item.child(&entry.key, &entry.value);
            let network = self.network(&item, &entry.key);
            all.insert(entry.key.clone(), network);
        }
        all
    }

    /// A network that the file says nothing about.
    pub(super) fn plain_network(&self, key: &str) -> Network {
        Network {
            name: format!("{}_{key}", self.name),
            external: false,
            driver: None,
            driver_opts: BTreeMap::new(),
            internal: false,
            enable_ipv6: None,
            labels: BTreeMap::new(),
            pools: Vec::new(),
        }
    }

    fn network(&mut self, item: &Item<'_>, key: &str) -> Network {
        let mut network = self.plain_network(key);
        if item.node.value == Value::Null || !self.report.keys(item, &keys::NETWORK) {
            return network;
        }
        network.external = external(self.report, item, &keys::NETWORK);
        network.name = self.resource_name(item, key, network.external, network.name);
        // The engine's own network of that name is the host itself.
        if network.name == "host" {
            self.report.forbid(Rule::HostNetwork, item, "is the host's network");
        }
        if network.external {
            return network;
        }
        let report = &mut *self.report;
        network.driver = driver(report, item, "bridge", Rule::NetworkDriver);
        let options = item.some("driver_opts").map(|item| environment::options(report, &item));
        network.driver_opts = options.unwrap_or_default();
        let mut boolean = |key: &str| item.some(key).and_then(|item| report.boolean(&item));
        network.internal = boolean("internal").unwrap_or_default();
        network.enable_ipv6 = boolean("enable_ipv6");
        let labels = item.some("labels").map(|item| environment::labels(report, &item));
        network.labels = labels.unwrap_or_default();
        network.pools = item.some("ipam").map(|item| ipam(report, &item)).unwrap_or_default();
        network
    }

    pub(super) fn volumes(&mut self, item: Option<&Item<'_>>) -> BTreeMap<String, Volume> {
        let mut all = BTreeMap::new();
        let Some(item) = item else { return all };
        for entry in self.report.mapping(item).unwrap_or_default() {
            let item = item.child(&entry.key, &entry.value);
            let volume = self.volume(&item, &entry.key);
            all.insert(entry.key.clone(), volume);
        }
        all
    }

    fn volume(&mut self, item: &Item<'_>, key: &str) -> Volume {
        let mut volume = Volume {
            name: format!("{}_{key}", self.name),
            external: false,
            driver: None,
            driver_opts: BTreeMap::new(),
            labels: BTreeMap::new(),
        };
        if item.node.value == Value::Null || !self.report.keys(item, &keys::VOLUME) {
            return volume;
        }
        volume.external = external(self.report, item, &keys::VOLUME);
        volume.name = self.resource_name(item, key, volume.external, volume.name);
        if volume.external {
            return volume;
        }
        volume.driver = driver(self.report, item, "local", Rule::VolumeDriver);
        let labels = item.some("labels").map(|item| environment::labels(self.report, &item));
        volume.labels = labels.unwrap_or_default();
        if let Some(item) = item.some("driver_opts") {
            volume.driver_opts = environment::options(self.report, &item);
            self.check_device(&item, &mut volume.driver_opts);
        }
        volume
    }

    /// A volume of the driver `local` can be any mount of the host: it obeys the rules of mounts.
    fn check_device(&mut self, item: &Item<'_>, options: &mut BTreeMap<String, String>) {
        let get = |key: &str| options.get(key).cloned().unwrap_or_default();
        let (kind, flags, device) = (get("type"), get("o"), get("device"));
        if device.is_empty() || matches!(kind.as_str(), "tmpfs" | "nfs" | "nfs4" | "cifs") {
            return;
        }
        let at = item.some("device").unwrap_or_else(|| item.clone());
        if !flags.split(',').any(|flag| matches!(flag.trim(), "bind" | "rbind")) {
            self.report.forbid(Rule::Devices, &at, "mounts a device of the host");
            return;
        }
        match self.ground.resolve(&self.ground.dir, &device) {
            Ok(source) => {
                self.ground.check_mount(self.report, &at, &source);
                options.insert("device".to_owned(), source.display().to_string());
            }
            Err(message) => self.report.refuse(ProblemKind::File, &at, message),
        }
    }

    fn resource_name(
        &mut self,
        item: &Item<'_>,
        key: &str,
        external: bool,
        default: String,
    ) -> String {
        match item.some("name") {
            Some(item) => self.report.word(&item).unwrap_or(default),
            None if external => key.to_owned(),
            None => default,
        }
    }
}

/// Whether something exists already. Then the project cannot say what it is like.
fn external(report: &mut Report, item: &Item<'_>, keys: &keys::Keys) -> bool {
    let Some(at) = item.some("external") else { return false };
    if matches!(at.node.value, Value::Mapping(_)) {
        let message = "write `external: true`, and `name` beside it";
        report.refuse(ProblemKind::Unsupported, &at, message);
        return false;
    }
    let external = report.boolean(&at).unwrap_or_default();
    for key in keys.read.iter().filter(|key| !matches!(**key, "name" | "external")) {
        if let Some(item) = item.some(key).filter(|_| external) {
            report.invalid(&item, "means nothing beside `external: true`: remove it");
        }
    }
    external
}

fn driver(report: &mut Report, item: &Item<'_>, usual: &str, rule: Rule) -> Option<String> {
    let item = item.some("driver")?;
    let driver = report.word(&item)?;
    if driver != usual {
        report.forbid(rule, &item, format!("the driver {driver:?} is another one than {usual}"));
    }
    Some(driver)
}

fn ipam(report: &mut Report, item: &Item<'_>) -> Vec<IpPool> {
    if !report.keys(item, &keys::IPAM) {
        return Vec::new();
    }
    if let Some(item) = item.some("driver").filter(|item| scalar_text(item.node) != "default") {
        let message = "only the driver `default` is supported by nself: remove it";
        report.refuse(ProblemKind::Unsupported, &item, message);
    }
    let items = item.some("config").and_then(|item| report.sequence(&item)).unwrap_or_default();
    let mut pools = Vec::new();
    for item in items {
        if report.keys(&item, &keys::IP_POOL) {
            let mut cidr = |key: &str| item.some(key).and_then(|i| report.parsed(&i, cidr));
            let (subnet, ip_range) = (cidr("subnet"), cidr("ip_range"));
            let gateway = network::address(report, &item, "gateway");
            pools.push(IpPool { subnet, ip_range, gateway });
        }
    }
    pools
}

fn cidr(text: &str) -> Result<String, String> {
    let wrong = || format!("{text:?} is no range of addresses: write one such as 172.28.0.0/16");
    let (address, bits) = text.split_once('/').ok_or_else(wrong)?;
    let address: std::net::IpAddr = address.parse().map_err(|_| wrong())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    match bits.parse::<u8>() {
        Ok(bits) if bits <= most => Ok(text.to_owned()),
        _ => Err(wrong()),
    }
}
