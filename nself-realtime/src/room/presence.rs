//! Who is here, as plain data: what changed is told in bursts, and a reload is no leave and join.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use crate::Name;
use crate::event::{Presence, PresenceState};

/// Changes are told at once, and then at most that often.
const BURST: Duration = Duration::from_secs(1);
/// A session whose connection was lost has that long to come back unnoticed.
const GRACE: Duration = Duration::from_secs(10);
/// What nothing has touched for that long is removed in any case.
const SWEEP: Duration = Duration::from_mins(5);
/// Of more sessions only their number is told.
const LISTED: usize = 200;
/// The session id that the number of sessions stands under.
const EVERYONE: &str = "*";

/// What a session looks like to others.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    user: Name,
    page: Option<String>,
    idle: bool,
    count: Option<u32>,
}

#[derive(Debug)]
struct Here {
    look: Look,
    touched: Instant,
    lost: Option<Instant>,
}

/// The sessions that are here, and what others were told of them.
#[derive(Debug, Default)]
pub(crate) struct PresenceBook {
    here: HashMap<Name, Here>,
    told: BTreeMap<Name, Look>,
    last_burst: Option<Instant>,
    changed: bool,
}

impl PresenceBook {
    /// A session is here, for the first time or again.
    pub(crate) fn join(&mut self, now: Instant, session: &Name, user: &Name) {
        self.enter(now, session, user);
    }

    /// It looks at another page, or rests. One that was swept is here again.
    pub(crate) fn update(
        &mut self,
        now: Instant,
        session: &Name,
        user: &Name,
        page: Option<String>,
        idle: bool,
    ) {
        let look = self.enter(now, session, user);
        (look.page, look.idle) = (page, idle);
    }

    fn enter(&mut self, now: Instant, session: &Name, user: &Name) -> &mut Look {
        self.changed = true;
        let look = Look { user: user.clone(), page: None, idle: false, count: None };
        let here = self.here.entry(session.clone());
        let here = here.or_insert(Here { look, touched: now, lost: None });
        // Another one may have signed in in that tab.
        here.look.user.clone_from(user);
        (here.touched, here.lost) = (now, None);
        &mut here.look
    }

    /// It showed a sign of life.
    pub(crate) fn touch(&mut self, now: Instant, session: &Name) {
        if let Some(here) = self.here.get_mut(session) {
            here.touched = now;
        }
    }

    /// Its connection was lost.
    pub(crate) fn lose(&mut self, now: Instant, session: &Name) {
        if let Some(here) = self.here.get_mut(session) {
            here.lost = Some(now);
        }
    }

    /// What is to be told now.
    #[must_use]
    pub(crate) fn poll(&mut self, now: Instant) -> Vec<Presence> {
        let before = self.here.len();
        self.here.retain(|_, here| now < here.until());
        self.changed |= self.here.len() != before;
        let waits = self.last_burst.is_some_and(|last| now < last + BURST);
        if !self.changed || waits {
            return Vec::new();
        }
        self.changed = false;
        let tell = self.what_others_should_see();
        let mut events = Vec::new();
        for (session, look) in &self.told {
            if !tell.contains_key(session) {
                events.push(event(session, look, PresenceState::Leave));
            }
        }
        for (session, look) in &tell {
            match self.told.get(session) {
                None => events.push(event(session, look, PresenceState::Join)),
                Some(told) if told != look => {
                    events.push(event(session, look, PresenceState::Update));
                }
                Some(_) => {}
            }
        }
        self.told = tell;
        if !events.is_empty() {
            self.last_burst = Some(now);
        }
        events
    }

    /// When to poll again at the latest.
    #[must_use]
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let burst = if self.changed { self.last_burst.map(|last| last + BURST) } else { None };
        self.here.values().map(Here::until).chain(burst).min()
    }

    fn what_others_should_see(&self) -> BTreeMap<Name, Look> {
        if self.here.len() <= LISTED {
            let looks =
                self.here.iter().map(|(session, here)| (session.clone(), here.look.clone()));
            return looks.collect();
        }
        let count = u32::try_from(self.here.len()).ok();
        let everyone = Name::new(EVERYONE).into_iter();
        everyone
            .map(|name| {
                let look = Look { user: name.clone(), page: None, idle: false, count };
                (name, look)
            })
            .collect()
    }
}

impl Here {
    /// When it is gone, if nothing happens.
    fn until(&self) -> Instant {
        let swept = self.touched + SWEEP;
        self.lost.map_or(swept, |lost| swept.min(lost + GRACE))
    }
}

fn event(session: &Name, look: &Look, state: PresenceState) -> Presence {
    Presence {
        session_id: session.clone(),
        user: look.user.clone(),
        state,
        page: look.page.clone(),
        idle: look.idle,
        count: look.count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, SystemClock};

    const S: Duration = Duration::from_secs(1);

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn states(events: &[Presence]) -> Vec<(String, PresenceState)> {
        events.iter().map(|event| (event.session_id.to_string(), event.state)).collect()
    }

    #[test]
    fn the_first_change_is_told_at_once_and_the_next_ones_in_bursts() {
        let (start, mut book) = (SystemClock.now(), PresenceBook::default());
        book.join(start, &name("a"), &name("ann"));
        assert_eq!(states(&book.poll(start)), [("a".into(), PresenceState::Join)]);
        book.join(start, &name("b"), &name("bob"));
        book.update(start, &name("a"), &name("ann"), Some("/logs".into()), false);
        assert!(book.poll(start + S / 2).is_empty());
        assert_eq!(book.deadline(), Some(start + S));
        let burst = states(&book.poll(start + S));
        assert_eq!(burst, [("a".into(), PresenceState::Update), ("b".into(), PresenceState::Join)]);
    }

    #[test]
    fn join_and_leave_inside_a_burst_cancel() {
        let (start, mut book) = (SystemClock.now(), PresenceBook::default());
        book.join(start, &name("a"), &name("ann"));
        assert_eq!(book.poll(start).len(), 1);
        book.join(start, &name("b"), &name("bob"));
        book.lose(start, &name("b"));
        // Nothing polls until the grace is over, too.
        assert!(book.poll(start + 10 * S).is_empty());
    }

    #[test]
    fn a_reload_is_no_leave_and_join_and_who_stays_away_has_left() {
        let (start, mut book) = (SystemClock.now(), PresenceBook::default());
        book.join(start, &name("a"), &name("ann"));
        assert_eq!(book.poll(start).len(), 1);
        book.lose(start + S, &name("a"));
        assert!(book.poll(start + 9 * S).is_empty());
        book.join(start + 9 * S, &name("a"), &name("ann"));
        assert!(book.poll(start + 30 * S).is_empty());
        book.lose(start + 40 * S, &name("a"));
        assert!(book.poll(start + 49 * S).is_empty());
        assert_eq!(states(&book.poll(start + 50 * S)), [("a".into(), PresenceState::Leave)]);
    }

    #[test]
    fn what_nothing_touches_for_five_minutes_is_swept() {
        let (start, mut book) = (SystemClock.now(), PresenceBook::default());
        book.join(start, &name("a"), &name("ann"));
        assert_eq!(book.poll(start).len(), 1);
        book.touch(start + 100 * S, &name("a"));
        assert!(book.poll(start + 399 * S).is_empty());
        assert_eq!(book.deadline(), Some(start + 400 * S));
        assert_eq!(states(&book.poll(start + 400 * S)), [("a".into(), PresenceState::Leave)]);
    }

    #[test]
    fn who_was_swept_and_looks_at_something_is_here_again() {
        let (start, mut book) = (SystemClock.now(), PresenceBook::default());
        book.join(start, &name("a"), &name("ann"));
        assert_eq!(book.poll(start).len(), 1);
        assert_eq!(states(&book.poll(start + SWEEP)), [("a".into(), PresenceState::Leave)]);
        let later = start + SWEEP + S;
        book.update(later, &name("a"), &name("ann"), Some("/logs".into()), false);
        let events = book.poll(later);
        assert_eq!(states(&events), [("a".into(), PresenceState::Join)]);
        assert_eq!(events[0].page.as_deref(), Some("/logs"));
    }

    #[test]
    fn another_user_who_signs_in_in_the_same_tab_is_told() {
        let (start, mut book) = (SystemClock.now(), PresenceBook::default());
        book.join(start, &name("a"), &name("ann"));
        assert_eq!(book.poll(start).len(), 1);
        book.lose(start + S, &name("a"));
        book.join(start + 2 * S, &name("a"), &name("bob"));
        let events = book.poll(start + 2 * S);
        assert_eq!(states(&events), [("a".into(), PresenceState::Update)]);
        assert_eq!(events[0].user, name("bob"));
    }

    #[test]
    fn of_more_than_two_hundred_only_the_number_is_told() {
        let (start, mut book) = (SystemClock.now(), PresenceBook::default());
        for n in 0..200 {
            book.join(start, &name(&format!("s{n}")), &name("ann"));
        }
        assert_eq!(book.poll(start).len(), 200);
        book.join(start, &name("one more"), &name("bob"));
        let events = book.poll(start + S);
        assert_eq!(events.iter().filter(|e| e.state == PresenceState::Leave).count(), 200);
        let number = events.last().unwrap();
        assert_eq!((number.session_id.as_str(), number.count), ("*", Some(201)));
        book.lose(start + S, &name("one more"));
        assert_eq!(
            book.poll(start + 11 * S).len(),
            201,
            "the number leaves, the sessions are back"
        );
    }
}
