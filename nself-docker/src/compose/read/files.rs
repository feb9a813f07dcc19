//! `secrets` and `configs`: files of the project that are mounted.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::report::Item;
use super::super::tree::Value;
use super::super::{FileMount, ProblemKind, keys};
use super::Reader;
use super::mounts::{mode, target};

/// The secrets, or the configs, that the project has.
pub(super) type FileSources<'n> = BTreeMap<String, Item<'n>>;

impl Reader<'_> {
    pub(super) fn file_sources<'n>(&mut self, item: Option<Item<'n>>) -> FileSources<'n> {
        let mut sources = FileSources::new();
        let Some(item) = item else { return sources };
        for entry in self.report.mapping(&item).unwrap_or_default() {
            let item = item.child(&entry.key, &entry.value);
            if self.report.keys(&item, &keys::FILE_SOURCE) {
                if item.some("file").is_none() {
                    self.report
                        .invalid(&item, "needs a `file`: other sources are not supported by nself");
                }
                sources.insert(entry.key.clone(), item);
            }
        }
        sources
    }

    pub(super) fn secrets(&mut self, item: &Item<'_>, sources: &FileSources<'_>) -> Vec<FileMount> {
        self.file_mounts(item, sources, "secrets", "/run/secrets/")
    }

    pub(super) fn configs(&mut self, item: &Item<'_>, sources: &FileSources<'_>) -> Vec<FileMount> {
        self.file_mounts(item, sources, "configs", "/")
    }

    /// The mounts; of two at one target the later one, as an override file means it.
    fn file_mounts(
        &mut self,
        item: &Item<'_>,
        sources: &FileSources<'_>,
        kind: &str,
        folder: &str,
    ) -> Vec<FileMount> {
        let mut mounts: Vec<FileMount> = Vec::new();
        for item in self.report.sequence(item).unwrap_or_default() {
            let Some(mount) = self.file_mount(&item, sources, kind, folder) else { continue };
            match mounts.iter_mut().find(|known| known.target == mount.target) {
                Some(known) => *known = mount,
                None => mounts.push(mount),
            }
        }
        mounts
    }

    fn file_mount(
        &mut self,
        item: &Item<'_>,
        sources: &FileSources<'_>,
        kind: &str,
        folder: &str,
    ) -> Option<FileMount> {
        let is_long = matches!(item.node.value, Value::Mapping(_));
        if is_long && !self.report.keys(item, &keys::FILE_MOUNT) {
            return None;
        }
        let source = if is_long { item.some("source") } else { Some(item.clone()) };
        let Some(source) = source else {
            self.report.invalid(item, "needs a `source`, its name at the top of the file");
            return None;
        };
        let name = self.report.word(&source)?;
        let Some(defined) = sources.get(&name) else {
            let message = format!("`{name}` is not among the top-level `{kind}`: add it there");
            self.report.refuse(ProblemKind::Reference, &source, message);
            return None;
        };
        let mut part = |key: &str| {
            let item = item.some(key).filter(|_| is_long)?;
            if key != "target" {
                let message = format!(
                    "`{key}` has no effect on a file that is mounted: set it on the file itself"
                );
                self.report.warn(ProblemKind::Unsupported, &item, message);
            }
            Some(item)
        };
        let (at, uid, gid, bits) = (part("target"), part("uid"), part("gid"), part("mode"));
        let written = match &at {
            Some(item) => self.report.word(item)?,
            None => name.clone(),
        };
        let written = if written.starts_with('/') { written } else { format!("{folder}{written}") };
        let target = target(self.report, at.as_ref().unwrap_or(item), &written)?;
        let uid = uid.and_then(|item| self.report.word(&item));
        let gid = gid.and_then(|item| self.report.word(&item));
        let mode = bits.and_then(|item| mode(self.report, &item));
        let file = self.source_file(&defined.some("file")?)?;
        Some(FileMount { name, file, target, uid, gid, mode })
    }

    fn source_file(&mut self, item: &Item<'_>) -> Option<PathBuf> {
        let written = self.report.word(item)?;
        match self.ground.resolve(&self.ground.dir, &written) {
            Ok(file) => {
                self.ground.check_mount(self.report, item, &file);
                if self.ground.is_inside(&file) && !file.is_file() {
                    let message = format!("there is no file {written:?}: create it");
                    self.report.refuse(ProblemKind::File, item, message);
                }
                Some(file)
            }
            Err(message) => {
                self.report.refuse(ProblemKind::File, item, message);
                None
            }
        }
    }
}
