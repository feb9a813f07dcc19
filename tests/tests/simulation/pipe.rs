//! One direction of a connection: bytes in order, late, at some pace, until it is stalled or cut.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A message, or the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    Text(String),
    Close(u16),
}

/// What the sender's system takes before a write has to wait.
const SEND_BUFFER: usize = 16 * 1024;
/// How often bytes move.
const TICK: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) delay: Duration,
    pub(crate) bytes_per_ms: usize,
    pub(crate) stalled_until: Instant,
    waiting: VecDeque<u8>,
    under_way: VecDeque<(Instant, Vec<u8>)>,
    arrived: VecDeque<u8>,
    moved_at: Option<Instant>,
    taken: u64,
    ended: bool,
    dark: bool,
}

impl Pipe {
    pub(crate) fn new(now: Instant, delay: Duration, bytes_per_ms: usize) -> Self {
        Self {
            delay,
            bytes_per_ms,
            stalled_until: now,
            waiting: VecDeque::new(),
            under_way: VecDeque::new(),
            arrived: VecDeque::new(),
            moved_at: None,
            taken: 0,
            ended: false,
            dark: false,
        }
    }

    pub(crate) fn send(&mut self, message: &Message) {
        if self.ended {
            return;
        }
        let (tag, body) = match message {
            Message::Text(text) => (0, text.as_bytes().to_vec()),
            Message::Close(code) => (1, code.to_be_bytes().to_vec()),
        };
        self.waiting.push_back(tag);
        self.waiting.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        self.waiting.extend(body);
    }

    /// Whether the sender's system has taken everything.
    pub(crate) fn is_flushed(&self) -> bool {
        self.waiting.len() <= SEND_BUFFER
    }

    /// How many bytes it has taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// Nothing follows.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// Loses everything but the first `bytes` of what has not arrived, and ends.
    pub(crate) fn cut(&mut self, bytes: usize) {
        self.waiting.clear();
        let mut left = bytes;
        for (_, part) in &mut self.under_way {
            part.truncate(left);
            left -= part.len();
        }
        self.ended = true;
    }

    /// How many bytes have not arrived.
    pub(crate) fn outstanding(&self) -> usize {
        self.under_way.iter().map(|(_, part)| part.len()).sum()
    }

    /// From now on everything vanishes, and nobody is told.
    pub(crate) fn go_dark(&mut self) {
        self.dark = true;
        self.under_way.clear();
    }

    /// Moves what is due.
    pub(crate) fn advance(&mut self, now: Instant) {
        let due = self.moved_at.is_none_or(|at| now >= at + TICK) && now >= self.stalled_until;
        if due && !self.dark && !self.waiting.is_empty() {
            let count = self.bytes_per_ms.min(self.waiting.len());
            let part: Vec<u8> = self.waiting.drain(..count).collect();
            self.taken += part.len() as u64;
            self.moved_at = Some(now);
            self.under_way.push_back((now + self.delay, part));
        }
        while self.under_way.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, part)) = self.under_way.pop_front() {
                self.arrived.extend(part);
            }
        }
    }

    /// The next whole message that has arrived.
    pub(crate) fn receive(&mut self) -> Option<Message> {
        let head: Vec<u8> = self.arrived.iter().take(5).copied().collect();
        let (tag, length) = head.split_first()?;
        let length = u32::from_be_bytes(length.try_into().ok()?) as usize;
        if self.arrived.len() < 5 + length {
            return None;
        }
        let body: Vec<u8> = self.arrived.drain(..5 + length).skip(5).collect();
        Some(match tag {
            0 => Message::Text(String::from_utf8(body).unwrap()),
            _ => Message::Close(u16::from_be_bytes(body.try_into().unwrap())),
        })
    }

    /// Whether everything that will ever arrive has arrived.
    pub(crate) fn is_at_its_end(&self) -> bool {
        self.ended && self.waiting.is_empty() && self.under_way.is_empty()
    }

    /// When to advance it again.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let moving = (!self.dark && !self.waiting.is_empty()).then(|| {
            self.moved_at.map_or(self.stalled_until, |at| (at + TICK).max(self.stalled_until))
        });
        self.under_way.front().map(|(at, _)| *at).into_iter().chain(moving).min()
    }
}
