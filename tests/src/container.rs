//! A container of a test's own, described in a line: it runs the printer's image, which has a shell and
//! the printer, as a service of a project.

use std::collections::HashMap;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, RestartPolicy,
    RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, KillContainerOptionsBuilder, LogsOptionsBuilder,
    RemoveContainerOptionsBuilder, StopContainerOptionsBuilder,
};
use futures::TryStreamExt;

use crate::images;

/// A container to be made.
#[derive(Debug)]
pub struct Recipe {
    name: String,
    image: &'static str,
    body: ContainerCreateBody,
}

impl Recipe {
    /// A container of `service` of `project` that runs `command`, named after both.
    pub fn new(project: &str, service: &str, command: &[&str]) -> Self {
        let labels = [
            ("com.docker.compose.project", project),
            ("com.docker.compose.service", service),
            ("com.docker.compose.oneoff", "False"),
        ];
        let body = ContainerCreateBody {
            cmd: Some(command.iter().map(ToString::to_string).collect()),
            labels: Some(labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
            host_config: Some(HostConfig {
                network_mode: Some("none".to_owned()),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        Self { name: format!("{project}-{service}-1"), image: "printer", body }
    }

    /// A container that runs a shell script.
    pub fn shell(project: &str, service: &str, script: &str) -> Self {
        Self::new(project, service, &["sh", "-c", script])
    }

    /// Names it otherwise.
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// Makes it from another of the tests' images.
    pub fn of(self, image: &'static str) -> Self {
        Self { image, ..self }
    }

    /// Gives it a terminal.
    pub fn tty(mut self) -> Self {
        self.body.tty = Some(true);
        self
    }

    /// Lets its log go elsewhere, with options.
    pub fn logging(self, driver: &str, options: &[(&str, &str)]) -> Self {
        let config: HashMap<_, _> =
            options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.host(|host| {
            host.log_config =
                Some(HostConfigLogConfig { typ: Some(driver.to_owned()), config: Some(config) });
        })
    }

    /// Lets the engine start it again whenever it exits.
    pub fn restarting(self) -> Self {
        self.host(|host| {
            let name = Some(RestartPolicyNameEnum::ALWAYS);
            host.restart_policy = Some(RestartPolicy { name, maximum_retry_count: None });
        })
    }

    /// Probes it with a shell command, every second.
    pub fn probed(mut self, probe: &str) -> Self {
        let second = Some(1_000_000_000);
        self.body.healthcheck = Some(HealthConfig {
            test: Some(vec!["CMD-SHELL".to_owned(), probe.to_owned()]),
            interval: second,
            timeout: second,
            retries: Some(1),
            ..HealthConfig::default()
        });
        self
    }

    /// Changes what the host gives it.
    pub fn host(mut self, change: impl FnOnce(&mut HostConfig)) -> Self {
        change(self.body.host_config.get_or_insert_default());
        self
    }

    /// Makes it and does not start it.
    pub async fn create(mut self, docker: &Docker) -> Container {
        self.body.image = Some(images::import(docker, self.image).await);
        let options = CreateContainerOptionsBuilder::new().name(&self.name).build();
        let created = docker.create_container(Some(options), self.body).await;
        let created = created.unwrap_or_else(|e| panic!("{} cannot be made: {e}", self.name));
        Container { docker: docker.clone(), id: created.id }
    }

    /// Makes and starts it.
    pub async fn start(self, docker: &Docker) -> Container {
        let container = self.create(docker).await;
        container.start().await;
        container
    }
}

/// A container that was made.
#[derive(Debug, Clone)]
pub struct Container {
    docker: Docker,
    /// Its identity.
    pub id: String,
}

impl Container {
    /// Starts it.
    pub async fn start(&self) {
        let started = self.docker.start_container(&self.id, None).await;
        started.unwrap_or_else(|error| panic!("{} does not start: {error}", self.id));
    }

    /// Stops it as somebody at a terminal does, who does not wait long.
    pub async fn stop(&self) {
        let options = StopContainerOptionsBuilder::new().t(1).build();
        let stopped = self.docker.stop_container(&self.id, Some(options)).await;
        stopped.unwrap_or_else(|error| panic!("{} does not stop: {error}", self.id));
    }

    /// Sends it a signal through the engine.
    pub async fn signal(&self, signal: &str) {
        let options = KillContainerOptionsBuilder::new().signal(signal).build();
        let killed = self.docker.kill_container(&self.id, Some(options)).await;
        killed.unwrap_or_else(|error| panic!("{} gets no {signal}: {error}", self.id));
    }

    /// Removes it, running or not.
    pub async fn remove(&self) {
        let force = RemoveContainerOptionsBuilder::new().force(true).build();
        let removed = self.docker.remove_container(&self.id, Some(force)).await;
        removed.unwrap_or_else(|error| panic!("{} cannot be removed: {error}", self.id));
    }

    /// Everything that the engine has of its log, as it came: a line or a part of one each.
    pub async fn whole_log(&self) -> Vec<LogOutput> {
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail("all").build();
        let log = self.docker.logs(&self.id, Some(options)).try_collect().await;
        log.unwrap_or_else(|error| panic!("the log of {} cannot be read: {error}", self.id))
    }
}
