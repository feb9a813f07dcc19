//! What a client's handles and its driver have in common: wishes go in, and the driver is woken.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::task::AtomicWaker;
use http::HeaderValue;

use super::feed::Reading;

/// Stands for one reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ReadingId(u64);

/// What handles ask of the driver.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) added: BTreeMap<ReadingId, Reading>,
    pub(super) left: Vec<ReadingId>,
    pub(super) renewed: Option<Token>,
    pub(super) wake: bool,
    pub(super) close: bool,
}

#[derive(Default)]
struct State {
    asked: Asked,
    token: Option<Token>,
    last_id: u64,
}

/// Who signs in, twice: as it stands in a frame, and in a header.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) header: HeaderValue,
}

impl Token {
    /// `None` if the text cannot stand in a header.
    pub(super) fn new(text: &str) -> Option<Self> {
        let mut header = HeaderValue::try_from(format!("Bearer {text}")).ok()?;
        header.set_sensitive(true);
        Some(Self { text: text.to_owned(), header })
    }
}

/// Between handles and driver.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    driver: AtomicWaker,
}

impl Shared {
    /// For a client that signs in like that.
    pub(super) fn new(token: Option<Token>) -> Self {
        let state = State { token, ..State::default() };
        Self { state: Mutex::new(state), driver: AtomicWaker::new() }
    }

    /// Has the driver woken when a handle asks for something.
    pub(super) fn register(&self, waker: &std::task::Waker) {
        self.driver.register(waker);
    }

    /// Takes what is asked for.
    pub(super) fn take(&self) -> Asked {
        std::mem::take(&mut self.lock().asked)
    }

    /// The newest token.
    pub(super) fn token(&self) -> Option<Token> {
        self.lock().token.clone()
    }

    /// Begins a reading.
    pub(super) fn read(&self, reading: Reading) -> ReadingId {
        let mut state = self.lock();
        state.last_id += 1;
        let id = ReadingId(state.last_id);
        state.asked.added.insert(id, reading);
        drop(state);
        self.driver.wake();
        id
    }

    /// Signs in with another token from now on.
    pub(super) fn renew(&self, token: Token) {
        self.lock().token = Some(token.clone());
        self.ask(|asked| asked.renewed = Some(token));
    }

    /// Asks for something.
    pub(super) fn ask(&self, ask: impl FnOnce(&mut Asked)) {
        ask(&mut self.lock().asked);
        self.driver.wake();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock can leave it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One owner of a client; the client ends with the last.
pub(super) struct Owner {
    pub(super) shared: Arc<Shared>,
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Owner").finish_non_exhaustive()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.ask(|asked| asked.close = true);
    }
}

/// Ends a reading when it is dropped, and owns the client until then.
#[derive(Debug)]
pub(super) struct Interest {
    pub(super) owner: Arc<Owner>,
    pub(super) id: ReadingId,
}

impl Drop for Interest {
    fn drop(&mut self) {
        let id = self.id;
        self.owner.shared.ask(|asked| {
            if asked.added.remove(&id).is_none() {
                asked.left.push(id);
            }
        });
    }
}
