//! What can be told of a project whether it is valid or not.

use std::collections::BTreeMap;
use std::path::Path;

use super::files;
use super::interpolate::Interpolation;
use super::load::{LoadOptions, project_name, read_document, read_dotenv};
use super::paths::Ground;
use super::report::Report;

/// What is known of a folder that has a Compose file, although that may not be valid.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outline {
    /// The name that [`load`](super::load) gives the project; absent, if that is one of its mistakes.
    pub name: Option<String>,
    /// The variables of its `.env`; none, if that cannot be read.
    pub variables: BTreeMap<String, String>,
}

/// Looks at the project of a folder; `None`, if there is no Compose file in it. What is wrong with it
/// is told by [`load`](super::load) alone. It reads files, so asynchronous programs call it where
/// blocking is allowed.
pub fn outline(dir: &Path, options: &LoadOptions) -> Option<Outline> {
    let process = |name: &str| options.variable(name);
    let mut report = Report::new(options.allowed());
    let ground = Ground::new(dir.canonicalize().ok()?, process);
    let names = files::find(&mut report, &ground);
    if names.is_empty() {
        return None;
    }
    let mut texts = Interpolation::default();
    let variables = read_dotenv(&mut report, &ground, &mut texts, &process);
    let mut documents = Vec::new();
    for name in names {
        let file = report.add_file(name.to_owned());
        documents.extend(read_document(&mut report, &ground, name, file));
    }
    let lookup = |name: &str| process(name).or_else(|| variables.get(name).cloned());
    let name = project_name(&mut report, &ground, &documents, &mut texts, &lookup);
    Some(Outline { name, variables })
}
