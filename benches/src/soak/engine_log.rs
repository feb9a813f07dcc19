//! Whether the engine itself has what a reader was not told. An engine that is killed forgets what it had
//! read and not yet written: nobody can tell that.

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::query_parameters::LogsOptionsBuilder;
use futures::TryStreamExt;
use nself_tests::container::Container;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::numbers::{Hole, parse};

/// The holes that readers found, each asked of the engine once.
#[derive(Debug, Default)]
pub(super) struct Answers {
    known: BTreeMap<(usize, char, u64, u64), bool>,
    /// What readers were not told although the engine has it.
    pub(super) untold: u64,
    /// What the engine has lost itself, as often as readers came to it.
    pub(super) lost_by_engine: u64,
}

impl Answers {
    /// Asks for each hole that comes, until nobody finds any more.
    pub(super) async fn collect(
        mut self,
        docker: Docker,
        containers: Vec<Container>,
        mut holes: mpsc::Receiver<Hole>,
    ) -> Self {
        while let Some(hole) = holes.recv().await {
            let key = (hole.service, hole.pipe, hole.first, hole.last);
            let has = if let Some(has) = self.known.get(&key) {
                *has
            } else {
                let has = match containers.get(hole.service) {
                    Some(container) => has_any(&docker, container, &hole).await,
                    None => false,
                };
                self.known.insert(key, has);
                let word = if has { "the engine HAS them" } else { "nor has the engine" };
                eprintln!("not told: {hole:?}; {word}");
                has
            };
            let lines = hole.last - hole.first + 1;
            if has { self.untold += lines } else { self.lost_by_engine += lines }
        }
        self
    }
}

/// Whether the engine, once it answers, has any of these lines.
async fn has_any(docker: &Docker, container: &Container, hole: &Hole) -> bool {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match look(docker, container, hole).await {
            Ok(has) => return has,
            // It is being started again.
            Err(_) if Instant::now() < deadline => sleep(BETWEEN).await,
            Err(error) => {
                eprintln!("the engine's log cannot be read: {error}");
                return true;
            }
        }
    }
}

async fn look(docker: &Docker, container: &Container, hole: &Hole) -> Result<bool, Error> {
    let seconds = |time: i64| i32::try_from(time).unwrap_or(i32::MAX);
    let (from, to) = hole.between;
    let options = LogsOptionsBuilder::new()
        .stdout(true)
        .stderr(true)
        .since(seconds(from.unix_seconds()))
        .until(seconds(to.unix_seconds() + 1))
        .build();
    let mut lines = docker.logs(&container.id, Some(options));
    while let Some(line) = lines.try_next().await? {
        let is_missing =
            |(pipe, number)| pipe == hole.pipe && (hole.first..=hole.last).contains(&number);
        if parse(&line.to_string()).is_some_and(is_missing) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// An engine that does not answer for that long does not come back.
const DEADLINE: Duration = Duration::from_mins(2);
const BETWEEN: Duration = Duration::from_secs(1);
