//! How a service is connected: `networks` or `network_mode`.

use std::collections::BTreeMap;

use super::super::report::{Item, Report};
use super::super::tree::Value;
use super::super::{NetworkMember, ProblemKind, Rule, ServiceNetwork, keys};
use super::service::scalar_text;

pub(super) fn service_network(report: &mut Report, service: &Item<'_>) -> ServiceNetwork {
    let networks = service.some("networks");
    let Some(mode) = service.some("network_mode") else {
        let members = networks.map(|item| members(report, &item)).unwrap_or_default();
        if members.is_empty() {
            let default = ("default".to_owned(), NetworkMember::default());
            return ServiceNetwork::Networks(BTreeMap::from([default]));
        }
        return ServiceNetwork::Networks(members);
    };
    if networks.is_some() {
        report.invalid(&mode, "a service has `networks` or a `network_mode`, not both");
    }
    let network = match scalar_text(mode.node) {
        "none" => ServiceNetwork::None,
        "bridge" => return ServiceNetwork::Bridge,
        "host" => {
            report.forbid(Rule::HostNetwork, &mode, "shares the host's network");
            ServiceNetwork::Host
        }
        other => {
            let message = format!(
                "the network mode {other:?} is not supported by nself: write none, bridge or host, or use `networks`"
            );
            report.refuse(ProblemKind::Unsupported, &mode, message);
            ServiceNetwork::None
        }
    };
    if let Some(ports) = service.some("ports") {
        report.invalid(&ports, "ports cannot be published in this network_mode: remove them");
    }
    network
}

fn members(report: &mut Report, item: &Item<'_>) -> BTreeMap<String, NetworkMember> {
    if matches!(item.node.value, Value::Sequence(_)) {
        let names = report.words(item).unwrap_or_default();
        return names.into_iter().map(|name| (name, NetworkMember::default())).collect();
    }
    let mut all = BTreeMap::new();
    for entry in report.mapping(item).unwrap_or_default() {
        let item = item.child(&entry.key, &entry.value);
        let mut member = NetworkMember::default();
        if entry.value.value != Value::Null && report.keys(&item, &keys::MEMBER) {
            let aliases = item.some("aliases").and_then(|item| report.words(&item));
            member.aliases = aliases.unwrap_or_default();
            member.ipv4_address = address(report, &item, "ipv4_address");
            member.ipv6_address = address(report, &item, "ipv6_address");
        }
        all.insert(entry.key.clone(), member);
    }
    all
}

pub(super) fn address<T: std::str::FromStr>(
    report: &mut Report,
    item: &Item<'_>,
    key: &str,
) -> Option<T> {
    let item = item.some(key)?;
    report.parsed(&item, |text| {
        text.parse().map_err(|_| format!("{text:?} is no IP address of this kind"))
    })
}
