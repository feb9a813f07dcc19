//! The Compose project that belongs to the page: its room and its environment.

use std::io;
use std::path::{Path, PathBuf};

use nself_docker::room_of_project;
use nself_realtime::RoomName;

const FILES: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// Why a folder is not a project.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProjectError {
    #[error("--project {}: there is no compose.yaml; name the folder that has it", path.display())]
    NoFile { path: PathBuf },
    #[error("--project {}: cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
}

/// A project, as far as the page is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Project {
    pub(super) room: RoomName,
    pub(super) environment: Option<String>,
}

/// The project in that folder. Without one, that of the working folder, if it is one.
pub(super) fn find(folder: Option<&Path>) -> Result<Option<Project>, ProjectError> {
    let path = folder.unwrap_or(Path::new("."));
    let is_project = FILES.iter().any(|name| path.join(name).is_file());
    match (is_project, folder) {
        (true, _) => read(path).map(Some),
        (false, Some(_)) => Err(ProjectError::NoFile { path: path.to_owned() }),
        (false, None) => Ok(None),
    }
}

fn read(path: &Path) -> Result<Project, ProjectError> {
    let failed = |source| ProjectError::Read { path: path.to_owned(), source };
    let folder = path.canonicalize().map_err(failed)?;
    let variables = match std::fs::read_to_string(path.join(".env")) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(error)),
    };
    let named = variable(&variables, "COMPOSE_PROJECT_NAME");
    let folder = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Project {
        room: room_of_project(&named.unwrap_or_else(|| normalised(&folder))),
        environment: variable(&variables, "ENV").or_else(|| variable(&variables, "ENVIRONMENT")),
    })
}

/// A folder's name as Compose makes a project of it.
fn normalised(folder: &str) -> String {
    let allowed = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    let name: String = folder.chars().filter(allowed).collect();
    name.to_ascii_lowercase().trim_start_matches(['-', '_']).to_owned()
}

fn variable(text: &str, name: &str) -> Option<String> {
    let lines = text.lines().map(str::trim).filter_map(|line| line.split_once('='));
    let mut found = lines.filter(|(own, _)| own.trim_start_matches("export ").trim() == name);
    // The last one counts.
    let value = found.next_back()?.1.trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_has_the_room_of_its_folder_and_the_environment_of_its_variables() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("My.Shop");
        std::fs::create_dir(&folder).unwrap();
        assert!(matches!(find(Some(&folder)), Err(ProjectError::NoFile { .. })));
        std::fs::write(folder.join("compose.yaml"), "services: {}").unwrap();
        let room = |name| RoomName::new(name).unwrap();
        let project = find(Some(&folder)).unwrap().unwrap();
        assert_eq!(project, Project { room: room("myshop"), environment: None });
        std::fs::write(folder.join(".env"), "ENV=\"staging\"\nCOMPOSE_PROJECT_NAME=shop\n")
            .unwrap();
        let project = find(Some(&folder)).unwrap().unwrap();
        let environment = Some("staging".to_owned());
        assert_eq!(project, Project { room: room("shop"), environment });
    }
}
