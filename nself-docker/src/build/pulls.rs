//! Step 5: images that are missing, several at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use futures::StreamExt as _;
use futures::stream;
use nself_realtime::event::{ProgressItem, ProgressStatus};

use super::error::words_of;
use super::run::{Halt, Run};
use crate::pull::PullTally;

/// Pulls what is missing.
pub(super) async fn pull(run: Run<'_>) -> Result<(), Halt> {
    let missing = missing(run).await?;
    if missing.is_empty() {
        run.journal.message("all images are there");
        return Ok(());
    }
    let pulls = Pulls::new(run, missing.keys());
    pulls.tell();
    let mut all = Vec::new();
    for (index, (image, service)) in missing.iter().enumerate() {
        all.push(pulls.pull(index, image, service));
    }
    let mut ends = stream::iter(all).buffer_unordered(AT_ONCE);
    while let Some(end) = ends.next().await {
        end?;
    }
    Ok(())
}

/// The images that are neither there nor built, each with a service that wants it.
async fn missing(run: Run<'_>) -> Result<BTreeMap<String, String>, Halt> {
    let services = &run.project.services;
    let built: BTreeSet<_> =
        services.values().filter(|one| one.build.is_some()).map(|one| &one.image).collect();
    let mut missing = BTreeMap::new();
    for (name, service) in services {
        let image = &service.image;
        if built.contains(image) || missing.contains_key(image) {
            continue;
        }
        if run.ask(run.engine.image(image)).await?.is_none() {
            missing.insert(image.clone(), name.clone());
        }
    }
    Ok(missing)
}

struct Pulls<'a> {
    run: Run<'a>,
    tallies: Mutex<Vec<PullTally>>,
}

impl<'a> Pulls<'a> {
    fn new(run: Run<'a>, images: impl Iterator<Item = &'a String>) -> Self {
        Self { run, tallies: Mutex::new(images.map(|image| PullTally::new(image)).collect()) }
    }

    async fn pull(&self, index: usize, image: &str, service: &str) -> Result<(), Halt> {
        let Run { engine, journal, .. } = self.run;
        journal.line(&format!("pulling {image}"));
        let mut frames = engine.pull(image);
        let outcome = loop {
            match self.run.until_stopped(frames.next()).await? {
                Some(Ok(frame)) => self.change(index, |tally| tally.handle(&frame)),
                Some(Err(error)) => break Err(error),
                None => break self.with(index, |tally| tally.verdict()).unwrap_or(Ok(())),
            }
        };
        match outcome {
            Ok(()) => {
                self.change(index, PullTally::complete);
                journal.line(&format!("pulled {image}"));
                journal.made(format!("image {image}"));
                Ok(())
            }
            Err(error) => {
                self.change(index, |tally| tally.fail(&words_of(&error)));
                journal.line(&format!("{image}: {}", words_of(&error)));
                Err(Halt::at(service, error))
            }
        }
    }

    fn change(&self, index: usize, change: impl FnOnce(&mut PullTally)) {
        self.with(index, change);
        self.tell();
    }

    fn with<T>(&self, index: usize, work: impl FnOnce(&mut PullTally) -> T) -> Option<T> {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.get_mut(index).map(work)
    }

    fn tell(&self) {
        let tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        let (done, whole) = overall(&tallies);
        self.run.journal.items(tallies.iter().flat_map(items).collect());
        self.run.journal.advance(done, whole);
    }
}

/// An image of which no layer is known yet counts as the mean of the others. A finished one counts, even
/// if it had no layer of its own.
fn overall(tallies: &[PullTally]) -> (u128, u128) {
    let known = || tallies.iter().map(PullTally::bytes).filter(|(_, whole)| *whole > 0);
    let count = known().count() as u128;
    let mean = known().map(|(_, whole)| whole).sum::<u128>().checked_div(count).unwrap_or(1).max(1);
    let of = |tally: &PullTally| {
        let (done, whole) = tally.bytes();
        let whole = if whole == 0 { mean } else { whole };
        let is_complete = tally.progress().status == ProgressStatus::Complete;
        (if is_complete { whole } else { done }, whole)
    };
    tallies.iter().map(of).fold((0, 0), |(done, whole), (more, of)| (done + more, whole + of))
}

/// The image with the bytes of its layers, then the layers that are not there yet.
fn items(tally: &PullTally) -> Vec<ProgressItem> {
    let progress = tally.progress();
    let sum = |of: fn(&ProgressItem) -> Option<u64>| {
        progress.layers.iter().filter_map(of).reduce(u64::saturating_add)
    };
    let image = ProgressItem {
        name: progress.reference.clone(),
        status: progress.status,
        current_bytes: sum(|layer| layer.current_bytes),
        total_bytes: sum(|layer| layer.total_bytes),
    };
    std::iter::once(image).chain(progress.layers).collect()
}

/// How many images are pulled at once: an engine pulls three layers at once of all of them together.
const AT_ONCE: usize = 3;
