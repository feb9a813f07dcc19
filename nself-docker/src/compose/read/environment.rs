//! `environment`, `env_file`, labels, and other pairs of a name and a text.

use std::collections::BTreeMap;
use std::io;

use super::super::report::{Item, Report};
use super::super::tree::Value;
use super::super::{ProblemKind, Rule, dotenv, files, keys};
use super::Reader;

impl Reader<'_> {
    /// The variables of a service: of its `env_file`s, then its own.
    pub(super) fn environment(&mut self, service: &Item<'_>) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        if let Some(item) = service.some("env_file") {
            for item in self.report.one_or_more(&item).unwrap_or_default() {
                variables.extend(self.env_file(&item).unwrap_or_default());
            }
        }
        if let Some(item) = service.some("environment") {
            for (name, value, item) in pairs(self.report, &item) {
                if name.is_empty() || name.contains(['=', '\0']) {
                    self.report.invalid(&item, "a variable needs a name, without `=`");
                    continue;
                }
                match value.or_else(|| (self.lookup)(&name)) {
                    Some(value) => variables.insert(name, value),
                    None => variables.remove(&name),
                };
            }
        }
        variables
    }

    fn env_file(&mut self, item: &Item<'_>) -> Option<BTreeMap<String, String>> {
        let (path, required) = if matches!(item.node.value, Value::Mapping(_)) {
            if !self.report.keys(item, &keys::ENV_FILE) {
                return None;
            }
            let required = item.some("required").and_then(|item| self.report.boolean(&item));
            let Some(path) = item.some("path") else {
                self.report.invalid(item, "an env_file needs a `path`");
                return None;
            };
            (path, required.unwrap_or(true))
        } else {
            (item.clone(), true)
        };
        let written = self.report.word(&path)?;
        if self.report.idle {
            return None;
        }
        let found = match self.ground.resolve(&self.ground.dir, &written) {
            Ok(found) => found,
            Err(message) => {
                self.report.refuse(ProblemKind::File, &path, message);
                return None;
            }
        };
        if !self.ground.is_inside(&found) {
            let what = format!("{written:?} is not in the project's folder");
            self.report.forbid(Rule::EnvFileOutsideProject, &path, what);
            if !self.report.allows(Rule::EnvFileOutsideProject) {
                return None;
            }
        }
        match files::read_text(&found) {
            Ok(text) => match dotenv::parse(&text, self.texts, self.lookup) {
                Ok(variables) => {
                    for name in self.texts.take_unset() {
                        let message = format!("the variable {name} is not set and becomes empty");
                        let file = self.ground.shown(&found);
                        self.report.warn_file(ProblemKind::Variable, Some(&file), message);
                    }
                    Some(variables)
                }
                Err(error) => {
                    let file = self.ground.shown(&found);
                    let message = error.kind.to_string();
                    self.report.refuse_file(
                        ProblemKind::Syntax,
                        Some(&file),
                        Some(error.line),
                        message,
                    );
                    None
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound && !required => None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let message = format!(
                    "the file {written:?} does not exist: create it, or write `path: {written}` with `required: false`"
                );
                self.report.refuse(ProblemKind::File, &path, message);
                None
            }
            Err(error) => {
                let message = format!("{written:?} cannot be read: {error}");
                self.report.refuse(ProblemKind::File, &path, message);
                None
            }
        }
    }

    /// Pairs of which those without a value take it from outside, or are absent.
    pub(super) fn resolved_pairs(&mut self, item: &Item<'_>) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for (name, value, _) in pairs(self.report, item) {
            if let Some(value) = value.or_else(|| (self.lookup)(&name)) {
                all.insert(name, value);
            }
        }
        all
    }
}

/// Labels. Compose's own are not for files to set: they say what belongs to which project.
pub(super) fn labels(report: &mut Report, item: &Item<'_>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (name, value, item) in pairs(report, item) {
        if name.is_empty() || name.starts_with("com.docker.compose.") {
            let message = "a label needs a name, and com.docker.compose.* are Compose's own";
            report.invalid(&item, message);
            continue;
        }
        all.insert(name, value.unwrap_or_default());
    }
    all
}

/// A mapping of names to texts.
pub(super) fn options(report: &mut Report, item: &Item<'_>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for entry in report.mapping(item).unwrap_or_default() {
        let item = item.child(&entry.key, &entry.value);
        if let Some(text) = report.text(&item) {
            all.insert(entry.key.clone(), text);
        }
    }
    all
}

/// `KEY: value` in a mapping or `KEY=value` in a list; later ones win.
fn pairs<'n>(report: &mut Report, item: &Item<'n>) -> Vec<(String, Option<String>, Item<'n>)> {
    let mut all = Vec::new();
    if matches!(item.node.value, Value::Sequence(_)) {
        for item in report.sequence(item).unwrap_or_default() {
            let Some(text) = report.text(&item) else { continue };
            all.push(match text.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned()), item),
                None => (text, None, item),
            });
        }
        return all;
    }
    for entry in report.mapping(item).unwrap_or_default() {
        let item = item.child(&entry.key, &entry.value);
        if entry.value.value == Value::Null {
            all.push((entry.key.clone(), None, item));
        } else if let Some(text) = report.text(&item) {
            all.push((entry.key.clone(), Some(text), item));
        }
    }
    all
}
