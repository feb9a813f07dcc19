//! What the merged tree means: each key into the one shape that the model has.

mod build;
mod environment;
mod files;
mod health;
mod mounts;
mod network;
mod ports;
mod references;
mod resources;
mod security;
mod service;
mod units;

use std::collections::{BTreeMap, BTreeSet};

use super::interpolate::Interpolation;
use super::keys;
use super::paths::Ground;
use super::report::{Item, Report};
use super::tree::{Node, Value};
use super::{Project, Service};

/// What reading needs beside the tree.
pub(super) struct Reader<'r> {
    pub(super) report: &'r mut Report,
    pub(super) ground: &'r Ground,
    /// The project's name.
    pub(super) name: &'r str,
    pub(super) profiles: &'r BTreeSet<String>,
    /// Variables of the process, then of `.env`.
    pub(super) lookup: &'r dyn Fn(&str) -> Option<String>,
    pub(super) texts: &'r mut Interpolation,
}

/// A service as it was read, and what it has to be checked against the others for.
struct Found<'n> {
    item: Item<'n>,
    service: Service,
    profiles: Vec<String>,
}

impl Reader<'_> {
    /// The project, without its files; what is wrong is in the report.
    pub(super) fn project(&mut self, root: &Node) -> Option<Project> {
        let root = Item { node: root, path: String::new() };
        if root.node.value == Value::Null {
            self.report.invalid(&root, "the file is empty: it needs `services`");
            return None;
        }
        if !self.report.keys(&root, &keys::PROJECT) {
            return None;
        }
        if let Some(version) = root.get("version") {
            let message = "`version` is obsolete and means nothing: remove it";
            self.report.warn(super::ProblemKind::Invalid, &version, message);
        }
        let mut networks = self.networks(root.some("networks").as_ref());
        let mut volumes = self.volumes(root.some("volumes").as_ref());
        let secrets = self.file_sources(root.some("secrets"));
        let configs = self.file_sources(root.some("configs"));
        let Some(item) = root.some("services") else {
            self.report.invalid(&root, "there are no `services`");
            return None;
        };
        let mut all = BTreeMap::new();
        for entry in self.report.mapping(&item)? {
            let item = item.child(&entry.key, &entry.value);
            if !is_service_name(&entry.key) {
                let message = "a service's name has letters, digits, dots, dashes and underscores";
                self.report.refuse_at(
                    super::ProblemKind::Invalid,
                    entry.place,
                    &item.path,
                    message,
                );
                continue;
            }
            let profiles = self.profiles_of(&item);
            self.report.idle = !self.is_active(&profiles);
            if let Some(service) = self.service(&entry.key, &item, &secrets, &configs) {
                all.insert(entry.key.clone(), Found { item, service, profiles });
            }
            self.report.idle = false;
        }
        if all.values().all(|found| !self.is_active(&found.profiles)) && !self.report.failed() {
            let message = "no service is active: add one, or name its profile in COMPOSE_PROFILES";
            self.report.invalid(&item, message);
        }
        let services = self.check_references(all, &mut networks, &mut volumes);
        Some(Project {
            name: self.name.to_owned(),
            dir: self.ground.dir.clone(),
            files: Vec::new(),
            services,
            networks,
            volumes,
        })
    }

    fn profiles_of(&mut self, item: &Item<'_>) -> Vec<String> {
        let profiles = item.some("profiles");
        profiles.and_then(|item| self.report.words(&item)).unwrap_or_default()
    }

    fn is_active(&self, profiles: &[String]) -> bool {
        let active =
            |profile: &String| self.profiles.contains(profile) || self.profiles.contains("*");
        profiles.is_empty() || profiles.iter().any(active)
    }
}

fn is_service_name(name: &str) -> bool {
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(sound)
}
