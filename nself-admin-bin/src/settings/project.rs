//! The Compose project that the program builds and that belongs to its page: its room and its environment.

use std::path::{Path, PathBuf};
use std::{env, io};

use nself_docker::compose::{self, LoadError, LoadOptions, Outline, Rule};
use nself_docker::{ProjectSource, room_of_project};
use nself_realtime::RoomName;

/// Why a folder is not a project.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProjectError {
    #[error("--project {}: there is no compose.yaml; name the folder that has it", path.display())]
    NoFile { path: PathBuf },
    #[error("--project {}: cannot be read: {source}; name a folder that the user of nself-admin may read", path.display())]
    Read { path: PathBuf, source: io::Error },
}

/// A folder with a project, whether that is valid now or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Project {
    pub(crate) folder: PathBuf,
    pub(crate) room: RoomName,
    pub(crate) environment: Option<String>,
    /// What its files may ask for although it gives containers more of the host.
    pub(crate) allowed: Vec<Rule>,
}

impl Project {
    /// The project in that folder.
    pub(crate) fn read(path: &Path, allowed: Vec<Rule>) -> Result<Self, ProjectError> {
        let failed = |source| ProjectError::Read { path: path.to_owned(), source };
        let folder = path.canonicalize().map_err(failed)?;
        let outline = compose::outline(&folder, &options(&allowed));
        let Outline { name, variables, .. } =
            outline.ok_or_else(|| ProjectError::NoFile { path: path.to_owned() })?;
        let variable = |name| variables.get(name).filter(|value| !value.is_empty()).cloned();
        Ok(Self {
            // One that is not valid yet has a room, too: what is wrong with it is told there.
            room: room_of_project(&name.unwrap_or_default()),
            environment: variable("ENV").or_else(|| variable("ENVIRONMENT")),
            folder,
            allowed,
        })
    }

    /// Whether it could be built as it is.
    pub(crate) fn check(&self) -> Result<(), LoadError> {
        compose::load(&self.folder, &options(&self.allowed)).map(drop)
    }

    /// What reads it for each build.
    pub(crate) fn source(&self) -> ProjectSource {
        ProjectSource::folder(&self.folder, options(&self.allowed))
    }
}

fn options(allowed: &[Rule]) -> LoadOptions {
    // What is not UTF-8 cannot be written into a Compose file either.
    let variables = env::vars_os();
    let texts = variables.filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
    LoadOptions::new().environment(texts).allow(allowed.iter().copied())
}

/// The project in that folder. Without one, that of the working folder, if it is one.
pub(super) fn find(
    folder: Option<&Path>,
    allowed: Vec<Rule>,
) -> Result<Option<Project>, ProjectError> {
    match folder {
        Some(path) => Project::read(path, allowed).map(Some),
        // Nobody said that the working folder is one.
        None => Ok(Project::read(Path::new("."), allowed).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_has_the_room_of_its_folder_and_the_environment_of_its_variables() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("My.Shop");
        std::fs::create_dir(&folder).unwrap();
        assert!(matches!(find(Some(&folder), Vec::new()), Err(ProjectError::NoFile { .. })));
        let told = || {
            let project = find(Some(&folder), Vec::new()).unwrap().unwrap();
            (project.room.to_string(), project.environment)
        };
        std::fs::write(folder.join("compose.yaml"), "not: valid").unwrap();
        assert_eq!(told(), ("myshop".to_owned(), None));
        let variables =
            "STAGE=stag\nENV=\"${STAGE}ing\" # as Compose reads it\nCOMPOSE_PROJECT_NAME=shop\n";
        std::fs::write(folder.join(".env"), variables).unwrap();
        assert_eq!(told(), ("shop".to_owned(), Some("staging".to_owned())));
        std::fs::write(folder.join("compose.yaml"), "services: {web: {image: web}}").unwrap();
        assert_eq!(told(), ("shop".to_owned(), Some("staging".to_owned())));
    }
}
