//! Step 4: the images of the project, built one after the other, so that their output can be read.

use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt as _;
use nself_realtime::event::{ProgressItem, ProgressStatus};

use super::context::{self, ContextError};
use super::error::{BuildCause, words_of};
use super::generate;
use super::journal::item;
use super::labels;
use super::output::{Lines, Tail};
use super::run::{Halt, Run};
use crate::compose;
use crate::engine::{BuildFrame, Context, ImageSpec};
use crate::logs::without_colours;
use crate::pull::PullTally;

/// Builds all images that are built.
pub(super) async fn build(run: Run<'_>) -> Result<(), Halt> {
    let services = run.project.services.iter();
    let built: Vec<_> = services
        .filter_map(|(name, service)| {
            Some((name.as_str(), service.image.as_str(), service.build.as_ref()?))
        })
        .collect();
    let pending =
        |(_, image, _): &(&str, &str, &compose::Build)| item(image, ProgressStatus::Pending);
    let mut items: Vec<_> = built.iter().map(pending).collect();
    run.journal.items(items.clone());
    for (index, (service, image, build)) in built.iter().enumerate() {
        set(&mut items, index, ProgressStatus::InProgress);
        run.journal.items(items.clone());
        let mut building = Building {
            run,
            service,
            image,
            index: index as u128,
            count: built.len() as u128,
            items: &items,
            lines: Lines::default(),
            tail: Tail::default(),
            base: PullTally::new(image),
            is_built: false,
        };
        building.build(build).await?;
        set(&mut items, index, ProgressStatus::Complete);
        run.journal.items(items.clone());
        run.journal.advance(index as u128 + 1, built.len() as u128);
        run.journal.made(format!("image {image}"));
    }
    Ok(())
}

fn set(items: &mut [ProgressItem], index: usize, status: ProgressStatus) {
    if let Some(item) = items.get_mut(index) {
        item.status = status;
    }
}

/// The build of an image.
struct Building<'a> {
    run: Run<'a>,
    service: &'a str,
    image: &'a str,
    /// Which one of how many it is.
    index: u128,
    count: u128,
    items: &'a [ProgressItem],
    lines: Lines,
    tail: Tail,
    /// The image that it builds on, while that is pulled.
    base: PullTally,
    is_built: bool,
}

impl Building<'_> {
    async fn build(&mut self, build: &compose::Build) -> Result<(), Halt> {
        let Self { run, service, image, .. } = *self;
        run.journal.message(&format!("{service}: building {image}"));
        let hidden = generate::folder(&run.project.dir);
        let (wanted, at) = (build.clone(), build.context.clone());
        let prepared = tokio::task::spawn_blocking(move || context::prepare(&wanted, &hidden));
        let prepared = run.until_stopped(prepared).await?.unwrap_or_else(|error| {
            let source = std::io::Error::other(error);
            Err(ContextError::Unreadable { path: at, source })
        });
        let prepared = prepared.map_err(|error| Halt::at(service, error))?;
        let spec = ImageSpec {
            tag: image.to_owned(),
            dockerfile: prepared.dockerfile.clone(),
            target: build.target.clone(),
            args: build.args.iter().map(|(k, v)| (k.clone(), Some(v.clone()))).collect(),
            labels: labels::of(&run.project.name, labels::SERVICE, service),
        };
        let (archive, fault) = remembering_fault(prepared.archive());
        let mut frames = run.engine.build(&spec, archive);
        loop {
            match run.until_stopped(frames.next()).await? {
                Some(Ok(frame)) => self.handle(frame),
                Some(Err(error)) => {
                    let ours = fault.lock().unwrap_or_else(PoisonError::into_inner).take();
                    let cause = match ours {
                        Some(fault) => BuildCause::Packing { message: fault },
                        None => BuildCause::Engine(error),
                    };
                    return Err(self.failed(cause));
                }
                None if self.is_built => return Ok(()),
                None => return Err(self.failed(BuildCause::NoImage { image: image.to_owned() })),
            }
        }
    }

    fn handle(&mut self, frame: BuildFrame) {
        match frame {
            BuildFrame::Output(piece) => {
                for line in self.lines.handle(&piece) {
                    self.print(line);
                }
            }
            BuildFrame::Image(_) => self.is_built = true,
            BuildFrame::Base(frame) => {
                if let (None, words) = (&frame.id, &frame.status) {
                    self.print(words.clone());
                }
                self.base.handle(&frame);
                let layers = self.base.progress().layers;
                self.run.journal.items(self.items.iter().cloned().chain(layers).collect());
            }
        }
    }

    fn print(&mut self, line: String) {
        // What a command prints as an error is coloured, and the colour ends on the line after it.
        let plain = without_colours(&line);
        if let Some((step, steps)) = step_of(&plain) {
            // What is under way is not done.
            let done = self.index * steps + step.saturating_sub(1);
            self.run.journal.advance(done, self.count * steps);
            self.run.journal.message(&format!("{}: {plain}", self.service));
        }
        self.is_built |= plain.starts_with("Successfully built ");
        self.run.journal.line(&line);
        self.tail.push(line);
    }

    fn failed(&mut self, cause: BuildCause) -> Halt {
        if let Some(line) = self.lines.finish() {
            self.print(line);
        }
        if let BuildCause::Engine(error) = &cause {
            self.run.journal.line(&words_of(error));
        }
        Halt::quoting(self.service, cause, std::mem::take(&mut self.tail).into_lines())
    }
}

/// The numbers in `Step 2/5 : RUN make`.
fn step_of(line: &str) -> Option<(u128, u128)> {
    let (step, rest) = line.strip_prefix("Step ")?.split_once('/')?;
    let (steps, _) = rest.split_once(" : ")?;
    let (step, steps) = (step.parse().ok()?, steps.parse().ok()?);
    (1..=steps).contains(&step).then_some((step, steps))
}

/// An archive whose fault can be told afterwards: the engine only notices that it broke off.
fn remembering_fault(archive: Context) -> (Context, Arc<Mutex<Option<String>>>) {
    let fault = Arc::new(Mutex::new(None));
    let told = Arc::clone(&fault);
    let archive = archive.inspect(move |chunk| {
        if let Err(error) = chunk {
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        }
    });
    (archive.boxed(), fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_from_what_the_builder_prints() {
        assert_eq!(step_of("Step 2/5 : RUN make"), Some((2, 5)));
        for line in
            ["Step 6/5 : x", "Step 0/5 : x", "Step 1/5", "step 1/5 : x", " Step 1/5 : x", "x"]
        {
            assert_eq!(step_of(line), None, "{line}");
        }
    }
}
