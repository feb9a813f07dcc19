//! What services name has to exist, and no service may wait for itself.

use std::collections::{BTreeMap, BTreeSet};

use super::super::report::Item;
use super::super::{MountKind, Network, ProblemKind, Service, ServiceNetwork, Volume};
use super::{Found, Reader};

impl Reader<'_> {
    /// The active services; networks and volumes that none of them uses are dropped.
    pub(super) fn check_references(
        &mut self,
        all: BTreeMap<String, Found<'_>>,
        networks: &mut BTreeMap<String, Network>,
        volumes: &mut BTreeMap<String, Volume>,
    ) -> BTreeMap<String, Service> {
        let profiles: BTreeMap<String, Vec<String>> =
            all.iter().map(|(name, found)| (name.clone(), found.profiles.clone())).collect();
        let (mut used_networks, mut used_volumes) = (BTreeSet::new(), BTreeSet::new());
        let mut services = BTreeMap::new();
        let mut items = BTreeMap::new();
        for (name, mut found) in all {
            if !self.is_active(&found.profiles) {
                continue;
            }
            self.check_dependencies(&mut found, &profiles);
            self.check_networks(&found, networks, &mut used_networks);
            self.check_volumes(&found, volumes, &mut used_volumes);
            items.insert(name.clone(), found.item);
            services.insert(name, found.service);
        }
        networks.retain(|name, _| used_networks.contains(name));
        volumes.retain(|name, _| used_volumes.contains(name));
        self.check_cycles(&services, &items);
        services
    }

    fn check_dependencies(
        &mut self,
        found: &mut Found<'_>,
        profiles: &BTreeMap<String, Vec<String>>,
    ) {
        let item = found.item.some("depends_on").unwrap_or_else(|| found.item.clone());
        let mut absent = Vec::new();
        for (name, dependency) in &found.service.depends_on {
            let message = match profiles.get(name) {
                Some(of_it) if self.is_active(of_it) => continue,
                _ if !dependency.required => String::new(),
                Some(of_it) => format!(
                    "`{name}` is only in the profile {}: activate it with COMPOSE_PROFILES, or write `required: false`",
                    of_it.join(", ")
                ),
                None => format!("there is no service `{name}`"),
            };
            absent.push(name.clone());
            if !message.is_empty() {
                self.report.refuse(ProblemKind::Reference, &item, message);
            }
        }
        found.service.depends_on.retain(|name, _| !absent.contains(name));
    }

    fn check_networks(
        &mut self,
        found: &Found<'_>,
        networks: &mut BTreeMap<String, Network>,
        used: &mut BTreeSet<String>,
    ) {
        let ServiceNetwork::Networks(members) = &found.service.network else { return };
        for name in members.keys() {
            if name == "default" && !networks.contains_key(name) {
                networks.insert(name.clone(), self.plain_network(name));
            }
            if !networks.contains_key(name) {
                let item = found.item.some("networks").unwrap_or_else(|| found.item.clone());
                let message =
                    format!("`{name}` is not among the top-level `networks`: add it there");
                self.report.refuse(ProblemKind::Reference, &item, message);
            }
            used.insert(name.clone());
        }
    }

    fn check_volumes(
        &mut self,
        found: &Found<'_>,
        volumes: &BTreeMap<String, Volume>,
        used: &mut BTreeSet<String>,
    ) {
        for mount in &found.service.mounts {
            let MountKind::Volume { source: Some(name), .. } = &mount.kind else { continue };
            if !volumes.contains_key(name) {
                let item = found.item.some("volumes").unwrap_or_else(|| found.item.clone());
                let message = format!(
                    "`{name}` is not among the top-level `volumes`: add it there, or write ./{name} for a folder"
                );
                self.report.refuse(ProblemKind::Reference, &item, message);
            }
            used.insert(name.clone());
        }
    }

    /// Tells each cycle once, by the services on it.
    fn check_cycles(
        &mut self,
        services: &BTreeMap<String, Service>,
        items: &BTreeMap<String, Item<'_>>,
    ) {
        let mut waiting: BTreeMap<&str, BTreeSet<&str>> = services
            .iter()
            .map(|(name, service)| {
                (name.as_str(), service.depends_on.keys().map(String::as_str).collect())
            })
            .collect();
        loop {
            take_those_that_can_start(&mut waiting);
            let Some(cycle) = cycle_in(&waiting) else { return };
            if let Some(item) = cycle.first().and_then(|name| items.get(*name)) {
                let item = item.some("depends_on").unwrap_or_else(|| item.clone());
                let path = [cycle.as_slice(), cycle.get(..1).unwrap_or_default()].concat();
                let message = format!(
                    "services wait for each other: {}; remove one of these dependencies",
                    path.join(" → ")
                );
                self.report.refuse(ProblemKind::Reference, &item, message);
            }
            waiting.retain(|name, _| !cycle.contains(name));
        }
    }
}

fn take_those_that_can_start(waiting: &mut BTreeMap<&str, BTreeSet<&str>>) {
    loop {
        let names: BTreeSet<&str> = waiting.keys().copied().collect();
        waiting.retain(|_, others| {
            others.retain(|other| names.contains(other));
            !others.is_empty()
        });
        if waiting.len() == names.len() {
            return;
        }
    }
}

/// A cycle among services that all wait for one of each other, from its first name on.
fn cycle_in<'s>(waiting: &BTreeMap<&'s str, BTreeSet<&'s str>>) -> Option<Vec<&'s str>> {
    let mut path: Vec<&str> = Vec::new();
    let mut at = *waiting.keys().next()?;
    loop {
        if let Some(start) = path.iter().position(|known| *known == at) {
            let mut cycle = path.split_off(start);
            let first = cycle.iter().enumerate().min_by_key(|(_, name)| **name)?.0;
            cycle.rotate_left(first);
            return Some(cycle);
        }
        path.push(at);
        at = waiting.get(at)?.first()?;
    }
}
