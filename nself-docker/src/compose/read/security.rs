//! Keys that give a container more of the host: each is a matter of a rule.

use std::collections::BTreeSet;

use super::super::report::{Item, Report};
use super::super::{Namespace, ProblemKind, Rule};
use super::service::scalar_text;

pub(super) fn privileged(report: &mut Report, service: &Item<'_>) -> bool {
    let Some(item) = service.some("privileged") else { return false };
    let privileged = report.boolean(&item).unwrap_or_default();
    if privileged {
        report.forbid(Rule::Privileged, &item, "a privileged container is root on the host");
    }
    privileged
}

pub(super) fn host_namespaces(report: &mut Report, service: &Item<'_>) -> BTreeSet<Namespace> {
    let mut all = BTreeSet::new();
    for (key, namespace, rule, own) in [
        ("pid", Namespace::Pid, Rule::HostPid, ""),
        ("ipc", Namespace::Ipc, Rule::HostIpc, "private"),
        ("uts", Namespace::Uts, Rule::HostUts, ""),
        ("userns_mode", Namespace::User, Rule::HostUserns, ""),
        ("cgroup", Namespace::Cgroup, Rule::HostCgroup, "private"),
    ] {
        let Some(item) = service.some(key) else { continue };
        match scalar_text(item.node) {
            "host" => {
                report.forbid(
                    rule,
                    &item,
                    format!("`{key}: host` shares a namespace with the host"),
                );
                all.insert(namespace);
            }
            text if text == own && !own.is_empty() => {}
            text => {
                let message = format!("`{key}: {text}` is not supported by nself: remove it");
                report.refuse(ProblemKind::Unsupported, &item, message);
            }
        }
    }
    all
}

pub(super) fn cap_add(report: &mut Report, service: &Item<'_>) -> Vec<String> {
    words(report, service, "cap_add", Rule::CapAdd, "adds capabilities")
}

pub(super) fn devices(report: &mut Report, service: &Item<'_>) -> Vec<String> {
    words(report, service, "devices", Rule::Devices, "gives devices of the host")
}

fn words(
    report: &mut Report,
    service: &Item<'_>,
    key: &str,
    rule: Rule,
    what: &str,
) -> Vec<String> {
    let Some(item) = service.some(key) else { return Vec::new() };
    let mut all = report.words(&item).unwrap_or_default();
    let mut seen = BTreeSet::new();
    all.retain(|word| seen.insert(word.clone()));
    if !all.is_empty() {
        report.forbid(rule, &item, format!("{what}: {}", all.join(", ")));
    }
    all
}

pub(super) fn security_opt(report: &mut Report, service: &Item<'_>) -> Vec<String> {
    let Some(item) = service.some("security_opt") else { return Vec::new() };
    let mut all = Vec::new();
    for item in report.sequence(&item).unwrap_or_default() {
        let Some(text) = report.word(&item) else { continue };
        let (key, value) = text
            .split_once('=')
            .or_else(|| text.split_once(':'))
            .unwrap_or((text.as_str(), "true"));
        match (key, value) {
            ("no-new-privileges", "true" | "false") | ("seccomp", "builtin") => {}
            ("seccomp", profile) if profile != "unconfined" => {
                let message = "a seccomp profile of one's own is not supported by nself: remove it";
                report.refuse(ProblemKind::Unsupported, &item, message);
            }
            ("apparmor", profile) if profile != "unconfined" => {}
            ("seccomp" | "apparmor" | "label" | "systempaths", _) => {
                report.forbid(Rule::SecurityOpt, &item, format!("{text:?} takes confinement away"));
            }
            _ => report.invalid(&item, format!("{text:?} is no security option")),
        }
        all.push(format!("{key}={value}"));
    }
    all
}
