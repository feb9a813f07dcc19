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

use crate::numbers::{Hole, Missing, parse};

/// The holes that readers found, each asked of the engine once.
#[derive(Debug, Default)]
pub(super) struct Answers {
    known: BTreeMap<(usize, char, u64, u64), u64>,
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
        mut found: mpsc::Receiver<Missing>,
    ) -> Self {
        while let Some(missing) = found.recv().await {
            let mut there = 0;
            for hole in &missing.holes {
                there += self.ask(&docker, &containers, hole, missing.counted).await;
            }
            // What gaps count was published: the engine has told it.
            self.untold += there.saturating_sub(missing.counted);
            self.lost_by_engine += missing.lines().saturating_sub(there.max(missing.counted));
        }
        self
    }

    /// How many of these lines the engine has.
    async fn ask(
        &mut self,
        docker: &Docker,
        containers: &[Container],
        hole: &Hole,
        counted: u64,
    ) -> u64 {
        let key = (hole.service, hole.pipe, hole.first, hole.last);
        if let Some(there) = self.known.get(&key) {
            return *there;
        }
        let there = match containers.get(hole.service) {
            Some(container) => count(docker, container, hole).await,
            None => 0,
        };
        eprintln!("not told: {hole:?}; the engine has {there}, gaps have counted {counted}");
        self.known.insert(key, there);
        there
    }
}

/// How many of these lines the engine has, once it answers.
async fn count(docker: &Docker, container: &Container, hole: &Hole) -> u64 {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match look(docker, container, hole).await {
            Ok(there) => return there,
            // It is being started again.
            Err(_) if Instant::now() < deadline => sleep(BETWEEN).await,
            Err(error) => {
                eprintln!("the engine's log cannot be read: {error}");
                return hole.lines();
            }
        }
    }
}

async fn look(docker: &Docker, container: &Container, hole: &Hole) -> Result<u64, Error> {
    let seconds = |time: i64| i32::try_from(time).unwrap_or(i32::MAX);
    let (from, to) = hole.between;
    let options = LogsOptionsBuilder::new()
        .stdout(true)
        .stderr(true)
        .since(seconds(from.unix_seconds()))
        .until(seconds(to.unix_seconds() + 1))
        .build();
    let mut lines = docker.logs(&container.id, Some(options));
    let mut there = 0;
    while let Some(line) = lines.try_next().await? {
        let is_missing =
            |(pipe, number)| pipe == hole.pipe && (hole.first..=hole.last).contains(&number);
        there += u64::from(parse(&line.to_string()).is_some_and(is_missing));
    }
    Ok(there)
}

/// An engine that does not answer for that long does not come back.
const DEADLINE: Duration = Duration::from_mins(2);
const BETWEEN: Duration = Duration::from_secs(1);
