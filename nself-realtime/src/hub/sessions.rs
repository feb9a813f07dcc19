//! Which sessions there are. A session is one tab or client, not a sign-in: it outlives its connection
//! for a while, so that a reload is the same session again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::Name;

/// A session whose connection was lost is known for that long.
const MEMORY: Duration = Duration::from_mins(5);

/// What a client proves its session with.
pub(super) type Secret = u128;

#[derive(Debug)]
struct Session {
    secret: Secret,
    // Since when it has no connection.
    lost: Option<Instant>,
}

/// Why a client cannot have the session that it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotResumed {
    /// It is not known any more, or another connection has it (a duplicated tab): the newcomer keeps the
    /// one of its own.
    NotFree,
    /// The secret is not the session's.
    Forged,
}

/// The sessions of a hub.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    known: HashMap<Name, Session>,
    swept: Option<Instant>,
}

impl Sessions {
    pub(super) fn begin(&mut self, now: Instant, id: &Name, secret: Secret) {
        self.sweep(now);
        self.known.insert(id.clone(), Session { secret, lost: None });
    }

    /// Gives a session to a new connection.
    pub(super) fn resume(
        &mut self,
        now: Instant,
        id: &str,
        secret: Secret,
    ) -> Result<(), NotResumed> {
        self.sweep(now);
        let session = self.known.get_mut(id).ok_or(NotResumed::NotFree)?;
        if session.secret != secret {
            return Err(NotResumed::Forged);
        }
        // Forgotten, as if it had been swept in time.
        let remembered = session.lost.is_some_and(|lost| now < lost + MEMORY);
        if !remembered {
            return Err(NotResumed::NotFree);
        }
        session.lost = None;
        Ok(())
    }

    pub(super) fn lose(&mut self, now: Instant, id: &str) {
        if let Some(session) = self.known.get_mut(id) {
            session.lost = Some(now);
        }
    }

    /// Ends a session that was never used.
    pub(super) fn forget(&mut self, id: &str) {
        self.known.remove(id);
    }

    fn sweep(&mut self, now: Instant) {
        if self.swept.is_none_or(|swept| now >= swept + MEMORY) {
            self.swept = Some(now);
            self.known.retain(|_, session| session.lost.is_none_or(|lost| now < lost + MEMORY));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, SystemClock};

    #[test]
    fn a_session_is_resumed_with_its_secret_while_it_is_free_and_remembered() {
        let (now, mut sessions) = (SystemClock.now(), Sessions::default());
        let id = Name::new("a").unwrap();
        sessions.begin(now, &id, 1);
        assert_eq!(sessions.resume(now, "a", 1), Err(NotResumed::NotFree), "still connected");
        sessions.lose(now, "a");
        assert_eq!(sessions.resume(now, "a", 2), Err(NotResumed::Forged));
        assert_eq!(sessions.resume(now, "b", 1), Err(NotResumed::NotFree));
        assert_eq!(sessions.resume(now + MEMORY / 2, "a", 1), Ok(()));
        sessions.lose(now + MEMORY / 2, "a");
        assert_eq!(sessions.resume(now + MEMORY * 2, "a", 1), Err(NotResumed::NotFree));
    }
}
