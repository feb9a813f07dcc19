//! Step 2: the project as it was understood, written down as one Compose file.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::error::BuildCause;
use crate::compose::Project;

/// The folder of ours in a project. It is not sent along with the context of a build.
pub(super) fn folder(project: &Path) -> PathBuf {
    project.join(".nself")
}

/// Writes `.nself/docker-compose.yml`: whole or not at all, and for its owner only, since it holds
/// secrets. Gives back its path.
pub(super) fn write(project: &Project) -> Result<PathBuf, BuildCause> {
    let folder = folder(&project.dir);
    let path = folder.join("docker-compose.yml");
    let written = replace(&folder, &path, project.to_yaml().as_bytes());
    written.map(|()| path.clone()).map_err(|source| BuildCause::Write { path, source })
}

fn replace(folder: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    match fs::symlink_metadata(folder) {
        Ok(there) if there.is_dir() => {}
        // Wherever a link leads, it is not for us to write there.
        Ok(_) => return Err(io::Error::from(io::ErrorKind::NotADirectory)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::DirBuilder::new().mode(0o700).create(folder)?;
        }
        Err(error) => return Err(error),
    }
    let mut file = tempfile::Builder::new().prefix("docker-compose.").tempfile_in(folder)?;
    file.write_all(text)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    fs::File::open(folder)?.sync_all()
}
