//! The real engine, through bollard. The client is made at each connection attempt, because the
//! socket may appear later, and kept until the next one.

mod build;
mod convert;
mod create;
mod demux;
mod fault;
#[cfg(test)]
mod fixtures;
mod json_lines;
mod list;
mod logs;
mod objects;
mod pull;
mod raw;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::bollard::query_parameters::{
    EventsOptions, RemoveContainerOptions, RenameContainerOptions, StatsOptions,
};
use ::bollard::{API_DEFAULT_VERSION, Docker};
use futures::future::FutureExt as _;
use futures::stream::{self, BoxStream, StreamExt as _};
use nself_realtime::NanoTimestamp;

use super::endpoint::{Endpoint, Surroundings};
use super::event::WATCHED_WORDS;
use super::{
    Answer, BuildFrame, Container, ContainerSpec, Context, Engine, EngineError, EngineEvent,
    Frames, Image, ImageSpec, LogFrame, LogQuery, MountedVolume, Network, NetworkSpec,
    ProjectContainer, PullFrame, StatsFrame, Version, Volume, VolumeSpec,
};

/// An engine that speaks Docker's API: Docker 20.10 or later, rootless Docker, Podman's service.
pub struct DockerEngine {
    endpoint: Endpoint,
    /// That of the last attempt. Held only to copy or replace it.
    connection: Mutex<Option<Connection>>,
    /// Only containers with all these labels are seen, each `name` or `name=value`.
    labels: Vec<String>,
}

/// One engine, also where there are several sockets: whatever is asked, the same one answers.
#[derive(Clone)]
struct Connection {
    client: Docker,
    endpoint: Endpoint,
}

impl DockerEngine {
    /// An engine at `address` (`unix:///path`, `tcp://host:port`), or, without one, where the
    /// Docker command line would look: `DOCKER_HOST`, the Docker context, the usual sockets.
    /// Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`EngineError::Address`] if the address is of a kind that is not supported.
    pub fn new(address: Option<&str>) -> Result<Self, EngineError> {
        let endpoint = Endpoint::resolve(address, &Surroundings::of_process())?;
        Ok(Self { endpoint, connection: Mutex::new(None), labels: Vec::new() })
    }

    /// Sees only containers that have all these labels, each `name` or `name=value`. Default: all
    /// containers.
    pub fn with_labels(mut self, labels: impl IntoIterator<Item = String>) -> Self {
        self.labels = labels.into_iter().collect();
        self
    }

    /// Where it is, or, if there is none of its sockets, where it is looked for, in words for people.
    pub fn address(&self) -> String {
        self.endpoint.found().to_string()
    }

    fn connection(&self) -> Result<Connection, EngineError> {
        let mut slot = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = slot.as_ref() {
            return Ok(connection.clone());
        }
        let connection = self.connect()?;
        *slot = Some(connection.clone());
        Ok(connection)
    }

    fn client(&self) -> Result<Docker, EngineError> {
        self.connection().map(|connection| connection.client)
    }

    /// Where questions go that bollard does not ask.
    fn connected(&self) -> Endpoint {
        self.connection().map_or_else(|_| self.endpoint.clone(), |connection| connection.endpoint)
    }

    /// Makes a client. Requests name no version of the API: the engine answers with its newest.
    fn connect(&self) -> Result<Connection, EngineError> {
        let seconds = ANSWER_WITHIN.as_secs();
        let endpoint = self.endpoint.found();
        let client = match &endpoint {
            Endpoint::Http(address) => {
                Docker::connect_with_http(address, seconds, API_DEFAULT_VERSION)
            }
            Endpoint::Sockets(paths) => {
                let path = paths
                    .first()
                    .map_or_else(String::new, |path| path.to_string_lossy().into_owned());
                Docker::connect_with_unix(&path, seconds, API_DEFAULT_VERSION)
            }
        };
        let client = client.map_err(|error| self.classify(&error))?;
        Ok(Connection { client, endpoint })
    }

    fn label_filter(&self) -> Option<(String, Vec<String>)> {
        (!self.labels.is_empty()).then(|| ("label".to_owned(), self.labels.clone()))
    }

    fn classify(&self, error: &::bollard::errors::Error) -> EngineError {
        fault::classify(error, &self.endpoint)
    }

    /// Asks one question.
    fn ask<'a, T, F, R>(&'a self, question: F) -> Answer<'a, T>
    where
        F: FnOnce(Docker) -> R + Send + 'a,
        R: Future<Output = Result<T, ::bollard::errors::Error>> + Send + 'a,
    {
        async move {
            let client = self.client()?;
            question(client).await.map_err(|error| self.classify(&error))
        }
        .boxed()
    }

    /// Opens one stream and converts its frames; those that `convert` gives nothing for are left
    /// out.
    fn open<T, F, S, C>(&self, request: F, convert: C) -> Frames<T>
    where
        T: Send + 'static,
        F: FnOnce(Docker) -> BoxStream<'static, Result<S, ::bollard::errors::Error>>,
        S: Send + 'static,
        C: Fn(S) -> Option<T> + Send + 'static,
    {
        let client = match self.client() {
            Ok(client) => client,
            Err(error) => return stream::once(async { Err(error) }).boxed(),
        };
        let endpoint = self.endpoint.clone();
        request(client)
            .filter_map(move |frame| {
                let frame = match frame {
                    Ok(frame) => convert(frame).map(Ok),
                    Err(error) => Some(Err(fault::classify(&error, &endpoint))),
                };
                std::future::ready(frame)
            })
            .boxed()
    }
}

impl std::fmt::Debug for DockerEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DockerEngine").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Engine for DockerEngine {
    fn version(&self) -> Answer<'_, Version> {
        async {
            // A client that is made anew also finds a socket that was made anew elsewhere.
            *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = None;
            let client = self.client()?;
            let version = client.version().await.map_err(|error| self.classify(&error))?;
            Ok(Version { engine: version.version, api: version.api_version })
        }
        .boxed()
    }

    fn events(&self, since: NanoTimestamp) -> Frames<EngineEvent> {
        let words = WATCHED_WORDS.map(str::to_owned).to_vec();
        let mut filters = HashMap::from([
            ("type".to_owned(), vec!["container".to_owned()]),
            ("event".to_owned(), words),
        ]);
        filters.extend(self.label_filter());
        let nanos = since.unix_nanos();
        let since =
            format!("{}.{:09}", nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000));
        let options = EventsOptions { since: Some(since), until: None, filters: Some(filters) };
        self.open(move |client| client.events(Some(options)).boxed(), convert::event)
    }

    fn list(&self) -> Answer<'_, Vec<Container>> {
        async {
            let listed = list::ask(&self.connected(), &self.labels).await?;
            Ok(listed.into_iter().map(list::Listed::into_container).collect())
        }
        .boxed()
    }

    fn inspect<'a>(&'a self, id: &'a str) -> Answer<'a, Container> {
        async move {
            let client = self.client()?;
            let answer = client.inspect_container(id, None).await;
            let container = answer.map_err(|error| self.classify(&error))?;
            convert::inspected(container).ok_or_else(|| EngineError::Unreadable {
                message: format!("the inspection of {id} has no identity or no state"),
            })
        }
        .boxed()
    }

    fn logs(&self, id: &str, query: LogQuery) -> Frames<LogFrame> {
        logs::open(self.connected(), id, query)
    }

    fn stats(&self, id: &str) -> Frames<StatsFrame> {
        let options = StatsOptions { stream: true, one_shot: false };
        self.open(
            |client| client.stats(id, Some(options)).boxed(),
            |frame| Some(convert::stats(frame)),
        )
    }

    fn pull(&self, reference: &str) -> Frames<PullFrame> {
        pull::open(self.connected(), reference)
    }

    fn start<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        self.ask(async move |client: Docker| {
            client.with_timeout(ACTION_WITHIN).start_container(id, None).await
        })
    }

    fn stop<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        self.ask(async move |client: Docker| {
            client.with_timeout(ACTION_WITHIN).stop_container(id, None).await
        })
    }

    fn restart<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        self.ask(async move |client: Docker| {
            client.with_timeout(ACTION_WITHIN).restart_container(id, None).await
        })
    }

    fn network<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Network>> {
        self.ask(async move |client| objects::network(&client, name).await)
    }

    fn create_network<'a>(&'a self, network: &'a NetworkSpec) -> Answer<'a, ()> {
        self.ask(async move |client: Docker| {
            client.create_network(objects::network_request(network)).await.map(drop)
        })
    }

    fn volume<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Volume>> {
        self.ask(async move |client| objects::volume(&client, name).await)
    }

    fn create_volume<'a>(&'a self, volume: &'a VolumeSpec) -> Answer<'a, ()> {
        self.ask(async move |client: Docker| {
            client.create_volume(objects::volume_request(volume)).await.map(drop)
        })
    }

    fn image<'a>(&'a self, reference: &'a str) -> Answer<'a, Option<Image>> {
        self.ask(async move |client| objects::image(&client, reference).await)
    }

    fn build(&self, image: &ImageSpec, context: Context) -> Frames<BuildFrame> {
        build::open(self.connected(), image, context)
    }

    fn project<'a>(&'a self, project: &'a str) -> Answer<'a, Vec<ProjectContainer>> {
        async move {
            let label = format!("com.docker.compose.project={project}");
            let listed = list::ask(&self.connected(), &[label]).await?;
            Ok(listed.into_iter().map(list::Listed::into_project_container).collect())
        }
        .boxed()
    }

    fn volumes_of<'a>(&'a self, id: &'a str) -> Answer<'a, Vec<MountedVolume>> {
        self.ask(async move |client| objects::volumes_of(&client, id).await)
    }

    fn create<'a>(&'a self, name: &'a str, container: &'a ContainerSpec) -> Answer<'a, String> {
        self.ask(async move |client| create::create(&client, name, container).await)
    }

    fn rename<'a>(&'a self, id: &'a str, name: &'a str) -> Answer<'a, ()> {
        let options = RenameContainerOptions { name: name.to_owned() };
        self.ask(async move |client: Docker| client.rename_container(id, options).await)
    }

    fn remove<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        let options = RemoveContainerOptions { force: true, ..RemoveContainerOptions::default() };
        self.ask(async move |client: Docker| {
            objects::found(client.remove_container(id, Some(options)).await).map(drop)
        })
    }
}

/// How long the headers of an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_mins(2);

/// How long an action may take: a container may ask for minutes of grace before it is killed.
const ACTION_WITHIN: Duration = Duration::from_mins(30);

#[cfg(test)]
mod tests;
