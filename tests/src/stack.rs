//! A Compose stack as the engine sees one: four services whose containers carry Compose's labels.
//! Postgres really keeps a cluster and is probed, redis and nginx really answer, chatty prints numbered lines.

use std::collections::HashMap;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecResults};
use bollard::models::{ContainerCreateBody, HealthConfig, HostConfig};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, StatsOptionsBuilder,
};
use futures::TryStreamExt;

use crate::{images, wait};

/// The services of a stack.
pub const SERVICES: [&str; 4] = images::IMAGES;

/// A stack's containers on an engine.
#[derive(Clone, Debug)]
pub struct Stack {
    docker: Docker,
    project: String,
}

impl Stack {
    /// Creates and starts the four services of `project`, and waits until each of them serves.
    pub async fn up(docker: &Docker, project: &str) -> Self {
        let stack = Self { docker: docker.clone(), project: project.to_owned() };
        for service in SERVICES {
            let image = images::import(docker, service).await;
            stack.create(service, &image).await;
            stack.start(service).await;
        }
        for service in SERVICES {
            stack.serves(service).await;
        }
        stack
    }

    /// The name of a service's container.
    pub fn container(&self, service: &str) -> String {
        format!("{}-{service}-1", self.project)
    }

    /// Starts a service's container.
    pub async fn start(&self, service: &str) {
        let started = self.docker.start_container(&self.container(service), None).await;
        started.unwrap_or_else(|error| panic!("{service} does not start: {error}"));
    }

    /// Stops a service's container, as somebody at a terminal does.
    pub async fn stop(&self, service: &str) {
        let stopped = self.docker.stop_container(&self.container(service), None).await;
        stopped.unwrap_or_else(|error| panic!("{service} does not stop: {error}"));
    }

    /// The memory of a service's container in bytes, as the Docker command line counts it: without the
    /// file cache that can be given back.
    pub async fn memory(&self, service: &str) -> f64 {
        let options = StatsOptionsBuilder::new().stream(false).build();
        let sample = self.docker.stats(&self.container(service), Some(options)).try_next().await;
        let memory = sample.ok().flatten().and_then(|sample| sample.memory_stats);
        let memory = memory.unwrap_or_else(|| panic!("the engine tells no memory of {service}"));
        let usage = memory.usage.unwrap_or_default();
        let cache = ["total_inactive_file", "inactive_file"];
        let details = memory.stats.unwrap_or_default();
        let cache = cache.iter().find_map(|name| details.get(*name)).copied().unwrap_or_default();
        precise(usage.saturating_sub(cache))
    }

    /// The engine's own word for a container: `running`, `exited`, …
    pub async fn state(&self, service: &str) -> String {
        let found = self.docker.inspect_container(&self.container(service), None).await;
        let state = found.ok().and_then(|details| details.state).and_then(|state| state.status);
        state.map_or_else(|| "gone".to_owned(), |status| status.to_string())
    }

    /// Waits until a service does its work: asked through its own client inside the container.
    pub async fn serves(&self, service: &str) {
        let (question, answer): (&[&str], _) = match service {
            "postgres" => (
                &[
                    "sh",
                    "-c",
                    "/usr/lib/postgresql/*/bin/psql -h /tmp -U postgres -Atc 'select 6 * 7'",
                ],
                "42",
            ),
            "redis" => (&["redis-cli", "ping"], "PONG"),
            "nginx" => (&["wget", "-qO-", "http://127.0.0.1/"], "nginx serves"),
            _ => (&["pidof", "usleep"], ""),
        };
        wait::until(&format!("{service} to serve"), Duration::from_mins(1), async || {
            let said = self.ask(service, question).await;
            (said.trim() == answer || (answer.is_empty() && !said.is_empty()))
                .then_some(())
                .ok_or_else(|| format!("it said {said:?}"))
        })
        .await;
    }

    /// Runs a command in a service's container and gives what it printed.
    pub async fn ask(&self, service: &str, command: &[&str]) -> String {
        let options = CreateExecOptions {
            cmd: Some(command.to_vec()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..CreateExecOptions::default()
        };
        let answer = async {
            let exec = self.docker.create_exec(&self.container(service), options).await?;
            match self.docker.start_exec(&exec.id, None).await? {
                StartExecResults::Attached { output, .. } => {
                    output.map_ok(LogOutput::into_bytes).try_collect::<Vec<_>>().await
                }
                StartExecResults::Detached => Ok(Vec::new()),
            }
        };
        match answer.await {
            Ok(parts) => String::from_utf8_lossy(&parts.concat()).into_owned(),
            Err(error) => error.to_string(),
        }
    }

    /// Removes the containers, running or not.
    pub async fn down(self) {
        for service in SERVICES {
            let force = RemoveContainerOptionsBuilder::new().force(true).build();
            let removed = self.docker.remove_container(&self.container(service), Some(force)).await;
            removed.unwrap_or_else(|error| panic!("{service} cannot be removed: {error}"));
        }
    }

    async fn create(&self, service: &str, image: &str) {
        let labels = [
            ("com.docker.compose.project", self.project.as_str()),
            ("com.docker.compose.service", service),
            ("com.docker.compose.oneoff", "False"),
            ("com.docker.compose.container-number", "1"),
        ];
        let postgres = service == "postgres";
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            cmd: Some(vec!["/serve".to_owned()]),
            user: postgres.then(|| "postgres".to_owned()),
            healthcheck: postgres.then(probe),
            labels: Some(owned(&labels)),
            host_config: Some(HostConfig {
                // The loopback inside is enough: nobody outside talks to these services.
                network_mode: Some("none".to_owned()),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let name = CreateContainerOptionsBuilder::new().name(&self.container(service)).build();
        let created = self.docker.create_container(Some(name), body).await;
        created.unwrap_or_else(|error| panic!("{service} cannot be created: {error}"));
    }
}

fn probe() -> HealthConfig {
    let nanoseconds = |seconds: i64| Some(seconds * 1_000_000_000);
    HealthConfig {
        test: Some(owned_list(&["CMD-SHELL", "/usr/lib/postgresql/*/bin/pg_isready -h /tmp"])),
        interval: nanoseconds(1),
        timeout: nanoseconds(5),
        retries: Some(3),
        start_period: nanoseconds(30),
        ..HealthConfig::default()
    }
}

/// Sizes in memory are far below 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "no container here has petabytes")]
fn precise(bytes: u64) -> f64 {
    bytes as f64
}

fn owned_list(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn owned(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
