//! The streams of a scripted engine. Each looks at the world, and waits for it to change.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use nself_realtime::NanoTimestamp;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::world::{State, World, no_such_container};
use crate::engine::{EngineError, EngineEvent, Frames, LogFrame, LogQuery, PullFrame, StatsFrame};

/// What a stream does next.
enum Next<T> {
    Item(T),
    Wait,
    End,
    Break(EngineError),
}

/// A stream that asks `next` after each change of the world; nothing follows an error.
fn looking<T: Send + 'static>(
    world: Arc<World>,
    next: impl FnMut(&State) -> Next<T> + Send + 'static,
) -> Frames<T> {
    stream::unfold(Some((world, next)), async |begun| {
        let (world, mut next) = begun?;
        let mut changes = world.changes();
        loop {
            match world.read(&mut next) {
                Next::Item(item) => return Some((Ok(item), Some((world, next)))),
                Next::Break(error) => return Some((Err(error), None)),
                Next::End => return None,
                // The world that is read from also holds the sender: it cannot be gone.
                Next::Wait => changes.changed().await.ok()?,
            }
        }
    })
    .boxed()
}

pub(super) fn events(world: Arc<World>, since: NanoTimestamp) -> Frames<EngineEvent> {
    let mut position = world.read(|state| state.events.first(|event| event.time >= since));
    let (cuts, spoils, mutes) =
        world.read(|state| (state.event_cuts, state.event_spoils, state.event_mutes));
    looking(world, move |state| {
        if state.fault.is_some() || state.event_cuts != cuts {
            return Next::Break(broken());
        }
        if state.event_spoils != spoils {
            return Next::Break(spoilt());
        }
        if state.event_mutes != mutes {
            return Next::Wait;
        }
        let Some((number, event)) = state.events.from(position) else { return Next::Wait };
        position = number + 1;
        Next::Item(event.clone())
    })
}

pub(super) fn logs(world: Arc<World>, id: String, query: LogQuery) -> Frames<LogFrame> {
    let counted = query.follow.then(|| Counted::new(&world, |world| &world.log_streams));
    if query.follow {
        world.log_streams_opened.fetch_add(1, Ordering::AcqRel);
    }
    let mut begun: Option<Reading> = None;
    let own = Arc::clone(&world);
    looking(world, move |state| {
        let _open = &counted;
        if let Some(fault) = &state.fault {
            return Next::Break(if begun.is_some() { broken() } else { fault.clone() });
        }
        if let Some(refusal) = state.log_refusal.clone().filter(|_| begun.is_none()) {
            return Next::Break(refusal);
        }
        let Some(actor) = state.actors.get(&id) else {
            return if begun.is_some() { Next::End } else { Next::Break(no_such_container(&id)) };
        };
        if actor.container.log_driver.as_deref() == Some("none") {
            let message = "configured logging driver does not support reading".to_owned();
            return Next::Break(EngineError::Api { status: 501, message });
        }
        let reading = begun.get_or_insert_with(|| {
            let since = query.since_unix_seconds;
            let first = actor.log.first(|entry| entry.time.unix_seconds() >= since);
            let oldest = actor.log.end().saturating_sub(query.tail.into());
            // What is older than `since` is read, too, and not given.
            let damage = actor.damage.filter(|damage| (oldest..first).contains(damage));
            let position = damage.unwrap_or_else(|| first.max(oldest));
            Reading {
                position,
                end: actor.log.end(),
                run: actor.run,
                cuts: state.log_cuts,
                ends: state.log_ends,
                spoils: state.log_spoils,
                mutes: state.mutes,
            }
        });
        if reading.cuts != state.log_cuts && query.follow {
            return Next::Break(broken());
        }
        if reading.ends != state.log_ends && query.follow {
            return Next::End;
        }
        if reading.spoils != state.log_spoils && query.follow {
            return Next::Break(spoilt());
        }
        if query.follow && (state.mutes_new || reading.mutes != state.mutes) {
            return Next::Wait;
        }
        // The follow of a process ends with it; words that come at the very end are lost to it.
        let over =
            if query.follow { actor.run != reading.run } else { reading.position >= reading.end };
        if over {
            return Next::End;
        }
        let Some((number, entry)) = actor.log.from(reading.position) else {
            return if actor.container.state.has_process() { Next::Wait } else { Next::End };
        };
        if actor.damage == Some(number) {
            return match query.follow {
                _ if state.complains => Next::Break(unreadable()),
                true => Next::Wait,
                false => Next::End,
            };
        }
        if query.follow && own.is_cut_here() {
            return Next::Break(broken());
        }
        reading.position = number + 1;
        let bytes = format!("{} {}", entry.time, entry.text).into();
        Next::Item(LogFrame { pipe: entry.pipe, bytes, continued: false })
    })
}

struct Reading {
    position: u64,
    end: u64,
    run: u64,
    cuts: u64,
    ends: u64,
    spoils: u64,
    mutes: u64,
}

pub(super) fn stats(world: Arc<World>, id: String) -> Frames<StatsFrame> {
    let open = Counted::new(&world, |world| &world.stats_streams);
    let mutes = world.read(|state| state.stats_mutes);
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    stream::unfold(Some((world, id, seconds, mutes, open)), async |begun| {
        let (world, id, mut seconds, mutes, open) = begun?;
        seconds.tick().await;
        if let Err(error) = world.check() {
            return Some((Err(error), None));
        }
        if world.read(|state| state.stats_mutes) != mutes {
            return std::future::pending().await;
        }
        let now = world.now();
        match world.read(|state| state.actors.get(&id).map(|actor| actor.sample(now))) {
            Some(frame) => Some((Ok(frame), Some((world, id, seconds, mutes, open)))),
            None => Some((Err(no_such_container(&id)), None)),
        }
    })
    .boxed()
}

pub(super) fn pull(world: &Arc<World>, reference: &str) -> Frames<PullFrame> {
    let history = world.read(|state| state.pulls.get(reference).cloned());
    let message = format!("manifest for {reference} not found");
    let refusal = || vec![(Duration::ZERO, Err(EngineError::Api { status: 404, message }))];
    let mut rest = history.unwrap_or_else(refusal).into_iter();
    let reference = reference.to_owned();
    let open = Counted::new(world, |world| &world.pulls);
    let first = world.check();
    stream::unfold(Some((first, open)), move |begun| {
        let next = rest.next();
        let reference = reference.clone();
        async move {
            let (first, open) = begun?;
            if let Err(fault) = first {
                return Some((Err(fault), None));
            }
            let Some((after, said)) = next else {
                open.world.change(|state| state.things.add_image(&reference, Vec::new()));
                return None;
            };
            sleep(after).await;
            if open.world.check().is_err() {
                return Some((Err(broken()), None));
            }
            let go_on = said.is_ok().then_some((Ok(()), open));
            Some((said, go_on))
        }
    })
    .boxed()
}

/// Counts one more stream for as long as it lives.
struct Counted {
    world: Arc<World>,
    counter: fn(&World) -> &AtomicUsize,
}

impl Counted {
    fn new(world: &Arc<World>, counter: fn(&World) -> &AtomicUsize) -> Self {
        counter(world).fetch_add(1, Ordering::AcqRel);
        Self { world: Arc::clone(world), counter }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.counter)(&self.world).fetch_sub(1, Ordering::AcqRel);
    }
}

fn unreadable() -> EngineError {
    EngineError::ReadingFailed { message: "invalid character".to_owned() }
}

fn spoilt() -> EngineError {
    EngineError::Unreadable { message: "spoilt".to_owned() }
}

fn broken() -> EngineError {
    EngineError::Broken { message: "cut".to_owned() }
}
