//! A container's log on its way through the Docker adapter, from an engine that is played: in one thread, on
//! a clock that waits for nobody.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use nself_docker::{
    Container, ContainerState, Docker, DockerConfig, LogPipe, ScriptedEngine, room_of_project,
};
use nself_realtime::clock::{Clock, SystemClock};
use nself_realtime::{Hub, NanoTimestamp, Server, SessionConfig};
use tokio::runtime::{Builder, Runtime};

const CONTAINER: &str = "4f66ad9a0b2e";
const LINE: &str = "GET /api/products?page=2 HTTP/1.1 200 12ms upstream=catalog:8080 request=5f3a9c1e \
    agent=curl/8.5 bytes=18234 cache=miss";

/// A container whose log somebody reads.
#[derive(Debug)]
pub(crate) struct Pipeline {
    runtime: Runtime,
    engine: ScriptedEngine,
    hub: Hub,
    _docker: Docker,
}

impl Pipeline {
    /// One that has nothing to do yet.
    #[expect(clippy::expect_used, reason = "a benchmark stops where it fails")]
    pub(crate) fn new() -> Self {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let hub = Hub::new();
        let (engine, docker) = runtime.block_on(async {
            let start = NanoTimestamp::from_unix_nanos(SystemClock.timestamp().unix_nanos());
            let engine = ScriptedEngine::new(start.expect("a time"));
            let mut container = Container::new(CONTAINER, "shop-web-1", ContainerState::Running);
            container.project = Some("shop".to_owned());
            container.service = Some("web".to_owned());
            engine.add(container);
            let config = DockerConfig::default();
            let docker = Docker::spawn(Arc::new(engine.clone()), hub.clone(), config);
            docker.wait_for_first_list().await;
            let mut reader = Server::new(hub.clone(), SessionConfig::default()).connect();
            let room = room_of_project("shop");
            let filter = r#"{"types":["logs:stream"],"keys":["web"]}"#;
            reader.send(format!(r#"{{"type":"subscribe","room":"{room}","data":{filter}}}"#)).await;
            tokio::spawn(async move { while reader.next().await.is_some() {} });
            while engine.open_log_streams() == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            (engine, docker)
        });
        Self { runtime, engine, hub, _docker: docker }
    }

    /// Prints that many lines and returns when all of them are published.
    pub(crate) fn pass(&self, lines: u64) {
        self.runtime.block_on(async {
            let until = self.hub.statistics().events_in + lines;
            for _ in 0..lines {
                self.engine.print(CONTAINER, LogPipe::Stdout, LINE);
            }
            while self.hub.statistics().events_in < until {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
    }
}
