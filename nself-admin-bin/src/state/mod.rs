//! What outlives a restart: a folder that only its owner may enter, whose files are replaced as a whole, so
//! that each is whole at any moment, also when the program or the machine stops in between.

pub(crate) mod audit;
pub(crate) mod links;
pub(crate) mod password;
pub(crate) mod running;
pub(crate) mod tokens;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Held by whoever changes a file.
const LOCK: &str = "lock";

/// Why the state cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    #[error(
        "--state-dir is not given, and neither XDG_STATE_HOME nor HOME says where it could be; add --state-dir DIR"
    )]
    Nowhere,
    #[error("the state folder {} cannot be made: {source}; choose a folder that you may write to with --state-dir", path.display())]
    Make { path: PathBuf, source: io::Error },
    #[error("the state folder {} may be changed by others; run: chmod go-w {}", path.display(), path.display())]
    Open { path: PathBuf },
    #[error("{} cannot be read: {source}; it must belong to the user that runs nself-admin", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} cannot be written: {source}; look whether the disk is full and who owns the folder", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{} is not what nself-admin wrote ({message}); restore it from a backup, or remove it and set it anew", path.display())]
    Damaged { path: PathBuf, message: String },
}

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct StateDir(PathBuf);

/// Tells one version of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    inode: u64,
    changed: (i64, i64),
}

impl StateDir {
    /// Opens the folder, or makes it.
    ///
    /// # Errors
    ///
    /// [`StateError`]: it cannot be made, or others may write to it.
    pub(crate) fn open(path: PathBuf) -> Result<Self, StateError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        let metadata = made.and_then(|()| fs::metadata(&path));
        let metadata =
            metadata.map_err(|source| StateError::Make { path: path.clone(), source })?;
        if metadata.mode() & 0o022 != 0 {
            return Err(StateError::Open { path });
        }
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Where a file of that name is.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// What a file holds; `None` if it is not there.
    pub(crate) fn read(&self, name: &str) -> Result<Option<String>, StateError> {
        match fs::read_to_string(self.file(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StateError::Read { path: self.file(name), source }),
        }
    }

    /// What a file holds as JSON; the default if it is not there.
    pub(crate) fn read_json<T: DeserializeOwned + Default>(
        &self,
        name: &str,
    ) -> Result<T, StateError> {
        let Some(text) = self.read(name)? else { return Ok(T::default()) };
        serde_json::from_str(&text).map_err(|error| StateError::Damaged {
            path: self.file(name),
            message: error.to_string(),
        })
    }

    /// Replaces a file as a whole: whoever reads it sees what it was or what it is.
    pub(crate) fn replace(&self, name: &str, text: &str) -> Result<(), StateError> {
        let (path, new) = (self.file(name), self.file(&format!("{name}.new")));
        let write = || {
            let mut file = private().create(true).truncate(true).write(true).open(&new)?;
            self.give(&file)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            // The new name is on the disk, too.
            File::open(&self.0)?.sync_all()
        };
        write().map_err(|source| StateError::Write { path: path.clone(), source })
    }

    /// The same, as JSON.
    pub(crate) fn replace_json(
        &self,
        name: &str,
        value: &impl Serialize,
    ) -> Result<(), StateError> {
        let text = serde_json::to_string_pretty(value).map_err(|error| StateError::Write {
            path: self.file(name),
            source: io::Error::other(error),
        })?;
        self.replace(name, &(text + "\n"))
    }

    /// Removes a file, if it is there.
    pub(crate) fn remove(&self, name: &str) -> Result<(), StateError> {
        match fs::remove_file(self.file(name)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(StateError::Write { path: self.file(name), source })
            }
            _ => Ok(()),
        }
    }

    /// Keeps other processes from changing files until it is dropped.
    pub(crate) fn lock(&self) -> Result<File, StateError> {
        let path = self.file(LOCK);
        let file = private().create(true).append(true).open(&path);
        let locked = file.and_then(|file| {
            self.give(&file)?;
            file.lock()?;
            Ok(file)
        });
        locked.map_err(|source| StateError::Write { path, source })
    }

    /// Gives a file to the owner of the folder: root may set a password for a server that is not root.
    pub(crate) fn give(&self, file: &File) -> io::Result<()> {
        let (folder, own) = (fs::metadata(&self.0)?, file.metadata()?);
        if (folder.uid(), folder.gid()) == (own.uid(), own.gid()) {
            return Ok(());
        }
        match fchown(file, Some(folder.uid()), Some(folder.gid())) {
            // Not root: the folder is readable for us, and so is the file.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            given => given,
        }
    }

    /// Which version of a file there is; `None` if there is none.
    pub(crate) fn version(&self, name: &str) -> Option<Version> {
        let metadata = fs::metadata(self.file(name)).ok()?;
        let changed = (metadata.mtime(), metadata.mtime_nsec());
        Some(Version { inode: metadata.ino(), changed })
    }
}

/// Options of a file that only its owner may read.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_folder_and_its_files_are_for_their_owner_only() {
        let parent = tempfile::tempdir().unwrap();
        let dir = StateDir::open(parent.path().join("a/b")).unwrap();
        dir.replace("x", "1").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(dir.path()), mode(&dir.file("x"))), (0o700, 0o600));
        assert_eq!(dir.read("x").unwrap().as_deref(), Some("1"));
        assert_eq!(dir.read("y").unwrap(), None);
    }

    #[test]
    fn a_folder_that_others_may_change_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o770)).unwrap();
        let error = StateDir::open(parent.path().to_owned()).unwrap_err().to_string();
        assert!(error.ends_with(&format!("chmod go-w {}", parent.path().display())), "{error}");
    }

    #[test]
    fn a_replaced_file_has_another_version() {
        let parent = tempfile::tempdir().unwrap();
        let dir = StateDir::open(parent.path().to_owned()).unwrap();
        assert_eq!(dir.version("x"), None);
        dir.replace("x", "1").unwrap();
        let first = dir.version("x");
        assert_eq!(dir.version("x"), first);
        dir.replace("x", "1").unwrap();
        assert_ne!(dir.version("x"), first);
    }

    #[test]
    fn a_damaged_file_is_named() {
        let parent = tempfile::tempdir().unwrap();
        let dir = StateDir::open(parent.path().to_owned()).unwrap();
        dir.replace("x", "{").unwrap();
        let error = dir.read_json::<Vec<u8>>("x").unwrap_err().to_string();
        assert!(error.contains(&dir.file("x").display().to_string()), "{error}");
    }
}
