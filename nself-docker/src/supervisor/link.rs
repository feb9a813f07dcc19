//! The connection to an engine: subscribe first, then list, and list again every so often, because an
//! engine drops events for slow readers. A stream of events that says nothing for long is opened again:
//! what stands between may have dropped it without a word. A lost connection is tried again, less and less
//! often.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::{BoxFuture, Fuse, FutureExt as _};
use nself_realtime::clock::Clock;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use crate::backoff::Backoff;
use crate::engine::{Container, Engine, EngineError, EngineEvent, Version};

/// What a link tells.
#[derive(Debug)]
pub(super) enum News {
    /// The engine is being asked for everything.
    Listing,
    /// The engine has answered for the first time on this connection; the list follows.
    Online(Version),
    /// Everything there is.
    Listed(Vec<Container>),
    /// Something happened.
    Event(EngineEvent),
    /// The engine does not answer.
    Offline(EngineError),
}

/// Holds the connection to one engine.
pub(super) struct Link {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) list_every: Duration,
    pub(super) news: mpsc::Sender<News>,
}

/// Nobody wants news any more.
struct Unwanted;

enum Broken {
    Engine(EngineError),
    Unwanted,
}

impl From<Unwanted> for Broken {
    fn from(_: Unwanted) -> Self {
        Self::Unwanted
    }
}

impl From<EngineError> for Broken {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl Link {
    /// Connects and stays connected until nobody listens any more.
    pub(super) async fn hold(self) {
        let mut backoff = Backoff::new(AGAIN_FIRST, AGAIN_LAST);
        loop {
            let mut was_online = false;
            let begun = Instant::now();
            let error = match self.connect(&mut was_online).await {
                Ok(never) => match never {},
                Err(Broken::Unwanted) => return,
                Err(Broken::Engine(error)) => error,
            };
            if was_online {
                // Maybe only the stream broke: the next attempt will say what is wrong. It comes at once,
                // unless this is how all connections end.
                tracing::info!(%error, "connection to the engine lost");
                if begun.elapsed() >= AGAIN_LAST {
                    backoff.reset();
                    continue;
                }
            } else if self.tell(News::Offline(error)).await.is_err() {
                return;
            }
            sleep(backoff.next_delay()).await;
        }
    }

    async fn connect(&self, was_online: &mut bool) -> Result<Infallible, Broken> {
        // What happens from here on is not missed, however long the subscription takes.
        let mut since = self.clock.timestamp();
        let version = within(self.engine.version()).await?.supported()?;
        let mut version = Some(version);
        let mut events = self.engine.events(since.into());
        let mut heard = Instant::now();
        let mut next_list = interval(self.list_every);
        next_list.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut listing = Fuse::terminated();
        let mut unreadable = 0_u64;
        loop {
            tokio::select! {
                biased;
                event = events.next() => match event {
                    Some(Ok(event)) => {
                        (since, heard) = (self.clock.timestamp(), Instant::now());
                        self.tell(News::Event(event)).await?;
                    }
                    Some(Err(error @ EngineError::Unreadable { .. })) => {
                        unreadable += 1;
                        note_unreadable(&error, unreadable);
                        since = self.clock.timestamp();
                        sleep(AGAIN_FIRST).await;
                        events = self.engine.events(since.into());
                        next_list.reset_immediately();
                    }
                    Some(Err(error)) => return Err(error.into()),
                    None => return Err(stream_ended().into()),
                },
                list = &mut listing => {
                    let list = list?;
                    if let Some(version) = version.take() {
                        *was_online = true;
                        self.tell(News::Online(version)).await?;
                    }
                    self.tell(News::Listed(list)).await?;
                }
                _ = next_list.tick() => {
                    if heard.elapsed() >= DOUBTED_AFTER {
                        // From the last event on: what came since then may have been lost.
                        events = self.engine.events(since.into());
                        heard = Instant::now();
                    }
                    self.tell(News::Listing).await?;
                    let list: BoxFuture<'_, _> = within(self.engine.list()).boxed();
                    listing = list.fuse();
                }
            }
        }
    }

    async fn tell(&self, news: News) -> Result<(), Unwanted> {
        self.news.send(news).await.map_err(|_| Unwanted)
    }
}

/// Waits for an answer, but not for ever: a half-dead socket never says so.
pub(super) async fn within<T>(
    answer: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    timeout(ANSWER_WITHIN, answer)
        .await
        .unwrap_or(Err(EngineError::Timeout { after: ANSWER_WITHIN }))
}

/// Tells of what makes no sense once: an engine from the future may send it all the time.
fn note_unreadable(error: &EngineError, count: u64) {
    if count == 1 {
        tracing::warn!(%error, "event of the engine skipped");
    } else {
        tracing::debug!(%error, count, "event of the engine skipped");
    }
}

fn stream_ended() -> EngineError {
    EngineError::Broken { message: "the engine ended the stream of events".to_owned() }
}

/// After how long a silent stream of events is opened again: before what forgets idle connections does.
const DOUBTED_AFTER: Duration = Duration::from_mins(2);

const AGAIN_FIRST: Duration = Duration::from_millis(500);
const AGAIN_LAST: Duration = Duration::from_secs(15);

/// How long a version or a list may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
