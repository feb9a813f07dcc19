//! `build`.

use std::path::{Path, PathBuf};

use super::super::report::Item;
use super::super::tree::Value;
use super::super::{Build, ProblemKind, Rule, keys};
use super::Reader;

impl Reader<'_> {
    pub(super) fn build(&mut self, item: &Item<'_>) -> Option<Build> {
        let is_long = matches!(item.node.value, Value::Mapping(_));
        if is_long && !self.report.keys(item, &keys::BUILD) {
            return None;
        }
        let context = if is_long { item.some("context") } else { Some(item.clone()) };
        let written = match &context {
            Some(item) => self.report.word(item)?,
            None => ".".to_owned(),
        };
        let at = context.as_ref().unwrap_or(item);
        if written.contains("://") || written.starts_with("git@") {
            let message =
                "a context from elsewhere is not supported by nself: clone it into the project";
            self.report.refuse(ProblemKind::Unsupported, at, message);
            return None;
        }
        let dir = self.ground.dir.clone();
        let context = self.build_path(at, &dir, &written, "folder", Path::is_dir);
        let at = item.some("dockerfile");
        let written = match &at {
            Some(item) => self.report.word(item)?,
            None => "Dockerfile".to_owned(),
        };
        let args = item.some("args").map(|item| self.resolved_pairs(&item)).unwrap_or_default();
        let target = item.some("target").and_then(|item| self.report.word(&item));
        let context = context?;
        let at = at.as_ref().unwrap_or(item);
        let dockerfile = self.build_path(at, &context, &written, "file", Path::is_file)?;
        Some(Build { context, dockerfile, args, target })
    }

    /// A folder or file that has to be there, in the project.
    fn build_path(
        &mut self,
        item: &Item<'_>,
        base: &Path,
        written: &str,
        kind: &str,
        is_kind: fn(&Path) -> bool,
    ) -> Option<PathBuf> {
        let path = match self.ground.resolve(base, written) {
            Ok(path) => path,
            Err(message) => {
                self.report.refuse(ProblemKind::File, item, message);
                return None;
            }
        };
        if !self.ground.is_inside(&path) {
            let what = format!("{written:?} is not in the project's folder");
            self.report.forbid(Rule::BuildOutsideProject, item, what);
            if !self.report.allows(Rule::BuildOutsideProject) {
                return None;
            }
        }
        if !is_kind(&path) {
            let message = format!("there is no {kind} {written:?}: create it, or name another");
            self.report.refuse(ProblemKind::File, item, message);
        }
        Some(path)
    }
}
