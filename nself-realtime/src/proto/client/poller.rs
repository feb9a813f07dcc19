//! Reads the rooms without a connection: one request for all of them at a time, from the same cursors.
//!
//! The cursors move with an answer and never with a request. So a poll that is given up, because the
//! connection is back or the wishes have changed, has taken nothing, and its answer, should it still
//! come, is let go.

use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::config::ClientConfig;
use super::delivery::ServerError;
use super::frames::{PollBody, PollRooms, PollSubscription, Selection};
use super::out::{Action, Answer, Out};
use super::subscriptions::Subscriptions;
use super::timers::{Timer, Timers};
use super::wishes::Request;
use crate::RoomName;

/// How many rooms one request may ask for.
const MAX_ROOMS: usize = 64;
/// How long an answer is waited for while further rooms wait for their turn; and what lies at least
/// between two polls that are answered at once and bring nothing.
const SHORT: Duration = Duration::from_secs(1);

/// Polls while the connection is away.
#[derive(Debug)]
pub(super) struct Poller {
    config: ClientConfig,
    backoff: Backoff,
    running: bool,
    outstanding: Option<Outstanding>,
    /// Whether polls get through; `None` until the first one has ended.
    reaches: Option<bool>,
    /// The server asked for none before.
    not_before: Option<Instant>,
    last_id: u64,
    /// Whose turn it is where there are more rooms than a request may ask for.
    turn: usize,
}

/// A request that is not answered yet.
#[derive(Debug)]
struct Outstanding {
    id: u64,
    began: Instant,
    wait: Duration,
    asked: Vec<(RoomName, Request)>,
}

/// Whether the sign-in holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum SignIn {
    Holds,
    Ended,
}

/// What a step of polling works with.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) now: Instant,
    /// Random ones.
    pub(super) bits: u64,
    pub(super) subscriptions: &'a mut Subscriptions,
    pub(super) timers: &'a mut Timers,
    pub(super) out: &'a mut Out,
}

impl Poller {
    pub(super) fn new(config: ClientConfig) -> Self {
        Self {
            config,
            backoff: Backoff::new(config.first_delay, config.longest_delay),
            running: false,
            outstanding: None,
            reaches: None,
            not_before: None,
            last_id: 0,
            turn: 0,
        }
    }

    /// Whether polls get through; `None` until that is known.
    pub(super) fn reaches(&self) -> Option<bool> {
        self.reaches
    }

    /// Polls from now on.
    pub(super) fn start(&mut self, now: Instant, timers: &mut Timers) {
        if !self.running {
            self.running = true;
            self.schedule(now, timers);
        }
    }

    /// Polls no more.
    pub(super) fn stop(&mut self, timers: &mut Timers, out: &mut Out) {
        self.running = false;
        self.give_up(timers, out);
        timers.clear(&[Timer::Poll]);
    }

    /// The connection is back: what was known of polls may be otherwise the next time.
    pub(super) fn forget(&mut self) {
        self.reaches = None;
        self.backoff.reset();
    }

    /// Something else is wanted than what was asked for.
    pub(super) fn handle_change(&mut self, now: Instant, timers: &mut Timers, out: &mut Out) {
        if self.running {
            self.give_up(timers, out);
            self.schedule(now, timers);
        }
    }

    /// Asks.
    pub(super) fn poll(&mut self, turn: &mut Turn<'_>) {
        let mut asked = turn.subscriptions.poll();
        if asked.is_empty() {
            self.reaches = Some(false);
            return;
        }
        let mut wait = self.config.poll_wait;
        if asked.len() > MAX_ROOMS {
            let first = self.turn % asked.len();
            asked.rotate_left(first);
            asked.truncate(MAX_ROOMS);
            self.turn = first + MAX_ROOMS;
            wait = wait.min(SHORT);
        }
        let fresh = asked.iter().any(|(_, request)| request.since.is_none());
        if fresh || self.reaches != Some(true) {
            // Whether polls get through is to be known at once.
            wait = Duration::ZERO;
        }
        self.last_id += 1;
        let id = self.last_id;
        turn.out.act(Action::Poll { id, body: body(&asked, wait) });
        turn.timers.set(Timer::PollAnswer, turn.now + wait + self.config.poll_timeout);
        self.outstanding = Some(Outstanding { id, began: turn.now, wait, asked });
    }

    /// A part of an answer has come.
    pub(super) fn handle_progress(&mut self, id: u64, now: Instant, timers: &mut Timers) {
        if self.outstanding.as_ref().is_some_and(|outstanding| outstanding.id == id) {
            timers.set(Timer::PollAnswer, now + self.config.poll_timeout);
        }
    }

    /// An answer has come.
    pub(super) fn handle_answer(
        &mut self,
        id: u64,
        answer: &Answer<'_>,
        turn: &mut Turn<'_>,
    ) -> SignIn {
        let Some(outstanding) = self.outstanding.take_if(|outstanding| outstanding.id == id) else {
            return SignIn::Holds;
        };
        turn.timers.clear(&[Timer::PollAnswer]);
        if answer.status == 200 {
            match serde_json::from_slice::<PollRooms>(answer.body) {
                Ok(rooms) => self.take(outstanding, rooms, turn),
                Err(error) => {
                    let message = format!("the answer to a poll cannot be read: {error}");
                    turn.out.tell_error(ServerError::new("invalid_frame", message));
                    self.fail(turn);
                }
            }
            return SignIn::Holds;
        }
        let error = answer.error();
        if answer.status == 401 {
            turn.out.tell_error(error);
            return SignIn::Ended;
        }
        self.not_before = error.retry_after.map(|after| turn.now + after);
        if let Some(room) = refused_room(&error, answer.status, &outstanding.asked) {
            // The others go on without it.
            self.reaches = Some(true);
            turn.subscriptions.handle_poll_refused(room, error, turn.out);
            self.schedule(turn.now, turn.timers);
        } else {
            turn.out.tell_error(error);
            self.fail(turn);
        }
        SignIn::Holds
    }

    /// No answer comes.
    pub(super) fn handle_failure(&mut self, id: u64, turn: &mut Turn<'_>) {
        if self.outstanding.take_if(|outstanding| outstanding.id == id).is_some() {
            turn.timers.clear(&[Timer::PollAnswer]);
            self.fail(turn);
        }
    }

    /// No answer has come in time.
    pub(super) fn handle_timeout(&mut self, turn: &mut Turn<'_>) {
        self.give_up(turn.timers, turn.out);
        self.fail(turn);
    }

    fn take(&mut self, outstanding: Outstanding, answer: PollRooms, turn: &mut Turn<'_>) {
        let Outstanding { began, wait, asked, .. } = outstanding;
        // One that is not in the answer has something to say, too.
        let mut news = answer.rooms.len() < asked.len();
        for room in answer.rooms {
            news |= room.more || !(room.events.is_empty() && room.gaps.is_empty());
            if let Some((_, request)) = asked.iter().find(|(name, _)| *name == room.room) {
                let live = !wait.is_zero();
                turn.subscriptions.handle_poll(request, room, live, turn.out);
            }
        }
        self.reaches = Some(true);
        self.backoff.reset();
        self.not_before = None;
        let earliest = if news { turn.now } else { began + wait.min(SHORT) };
        self.schedule(turn.now.max(earliest), turn.timers);
    }

    fn fail(&mut self, turn: &mut Turn<'_>) {
        self.reaches = Some(false);
        let next = turn.now + self.backoff.next(turn.bits);
        // What the server says of the wait takes precedence.
        self.schedule(self.not_before.filter(|at| *at > turn.now).unwrap_or(next), turn.timers);
    }

    fn give_up(&mut self, timers: &mut Timers, out: &mut Out) {
        timers.clear(&[Timer::PollAnswer]);
        if let Some(Outstanding { id, .. }) = self.outstanding.take() {
            out.act(Action::CancelPoll { id });
        }
    }

    fn schedule(&mut self, at: Instant, timers: &mut Timers) {
        if self.running {
            timers.set(Timer::Poll, self.not_before.map_or(at, |earliest| earliest.max(at)));
        }
    }
}

fn body(asked: &[(RoomName, Request)], wait: Duration) -> String {
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    let body = PollBody { wait_ms, subscriptions: asked.iter().map(subscription).collect() };
    // Only maps with keys that are not text could fail, and there are none.
    serde_json::to_string(&body).unwrap_or_default()
}

fn subscription((room, request): &(RoomName, Request)) -> PollSubscription<'_> {
    let selection = Selection { filters: &request.filters, since: request.since };
    PollSubscription { room, selection }
}

/// The one room because of which all were refused.
fn refused_room<'a>(
    error: &ServerError,
    status: u16,
    asked: &'a [(RoomName, Request)],
) -> Option<&'a RoomName> {
    if !matches!(status, 403 | 404) {
        return None;
    }
    let place = error.field.as_ref()?.strip_prefix("/subscriptions/")?.strip_suffix("/room")?;
    asked.get(place.parse::<usize>().ok()?).map(|(room, _)| room)
}
