//! What can be wrong with a project, with its place and its mend; and all that is wrong with one.

use std::fmt;

use super::Rule;

/// Why a project cannot be built: all that could be found wrong with it at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(problems))]
#[non_exhaustive]
pub struct LoadError {
    /// What is wrong, in the order of the files; never empty, and at most the first 100.
    pub problems: Vec<Problem>,
    /// What is only worth a warning, at most 100.
    pub warnings: Vec<Problem>,
}

impl LoadError {
    /// Whether everything that is wrong is a matter of policy: the rules could be
    /// [allowed](super::LoadOptions::allow).
    pub fn is_policy(&self) -> bool {
        self.problems.iter().all(|problem| matches!(problem.kind, ProblemKind::Policy(_)))
    }
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    lines.join("\n")
}

/// One thing that is wrong, or worth a warning. Displays as `file:line:column: path: message`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Of which kind.
    pub kind: ProblemKind,
    /// The file, relative to the project's folder, if it lies there; none if no file is to blame.
    pub file: Option<String>,
    /// The line and the column in the file, from 1.
    pub position: Option<(u64, u64)>,
    /// Where in the document, such as `services.web.ports[0]`.
    pub path: Option<String>,
    /// What is wrong, and the mend.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            f.write_str(file)?;
            if let Some((line, column)) = self.position {
                write!(f, ":{line}:{column}")?;
            }
            f.write_str(": ")?;
        }
        if let Some(path) = &self.path {
            write!(f, "{path}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// Kinds of [`Problem`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// There is no Compose file.
    NoProject,
    /// A file cannot be read, is too large, or is missing.
    File,
    /// A file is no YAML, or no list of variables.
    Syntax,
    /// A key that Compose does not know either.
    UnknownKey,
    /// Something that Compose has and this crate does not support.
    Unsupported,
    /// A value that is wrong in itself.
    Invalid,
    /// A variable that has to be set and is not, or that is written wrongly.
    Variable,
    /// Something that is named and does not exist, or a cycle.
    Reference,
    /// Something that a rule forbids.
    Policy(Rule),
}
