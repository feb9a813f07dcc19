//! The sessions of those who signed in with a page. They are kept in memory only: a restart ends them.
//!
//! A session ends when it was not used for a while (an open connection is use), when its time is over and
//! nobody renewed it, when somebody signs out, and when the password changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nself_realtime::{Name, Timestamp};

use super::role::Role;
use super::seat::Seat;
use super::secret::Digest;

/// How many there may be: the one that was used longest ago gives way.
const MAX_SESSIONS: usize = 1_000;

/// How long sessions hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lifetimes {
    /// Without being used.
    pub(crate) idle: Duration,
    /// Without being renewed.
    pub(crate) whole: Duration,
}

impl Default for Lifetimes {
    /// 30 minutes and 12 hours.
    fn default() -> Self {
        Self { idle: Duration::from_mins(30), whole: Duration::from_hours(12) }
    }
}

#[derive(Debug)]
struct Session {
    seat: Arc<Seat>,
    used: Timestamp,
    until: Timestamp,
}

/// All sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    lifetimes: Lifetimes,
    known: Mutex<HashMap<Digest, Session>>,
}

impl Sessions {
    pub(crate) fn new(lifetimes: Lifetimes) -> Self {
        Self { lifetimes, known: Mutex::default() }
    }

    /// Begins one, and says until when it holds.
    pub(crate) fn begin(
        &self,
        now: Timestamp,
        digest: Digest,
        user: Name,
        role: Role,
    ) -> (Arc<Seat>, Timestamp) {
        let until = later(now, self.lifetimes.whole);
        let seat = Seat::of_session(user, role, until);
        let mut known = self.known();
        self.sweep(&mut known, now);
        if known.len() >= MAX_SESSIONS {
            let oldest = known.iter().min_by_key(|(_, session)| session.used);
            if let Some(ended) =
                oldest.map(|(digest, _)| *digest).and_then(|key| known.remove(&key))
            {
                ended.seat.end();
            }
        }
        known.insert(digest, Session { seat: Arc::clone(&seat), used: now, until });
        (seat, until)
    }

    /// Whose session that is, and until when; being asked for is use.
    pub(crate) fn find(&self, now: Timestamp, digest: &Digest) -> Option<(Arc<Seat>, Timestamp)> {
        let mut known = self.known();
        let session = known.get_mut(digest)?;
        if self.is_over(session, now) {
            session.seat.end();
            known.remove(digest);
            return None;
        }
        session.used = now;
        Some((Arc::clone(&session.seat), session.until))
    }

    /// Lets one hold for its whole time from now on, its open connections included.
    pub(crate) fn renew(&self, now: Timestamp, digest: &Digest) -> Option<Timestamp> {
        let mut known = self.known();
        let session = known.get_mut(digest)?;
        session.until = later(now, self.lifetimes.whole);
        session.seat.renew(session.until);
        Some(session.until)
    }

    /// Ends one.
    pub(crate) fn end(&self, digest: &Digest) {
        if let Some(session) = self.known().remove(digest) {
            session.seat.end();
        }
    }

    /// Ends all.
    pub(crate) fn end_all(&self) {
        for (_, session) in self.known().drain() {
            session.seat.end();
        }
    }

    /// Notes which are in use by a connection, and ends those whose time is over. To be called more often
    /// than a session may be idle.
    pub(crate) fn tend(&self, now: Timestamp) {
        self.sweep(&mut self.known(), now);
    }

    fn sweep(&self, known: &mut HashMap<Digest, Session>, now: Timestamp) {
        known.retain(|_, session| {
            let over = self.is_over(session, now);
            if over {
                session.seat.end();
            } else if session.seat.open_connections() > 0 {
                session.used = now;
            }
            !over
        });
    }

    fn is_over(&self, session: &Session, now: Timestamp) -> bool {
        let in_use = session.seat.open_connections() > 0;
        let idle = !in_use && now >= later(session.used, self.lifetimes.idle);
        idle || now >= session.until
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.known().is_empty()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Digest, Session>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// That long after `time`.
pub(crate) fn later(time: Timestamp, duration: Duration) -> Timestamp {
    let nanos = i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX);
    // The calendar ends in the year 9999.
    Timestamp::from_unix_nanos(time.unix_nanos().saturating_add(nanos)).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    struct Case {
        sessions: Sessions,
        start: Timestamp,
        digest: Digest,
        seat: Arc<Seat>,
    }

    fn begun() -> Case {
        let start = "2026-01-31T12:00:00Z".parse().unwrap();
        let sessions = Sessions::new(Lifetimes::default());
        let digest = Digest::of("a");
        let (seat, _) = sessions.begin(start, digest, Name::new("admin").unwrap(), Role::Admin);
        Case { sessions, start, digest, seat }
    }

    impl Case {
        fn holds_after(&self, minutes: u32) -> bool {
            self.sessions.find(later(self.start, MINUTE * minutes), &self.digest).is_some()
        }
    }

    #[test]
    fn a_session_that_is_not_used_ends_after_half_an_hour() {
        let case = begun();
        assert!(case.holds_after(29) && case.holds_after(58), "being used counts");
        assert!(!case.holds_after(88));
        assert!(!case.seat.holds(case.start), "nor do its connections");
    }

    #[test]
    fn an_open_connection_is_use() {
        let case = begun();
        let open = case.seat.open().unwrap();
        case.sessions.tend(later(case.start, MINUTE * 300));
        drop(open);
        assert!(case.holds_after(329));
        assert!(!case.holds_after(359));
    }

    #[test]
    fn twelve_hours_are_the_most_without_a_renewal() {
        let case = begun();
        let _open = case.seat.open().unwrap();
        assert!(case.holds_after(12 * 60 - 1));
        let renewed = case.sessions.renew(later(case.start, MINUTE * 719), &case.digest);
        assert_eq!(renewed, Some(later(case.start, MINUTE * 719 + Duration::from_hours(12))));
        assert!(case.holds_after(12 * 60) && case.holds_after(719 + 719));
        assert!(!case.holds_after(719 + 720));
    }

    #[test]
    fn signing_out_ends_one_session_and_a_new_password_ends_all() {
        let case = begun();
        let (other, user) = (Digest::of("b"), Name::new("admin").unwrap());
        case.sessions.begin(case.start, other, user, Role::Admin);
        case.sessions.end(&other);
        assert!(case.sessions.find(case.start, &other).is_none());
        assert!(case.holds_after(1));
        case.sessions.end_all();
        assert!(!case.holds_after(1));
        assert!(!case.seat.holds(case.start), "nor do its connections");
    }

    #[test]
    fn the_session_that_was_used_longest_ago_gives_way() {
        let case = begun();
        for number in 1..=MAX_SESSIONS {
            let digest = Digest::of(&number.to_string());
            let now = later(case.start, MINUTE);
            case.sessions.begin(now, digest, Name::new("admin").unwrap(), Role::Admin);
        }
        assert!(!case.holds_after(2));
        assert_eq!(case.sessions.known().len(), MAX_SESSIONS);
    }
}
