//! From a folder to a project.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::interpolate::Interpolation;
use super::paths::Ground;
use super::read::Reader;
use super::report::{Item, Report};
use super::tree::{Node, Value};
use super::{LoadError, Problem, ProblemKind, Project, Rule, dotenv, files, merge, yaml};

/// What a project is read with, beside its own files. Default: an empty environment, nothing allowed.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    environment: BTreeMap<String, String>,
    allow: BTreeSet<Rule>,
}

impl LoadOptions {
    /// Nothing set, nothing allowed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Variables that win over the project's `.env`: those of the process, as a rule. `HOME` and
    /// `DOCKER_HOST` are looked at, too; `COMPOSE_PROJECT_NAME` and `COMPOSE_PROFILES` mean what they mean
    /// to Compose.
    pub fn environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment.extend(variables);
        self
    }

    /// Allows what a rule forbids.
    pub fn allow(mut self, rules: impl IntoIterator<Item = Rule>) -> Self {
        self.allow.extend(rules);
        self
    }

    pub(super) fn variable(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }

    pub(super) fn allowed(&self) -> BTreeSet<Rule> {
        self.allow.clone()
    }
}

/// A project that was read, and what is only worth a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// The project.
    pub project: Project,
    /// What Compose would warn of, too: variables that are not set, for the most part.
    pub warnings: Vec<Problem>,
}

/// Reads the project of a folder: finds its files, merges them, fills variables in, checks it all. No
/// engine is asked. It reads files, so asynchronous programs call it where blocking is allowed.
///
/// # Errors
///
/// All that is wrong with it, each with file, line, path and mend.
pub fn load(dir: &Path, options: &LoadOptions) -> Result<Loaded, LoadError> {
    let mut report = Report::new(options.allowed());
    let project = load_into(&mut report, dir, options);
    let failed = report.failed();
    let (problems, warnings) = report.finish();
    match project {
        Some(project) if !failed => Ok(Loaded { project, warnings }),
        _ => Err(LoadError { problems, warnings }),
    }
}

fn load_into(report: &mut Report, dir: &Path, options: &LoadOptions) -> Option<Project> {
    let process = |name: &str| options.variable(name);
    let dir = match dir.canonicalize() {
        Ok(dir) if dir.is_dir() && dir.to_str().is_some() => dir,
        Ok(dir) if dir.is_dir() => {
            let message = "the path of the project's folder is not UTF-8: rename it";
            report.refuse_file(ProblemKind::NoProject, None, None, message);
            return None;
        }
        found => {
            let why = found.err().map_or("it is no folder".to_owned(), |error| error.to_string());
            let message = format!("the project's folder cannot be read: {why}");
            report.refuse_file(ProblemKind::NoProject, None, None, message);
            return None;
        }
    };
    let ground = Ground::new(dir, process);
    let names = files::find(report, &ground);
    let mut texts = Interpolation::default();
    let dotenv = read_dotenv(report, &ground, &mut texts, &process);
    let of_files = |name: &str| process(name).or_else(|| dotenv.get(name).cloned());
    let mut documents = Vec::new();
    for name in &names {
        let file = report.add_file((*name).to_owned());
        documents.extend(read_document(report, &ground, name, file));
    }
    if documents.len() < names.len() || names.is_empty() {
        return None;
    }
    if of_files("COMPOSE_FILE").is_some_and(|files| !files.is_empty()) {
        let message = "COMPOSE_FILE is not supported by nself: the files of the folder are read";
        report.warn_file(ProblemKind::Unsupported, None, message.to_owned());
    }
    let name = project_name(report, &ground, &documents, &mut texts, &of_files)?;
    let lookup = |wanted: &str| match wanted {
        "COMPOSE_PROJECT_NAME" => Some(name.clone()),
        _ => of_files(wanted),
    };
    for document in &mut documents {
        fill(report, &mut texts, &lookup, document);
    }
    let root = merged(report, documents)?;
    let profiles = of_files("COMPOSE_PROFILES").unwrap_or_default();
    let profiles = profiles.split(',').map(|profile| profile.trim().to_owned()).collect();
    let mut reader = Reader {
        report,
        ground: &ground,
        name: &name,
        profiles: &profiles,
        lookup: &lookup,
        texts: &mut texts,
    };
    let mut project = reader.project(&root)?;
    project.files = names.iter().map(|name| ground.dir.join(name)).collect::<Vec<PathBuf>>();
    Some(project)
}

/// The variables of `.env`, or else of `.env.dev`.
pub(super) fn read_dotenv(
    report: &mut Report,
    ground: &Ground,
    texts: &mut Interpolation,
    process: &dyn Fn(&str) -> Option<String>,
) -> BTreeMap<String, String> {
    let found = [".env", ".env.dev"].into_iter().find(|name| ground.dir.join(name).exists());
    let Some(name) = found else { return BTreeMap::new() };
    let path = match ground.resolve(&ground.dir, name) {
        Ok(path) => path,
        Err(message) => {
            report.refuse_file(ProblemKind::File, Some(name), None, message);
            return BTreeMap::new();
        }
    };
    let rule = Rule::EnvFileOutsideProject;
    if !ground.is_inside(&path) && !report.allows(rule) {
        let message = format!(
            "leads out of the project's folder; it is refused unless the rule `{rule}` is on the allow list"
        );
        report.refuse_file(ProblemKind::Policy(rule), Some(name), None, message);
        return BTreeMap::new();
    }
    let variables = match files::read_text(&path) {
        Ok(text) => dotenv::parse(&text, texts, process),
        Err(error) => {
            let message = format!("cannot be read: {error}");
            report.refuse_file(ProblemKind::File, Some(name), None, message);
            return BTreeMap::new();
        }
    };
    for unset in texts.take_unset() {
        let message = format!("the variable {unset} is not set and becomes empty");
        report.warn_file(ProblemKind::Variable, Some(name), message);
    }
    variables.unwrap_or_else(|error| {
        let message = error.kind.to_string();
        report.refuse_file(ProblemKind::Syntax, Some(name), Some(error.line), message);
        BTreeMap::new()
    })
}

pub(super) fn read_document(
    report: &mut Report,
    ground: &Ground,
    name: &str,
    file: usize,
) -> Option<Node> {
    let text = match files::read_text(&ground.dir.join(name)) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("cannot be read: {error}");
            report.refuse_file(ProblemKind::File, Some(name), None, message);
            return None;
        }
    };
    match yaml::parse(&text, file) {
        Ok(node) => Some(node),
        Err(error) => {
            report.refuse_at(ProblemKind::Syntax, error.place, "", error.message);
            None
        }
    }
}

/// The name: of the environment, else of the last file that has one, else of the folder.
pub(super) fn project_name(
    report: &mut Report,
    ground: &Ground,
    documents: &[Node],
    texts: &mut Interpolation,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Option<String> {
    const RULE: &str = "a project's name has lowercase letters, digits, dashes and underscores, and begins with a letter or a digit";
    if let Some(name) = lookup("COMPOSE_PROJECT_NAME").filter(|name| !name.is_empty()) {
        if is_project_name(&name) {
            return Some(name);
        }
        let message = format!("COMPOSE_PROJECT_NAME is {name:?}: {RULE}");
        report.refuse_file(ProblemKind::Invalid, None, None, message);
        return None;
    }
    if let Some(node) = documents.iter().rev().find_map(|document| document.get("name")) {
        let mut node = node.clone();
        fill_at(report, texts, lookup, &mut node, "name");
        let item = Item { node: &node, path: "name".to_owned() };
        let name = report.text(&item)?;
        if is_project_name(&name) {
            return Some(name);
        }
        report.invalid(&item, format!("{name:?}: {RULE}"));
        return None;
    }
    let folder = ground.dir.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let sound = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let name: String = folder.chars().filter(sound).collect();
    let name = name.trim_start_matches(['-', '_']);
    if name.is_empty() {
        let message = "the folder's name makes no project name: set `name` in the Compose file";
        report.refuse_file(ProblemKind::Invalid, None, None, message);
        return None;
    }
    Some(name.to_owned())
}

fn is_project_name(name: &str) -> bool {
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    name.chars().all(sound) && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// Fills the variables of a whole document in, of its values alone. What is under `x-` at its top is only
/// there to be aliased, and is filled in where it is.
fn fill(
    report: &mut Report,
    texts: &mut Interpolation,
    lookup: &dyn Fn(&str) -> Option<String>,
    document: &mut Node,
) {
    let Value::Mapping(entries) = &mut document.value else { return };
    for entry in entries.iter_mut().filter(|entry| !entry.key.starts_with("x-")) {
        fill_at(report, texts, lookup, &mut entry.value, &entry.key);
    }
}

fn fill_at(
    report: &mut Report,
    texts: &mut Interpolation,
    lookup: &dyn Fn(&str) -> Option<String>,
    node: &mut Node,
    path: &str,
) {
    let place = node.place;
    match &mut node.value {
        Value::Null => {}
        Value::Scalar(scalar) => {
            let filled = texts.fill(&scalar.text, lookup);
            match filled {
                Ok(text) => scalar.text = text,
                Err(error) => {
                    report.refuse_at(ProblemKind::Variable, place, path, error.to_string());
                }
            }
            for name in texts.take_unset() {
                let message = format!(
                    "the variable {name} is not set and becomes empty: set it in .env, or write ${{{name}:-default}}"
                );
                let node = Node::null(place);
                let item = Item { node: &node, path: path.to_owned() };
                report.warn(ProblemKind::Variable, &item, message);
            }
        }
        Value::Sequence(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                fill_at(report, texts, lookup, item, &format!("{path}[{index}]"));
            }
        }
        Value::Mapping(entries) => {
            for entry in entries {
                let path = format!("{path}.{}", entry.key);
                fill_at(report, texts, lookup, &mut entry.value, &path);
            }
        }
    }
}

fn merged(report: &mut Report, documents: Vec<Node>) -> Option<Node> {
    let mut documents = documents.into_iter();
    let mut root = documents.next()?;
    for over in documents {
        let mut clashes = Vec::new();
        root = merge::merge(root, &over, &mut clashes);
        for clash in clashes {
            let message = format!(
                "{} cannot be laid over {}: write it as the other file does",
                clash.over.kind(),
                clash.below
            );
            report.refuse_at(ProblemKind::Invalid, clash.over.place, &clash.path, message);
        }
    }
    Some(root)
}
