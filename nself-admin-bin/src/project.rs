//! The project that the program builds: that of `--project`, else the one of the folder that it was started
//! in, if there is one.

use std::path::{Path, PathBuf};
use std::{env, io};

use nself_docker::compose::{self, LoadOptions};
use nself_docker::{ProjectSource, ScriptedEngine, room_of_project};
use nself_realtime::RoomName;
use tempfile::TempDir;

/// A folder with a project, whether that is valid now or not.
#[derive(Debug)]
pub(crate) struct Project {
    folder: PathBuf,
    room: RoomName,
    /// What is removed when the program ends: the demo's folder is its own.
    _demo: Option<TempDir>,
}

impl Project {
    /// The project of that folder, or the one that lies here.
    pub(crate) fn find(given: Option<PathBuf>) -> io::Result<Option<Self>> {
        let folder = if let Some(folder) = given {
            folder.canonicalize()?
        } else {
            let here = env::current_dir()?;
            if !FILES.iter().any(|name| here.join(name).is_file()) {
                return Ok(None);
            }
            here
        };
        let room = room(&folder);
        Ok(Some(Self { folder, room, _demo: None }))
    }

    /// The project of the demo, in a folder of its own.
    pub(crate) fn demo() -> io::Result<Self> {
        let demo = tempfile::Builder::new().prefix("nself-demo-").tempdir()?;
        ScriptedEngine::write_demo_project(demo.path())?;
        let folder = demo.path().to_owned();
        Ok(Self { room: room(&folder), folder, _demo: Some(demo) })
    }

    /// Where it lies.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its room.
    pub(crate) fn room(&self) -> &RoomName {
        &self.room
    }

    /// What reads it.
    pub(crate) fn source(&self) -> ProjectSource {
        ProjectSource::folder(&self.folder, options())
    }
}

/// The room of the project, or of its folder's name as long as it cannot be read.
fn room(folder: &Path) -> RoomName {
    let of_folder = || {
        folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().to_lowercase())
    };
    let name = compose::load(folder, &options())
        .map_or_else(|_| of_folder(), |loaded| loaded.project.name);
    room_of_project(&name)
}

fn options() -> LoadOptions {
    // What is not UTF-8 cannot be written into a Compose file either.
    let variables = env::vars_os();
    let texts = variables.filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
    LoadOptions::new().environment(texts)
}

const FILES: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
