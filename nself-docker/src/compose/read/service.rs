//! A service, key by key.

use std::collections::{BTreeMap, BTreeSet};

use super::super::keys;
use super::super::report::{Item, Report};
use super::super::tree::{Node, Value};
use super::super::{
    Command, Condition, Dependency, ExtraHost, Logging, ProblemKind, Restart, Service, Ulimit,
};
use super::files::FileSources;
use super::{Reader, environment, health, ports, security, units};

impl Reader<'_> {
    pub(super) fn service(
        &mut self,
        name: &str,
        item: &Item<'_>,
        secrets: &FileSources<'_>,
        configs: &FileSources<'_>,
    ) -> Option<Service> {
        if !self.report.keys(item, &keys::SERVICE) {
            return None;
        }
        let build = item.some("build").and_then(|item| self.build(&item));
        let image = match item.some("image") {
            Some(item) => self.report.word(&item).unwrap_or_default(),
            None if item.some("build").is_some() => format!("{}-{name}", self.name),
            None => {
                self.report.invalid(item, "a service needs an `image`, or a `build`");
                String::new()
            }
        };
        let environment = self.environment(item);
        let mounts = item.some("volumes").map(|item| self.mounts(&item)).unwrap_or_default();
        let secrets = item.some("secrets").map(|item| self.secrets(&item, secrets));
        let configs = item.some("configs").map(|item| self.configs(&item, configs));
        let report = &mut *self.report;
        let mut word = |key: &str| item.some(key).and_then(|item| report.word(&item));
        let (user, working_dir) = (word("user"), word("working_dir"));
        let (hostname, stop_signal) = (word("hostname"), word("stop_signal"));
        let mut boolean = |key: &str| item.some(key).and_then(|item| report.boolean(&item));
        let (init, read_only) = (boolean("init"), boolean("read_only").unwrap_or_default());
        let mut bytes =
            |key: &str| item.some(key).and_then(|item| report.parsed(&item, units::bytes));
        let (shm_size_bytes, mem_limit_bytes) = (bytes("shm_size"), bytes("mem_limit"));
        let service = Service {
            image,
            build,
            command: item.some("command").and_then(|item| command(report, &item)),
            entrypoint: item.some("entrypoint").and_then(|item| command(report, &item)),
            environment,
            ports: item.some("ports").map(|item| ports::ports(report, &item)).unwrap_or_default(),
            expose: item
                .some("expose")
                .map(|item| ports::expose(report, &item))
                .unwrap_or_default(),
            mounts,
            tmpfs: item.some("tmpfs").map(|item| tmpfs(report, &item)).unwrap_or_default(),
            secrets: secrets.unwrap_or_default(),
            configs: configs.unwrap_or_default(),
            network: super::network::service_network(report, item),
            depends_on: item.some("depends_on").map(|i| depends_on(report, &i)).unwrap_or_default(),
            healthcheck: item.some("healthcheck").and_then(|i| health::healthcheck(report, &i)),
            restart: item.some("restart").and_then(|i| restart(report, &i)).unwrap_or_default(),
            labels: item
                .some("labels")
                .map(|i| environment::labels(report, &i))
                .unwrap_or_default(),
            user,
            working_dir,
            hostname,
            extra_hosts: item
                .some("extra_hosts")
                .map(|i| extra_hosts(report, &i))
                .unwrap_or_default(),
            stop_signal,
            stop_grace_period: item
                .some("stop_grace_period")
                .and_then(|item| report.parsed(&item, units::duration)),
            init,
            read_only,
            shm_size_bytes,
            mem_limit_bytes,
            nano_cpus: item.some("cpus").and_then(|i| report.parsed(&i, units::nano_cpus)),
            ulimits: item.some("ulimits").map(|item| ulimits(report, &item)).unwrap_or_default(),
            logging: item.some("logging").and_then(|item| logging(report, &item)),
            privileged: security::privileged(report, item),
            host_namespaces: security::host_namespaces(report, item),
            cap_add: security::cap_add(report, item),
            devices: security::devices(report, item),
            security_opt: security::security_opt(report, item),
        };
        each_target_once(report, item, &service);
        Some(service)
    }
}

/// A list, or a line that is split as a shell would, without its variables.
pub(super) fn command(report: &mut Report, item: &Item<'_>) -> Option<Command> {
    match &item.node.value {
        Value::Sequence(_) => {
            let items = report.sequence(item)?;
            Some(items.iter().filter_map(|item| report.text(item)).collect())
        }
        _ => report.parsed(item, |line| {
            shell_words::split(line).map_err(|_| "a quote is never closed".to_owned())
        }),
    }
}

fn tmpfs(report: &mut Report, item: &Item<'_>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for item in report.one_or_more(item).unwrap_or_default() {
        let Some(text) = report.word(&item) else { continue };
        let (target, options) = text.split_once(':').unwrap_or((&text, ""));
        if let Some(target) = super::mounts::target(report, &item, target) {
            all.insert(target, options.to_owned());
        }
    }
    all
}

fn depends_on(report: &mut Report, item: &Item<'_>) -> BTreeMap<String, Dependency> {
    let default = Dependency { condition: Condition::ServiceStarted, required: true };
    if matches!(item.node.value, Value::Sequence(_)) {
        let names = report.words(item).unwrap_or_default();
        return names.into_iter().map(|name| (name, default)).collect();
    }
    let mut all = BTreeMap::new();
    for entry in report.mapping(item).unwrap_or_default() {
        let item = item.child(&entry.key, &entry.value);
        let mut dependency = default;
        // Compose wants a condition here; without one it can only mean the default.
        if entry.value.value != Value::Null && report.keys(&item, &keys::DEPENDENCY) {
            if let Some(item) = item.some("condition") {
                dependency.condition = report.parsed(&item, condition).unwrap_or_default();
            }
            if let Some(item) = item.some("required") {
                dependency.required = report.boolean(&item).unwrap_or(true);
            }
        }
        all.insert(entry.key.clone(), dependency);
    }
    all
}

fn condition(text: &str) -> Result<Condition, String> {
    match text {
        "service_started" => Ok(Condition::ServiceStarted),
        "service_healthy" => Ok(Condition::ServiceHealthy),
        "service_completed_successfully" => Ok(Condition::ServiceCompletedSuccessfully),
        _ => Err(format!(
            "{text:?} is no condition: write service_started, service_healthy or service_completed_successfully"
        )),
    }
}

fn restart(report: &mut Report, item: &Item<'_>) -> Option<Restart> {
    report.parsed(item, |text| {
        let wrong = || {
            format!(
                "{text:?} is no restart policy: write no, always, unless-stopped, on-failure or on-failure:3"
            )
        };
        match text.split_once(':').unwrap_or((text, "")) {
            ("no", "") => Ok(Restart::No),
            ("always", "") => Ok(Restart::Always),
            ("unless-stopped", "") => Ok(Restart::UnlessStopped),
            ("on-failure", "") => Ok(Restart::OnFailure(None)),
            ("on-failure", times) => {
                times.parse().map(|times| Restart::OnFailure(Some(times))).map_err(|_| wrong())
            }
            _ => Err(wrong()),
        }
    })
}

fn extra_hosts(report: &mut Report, item: &Item<'_>) -> Vec<ExtraHost> {
    let mut hosts = Vec::new();
    if matches!(item.node.value, Value::Sequence(_)) {
        for item in report.sequence(item).unwrap_or_default() {
            hosts.extend(report.parsed(&item, |line| {
                let (host, address) = line
                    .split_once('=')
                    .or_else(|| line.split_once(':'))
                    .ok_or_else(|| format!("{line:?} is no extra host: write name=address"))?;
                extra_host(host, address)
            }));
        }
        return hosts;
    }
    for entry in report.mapping(item).unwrap_or_default() {
        let item = item.child(&entry.key, &entry.value);
        for item in report.one_or_more(&item).unwrap_or_default() {
            hosts.extend(report.parsed(&item, |address| extra_host(&entry.key, address)));
        }
    }
    hosts
}

fn extra_host(host: &str, address: &str) -> Result<ExtraHost, String> {
    let bare = address.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(address);
    if host.is_empty() || (bare != "host-gateway" && bare.parse::<std::net::IpAddr>().is_err()) {
        return Err(format!("{address:?} is no IP address and not host-gateway"));
    }
    Ok(ExtraHost { host: host.to_owned(), address: bare.to_owned() })
}

fn ulimits(report: &mut Report, item: &Item<'_>) -> BTreeMap<String, Ulimit> {
    let mut all = BTreeMap::new();
    for entry in report.mapping(item).unwrap_or_default() {
        let item = item.child(&entry.key, &entry.value);
        let limit = if matches!(entry.value.value, Value::Mapping(_)) {
            report.keys(&item, &keys::ULIMIT).then(|| {
                let mut part = |key: &str| {
                    if let Some(item) = item.some(key) {
                        return report.parsed(&item, limit);
                    }
                    report.invalid(
                        &item,
                        format!("needs both `soft` and `hard`: `{key}` is missing"),
                    );
                    None
                };
                (part("soft"), part("hard"))
            })
        } else {
            let both = report.parsed(&item, limit);
            Some((both, both))
        };
        match limit {
            Some((Some(soft), Some(hard))) if hard != -1 && (soft > hard || soft == -1) => {
                report.invalid(
                    &item,
                    format!("the soft limit {soft} is above the hard limit {hard}"),
                );
            }
            Some((Some(soft), Some(hard))) => {
                all.insert(entry.key.clone(), Ulimit { soft, hard });
            }
            _ => {}
        }
    }
    all
}

fn limit(text: &str) -> Result<i64, String> {
    text.parse()
        .ok()
        .filter(|limit| *limit >= -1)
        .ok_or_else(|| format!("{text:?} is no limit: write a whole number, or -1 for none"))
}

fn logging(report: &mut Report, item: &Item<'_>) -> Option<Logging> {
    if !report.keys(item, &keys::LOGGING) {
        return None;
    }
    let driver = item.some("driver").and_then(|item| report.word(&item));
    let options = item.some("options").map(|item| environment::options(report, &item));
    Some(Logging { driver, options: options.unwrap_or_default() })
}

/// Two mounts at one place: the engine would refuse the container.
fn each_target_once(report: &mut Report, item: &Item<'_>, service: &Service) {
    let mounts = service.mounts.iter().map(|mount| &mount.target);
    let files = service.secrets.iter().chain(&service.configs).map(|file| &file.target);
    let mut seen = BTreeSet::new();
    for target in mounts.chain(service.tmpfs.keys()).chain(files) {
        if !seen.insert(target) {
            let message = format!("two things are mounted at {target}: remove one of them");
            report.refuse(ProblemKind::Invalid, item, message);
        }
    }
}

/// The text of a scalar node, for messages that name it.
pub(super) fn scalar_text(node: &Node) -> &str {
    match &node.value {
        Value::Scalar(scalar) => &scalar.text,
        _ => "",
    }
}
