//! The labels by which Docker Compose knows what is its own.

use std::collections::BTreeMap;

pub(super) const PROJECT: &str = "com.docker.compose.project";
pub(super) const SERVICE: &str = "com.docker.compose.service";
pub(super) const NETWORK: &str = "com.docker.compose.network";
pub(super) const VOLUME: &str = "com.docker.compose.volume";
pub(super) const NUMBER: &str = "com.docker.compose.container-number";
pub(super) const ONE_OFF: &str = "com.docker.compose.oneoff";
pub(super) const CONFIG_HASH: &str = "com.docker.compose.config-hash";
pub(super) const IMAGE: &str = "com.docker.compose.image";
pub(super) const DEPENDS_ON: &str = "com.docker.compose.depends_on";
pub(super) const WORKING_DIR: &str = "com.docker.compose.project.working_dir";
pub(super) const CONFIG_FILES: &str = "com.docker.compose.project.config_files";

/// A thing of a project: `kind` says by which name the project has it.
///
/// Networks and volumes have no `config-hash`: Compose would find ours to differ from its own, and offer
/// to make them anew, with what is in them.
pub(super) fn of(project: &str, kind: &str, name: &str) -> BTreeMap<String, String> {
    const VERSION: &str = "com.docker.compose.version";
    let version = concat!("nself-", env!("CARGO_PKG_VERSION"));
    [(PROJECT, project), (kind, name), (VERSION, version)]
        .map(|(label, value)| (label.to_owned(), value.to_owned()))
        .into()
}
