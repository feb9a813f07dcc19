//! The list of containers, read from the engine without bollard: its models know a fixed set of states,
//! and one container in another (Podman's `stopped` and `unknown`) would make the whole list unreadable.
//! State, exit code and health stand in texts for people.

use std::collections::HashMap;

use hyper::Method;
use nself_realtime::event::{HealthState, Port};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use tokio::time::timeout;

use super::ANSWER_WITHIN;
use super::convert::{label, without_slash};
use super::raw::{Question, Raw};
use crate::engine::endpoint::Endpoint;
use crate::engine::{Container, ContainerState, EngineError, ProjectContainer};

/// A container as a list tells it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    id: String,
    names: Option<Vec<String>>,
    image: Option<String>,
    #[serde(rename = "ImageID")]
    image_id: Option<String>,
    ports: Option<Vec<ListedPort>>,
    labels: Option<HashMap<String, String>>,
    #[serde(default)]
    state: String,
    #[serde(default)]
    status: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedPort {
    #[serde(rename = "IP")]
    ip: Option<String>,
    private_port: u16,
    public_port: Option<u16>,
    #[serde(rename = "Type")]
    protocol: Option<String>,
}

/// Asks for all containers that have all these labels, each `name` or `name=value`.
pub(super) async fn ask(
    endpoint: &Endpoint,
    labels: &[String],
) -> Result<Vec<Listed>, EngineError> {
    let question = Question::new(Method::GET, target(labels));
    let answer = async { Raw::ask(endpoint, question).await?.whole(endpoint).await };
    let answer = timeout(ANSWER_WITHIN, answer).await;
    let body = answer.unwrap_or(Err(EngineError::Timeout { after: ANSWER_WITHIN }))?;
    serde_json::from_slice(&body)
        .map_err(|error| EngineError::Unreadable { message: format!("a list: {error}") })
}

fn target(labels: &[String]) -> String {
    if labels.is_empty() {
        return "/containers/json?all=true".to_owned();
    }
    let filters = serde_json::json!({ "label": labels }).to_string();
    let filters = utf8_percent_encode(&filters, NON_ALPHANUMERIC);
    format!("/containers/json?all=true&filters={filters}")
}

impl Listed {
    /// As a service's status is made of it.
    pub(super) fn into_container(self) -> Container {
        let mut container = Container::new(&self.id, self.name(), state_in(&self.state));
        container.image = self.image.unwrap_or_default();
        label(&mut container, &self.labels.unwrap_or_default());
        container.exit_code = exit_code_in(&self.status);
        container.health = health_in(&self.status);
        let ports = self.ports.unwrap_or_default();
        container.ports = ports.into_iter().filter_map(ListedPort::published).collect();
        container
    }

    /// As a build asks for it.
    pub(super) fn into_project_container(self) -> ProjectContainer {
        let (name, state) = (self.name(), state_in(&self.state));
        let labels = self.labels.unwrap_or_default().into_iter().collect();
        ProjectContainer::new(self.id, name, self.image_id.unwrap_or_default(), state, labels)
    }

    fn name(&self) -> String {
        let name = self.names.iter().flatten().next();
        name.map_or_else(|| self.id.clone(), |name| without_slash(name))
    }
}

impl ListedPort {
    fn published(self) -> Option<Port> {
        Some(Port {
            container: self.private_port,
            host: self.public_port?,
            address: self.ip,
            protocol: self.protocol.filter(|kind| !kind.is_empty()).unwrap_or("tcp".to_owned()),
        })
    }
}

/// The state of that word. What nobody knows is taken for dead; without an exit code an inspection decides.
fn state_in(word: &str) -> ContainerState {
    match word {
        "running" | "stopping" => ContainerState::Running,
        "paused" => ContainerState::Paused,
        "restarting" => ContainerState::Restarting,
        "removing" => ContainerState::Removing,
        "created" => ContainerState::Created,
        _ => ContainerState::Exited,
    }
}

/// The code in `Exited (137) 5 minutes ago`.
fn exit_code_in(text: &str) -> Option<i64> {
    text.strip_prefix("Exited (")?.split_once(')')?.0.parse().ok()
}

/// The verdict in `Up 3 minutes (unhealthy)`.
fn health_in(text: &str) -> Option<HealthState> {
    match text.rsplit_once('(')?.1 {
        "healthy)" => Some(HealthState::Healthy),
        "unhealthy)" => Some(HealthState::Unhealthy),
        "health: starting)" => Some(HealthState::Starting),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_list_tells_exit_code_and_health() {
        assert_eq!(exit_code_in("Exited (137) 5 minutes ago"), Some(137));
        assert_eq!(exit_code_in("Up 2 seconds"), None);
        assert_eq!(health_in("Up 3 minutes (unhealthy)"), Some(HealthState::Unhealthy));
        assert_eq!(health_in("Up 3 minutes (healthy)"), Some(HealthState::Healthy));
        assert_eq!(health_in("Up 1 second (health: starting)"), Some(HealthState::Starting));
        assert_eq!(health_in("Up 1 hour (Paused)"), None);
    }

    #[test]
    fn labels_are_asked_for_and_lead_nowhere_else() {
        assert_eq!(target(&[]), "/containers/json?all=true");
        assert_eq!(
            target(&["a=b&c".to_owned()]),
            "/containers/json?all=true&filters=%7B%22label%22%3A%5B%22a%3Db%26c%22%5D%7D"
        );
    }
}
