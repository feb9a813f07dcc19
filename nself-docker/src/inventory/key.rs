//! Which service of which room a container belongs to. Labels are free text: nobody may publish into
//! `system` by naming a project so.

use nself_realtime::{Name, RoomName};
use sha2::{Digest, Sha256};

use crate::engine::Container;

/// A service: its room stands for its project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ServiceKey {
    pub(crate) room: RoomName,
    pub(crate) service: Name,
}

impl ServiceKey {
    /// The service of a container. Outside any project every container is one.
    pub(crate) fn of(container: &Container) -> Self {
        let room = container.project.as_deref().map_or_else(RoomName::standalone, room_of_project);
        let label = container.service.as_deref().filter(|_| container.project.is_some());
        Self { room, service: name_or_digest(label.unwrap_or(&container.name)) }
    }
}

/// The room of a Compose project: its name if a room can have it, else a digest.
pub fn room_of_project(project: &str) -> RoomName {
    match RoomName::new(project) {
        Ok(room) if !room.is_reserved() => room,
        _ => RoomName::new(format!("project.{}", digest(project)))
            .unwrap_or_else(|_| RoomName::standalone()),
    }
}

/// A text as a name; a text that cannot be one becomes its digest.
pub(crate) fn name_or_digest(text: &str) -> Name {
    Name::new(text).unwrap_or_else(|_| digest_name(text))
}

#[expect(clippy::expect_used, reason = "16 hexadecimal digits are always a name")]
fn digest_name(text: &str) -> Name {
    Name::new(digest(text)).expect("hexadecimal digits are a name")
}

/// 16 hexadecimal digits of the SHA-256 of a text.
fn digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    hex::encode(digest.get(..8).unwrap_or(&digest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ContainerState;

    #[test]
    fn a_project_has_the_room_of_its_name() {
        assert_eq!(room_of_project("shop").as_str(), "shop");
    }

    #[test]
    fn a_project_cannot_take_a_room_that_is_not_its_own() {
        for project in ["system", "standalone", "Shop", "query/1", "project.0123456789abcdef", "ü"]
        {
            let room = room_of_project(project);
            assert!(room.as_str().starts_with("project."), "{project} → {room}");
            assert_ne!(room.as_str(), project);
        }
        let digest_of_system = "project.bbc5e661e106c6dc";
        assert_eq!(room_of_project("system").as_str(), digest_of_system);
    }

    #[test]
    fn a_container_outside_any_project_is_a_service_of_its_own() {
        let mut container = Container::new("c1", "lonely", ContainerState::Running);
        container.service = Some("ignored".into());
        let key = ServiceKey::of(&container);
        assert_eq!((key.room.as_str(), key.service.as_str()), ("standalone", "lonely"));
    }

    #[test]
    fn a_service_with_an_impossible_name_still_has_one() {
        let container =
            Container::new("c1", "c", ContainerState::Running).in_service("shop", "a\nb");
        assert_eq!(ServiceKey::of(&container).service.as_str().len(), 16);
    }
}
