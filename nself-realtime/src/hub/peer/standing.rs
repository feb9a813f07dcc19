//! Who a connection is to the hub: its session, its presence, and how long it may stay.

use std::task::Waker;
use std::time::{Duration, Instant};

use crate::auth::{Identity, LeaseWatch, Until};
use crate::hub::Hub;
use crate::hub::sessions::{NotResumed, Secret, Sessions};
use crate::proto::CloseCode;
use crate::proto::server_frame::ExpiringData;
use crate::{Name, Timestamp};

/// A client is told that long before it has to leave.
const WARNING: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(super) struct Standing {
    pub(super) identity: Identity,
    session: Name,
    secret: Secret,
    stage: Stage,
    lease: LeaseWatch,
    warned: Option<Timestamp>,
    deadline: Option<Instant>,
}

/// What is known of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing: it may yet say which session it is.
    New,
    /// That it is a session which there was before.
    Resumed,
    /// It has said something else than who it is: it is here.
    Present,
}

/// What is due.
#[derive(Debug)]
pub(super) enum Due {
    /// The client is to be told that it will have to leave.
    Warn(ExpiringData),
    /// It has to leave.
    Leave(CloseCode),
}

impl Standing {
    pub(super) fn new(hub: &Hub, identity: Identity, now: Instant) -> Self {
        let bits = || u128::from(hub.random_bits());
        let (session, secret) = (hub.random_bits(), (bits() << 64) | bits());
        #[expect(clippy::expect_used, reason = "sixteen digits keep the rule of names")]
        let session = Name::new(format!("{session:016x}")).expect("sixteen digits are a name");
        hub.sessions().begin(now, &session, secret);
        Self {
            lease: LeaseWatch::new(identity.lease()),
            identity,
            session,
            secret,
            stage: Stage::New,
            warned: None,
            deadline: None,
        }
    }

    pub(super) fn session(&self) -> &Name {
        &self.session
    }

    pub(super) fn secret(&self) -> String {
        format!("{:032x}", self.secret)
    }

    pub(super) fn is_present(&self) -> bool {
        self.stage == Stage::Present
    }

    /// Takes over the session that the client had before.
    pub(super) fn resume(
        &mut self,
        hub: &Hub,
        now: Instant,
        session: Name,
        secret: &str,
    ) -> Result<(), NotResumed> {
        let secret = Secret::from_str_radix(secret, 16).map_err(|_| NotResumed::Forged)?;
        let mut sessions = hub.sessions();
        sessions.resume(now, session.as_str(), secret)?;
        self.give_back(now, &mut sessions);
        drop(sessions);
        (self.session, self.secret, self.stage) = (session, secret, Stage::Resumed);
        Ok(())
    }

    /// It is here from now on.
    pub(super) fn appear(&mut self, hub: &Hub, now: Instant) {
        if !self.is_present() {
            self.stage = Stage::Present;
            hub.change_presence(|book| book.join(now, &self.session, self.identity.user()));
        }
    }

    pub(super) fn look_at(&self, hub: &Hub, now: Instant, page: Option<String>, idle: bool) {
        let user = self.identity.user();
        hub.change_presence(|book| book.update(now, &self.session, user, page, idle));
    }

    pub(super) fn touch(&self, hub: &Hub, now: Instant) {
        if self.is_present() {
            hub.presence().touch(now, &self.session);
        }
    }

    pub(super) fn leave(&self, hub: &Hub) {
        let now = hub.clock().now();
        self.give_back(now, &mut hub.sessions());
        if self.is_present() {
            hub.change_presence(|book| book.lose(now, &self.session));
        }
    }

    /// Lets go of the session: of one that was used the client may come back to it.
    fn give_back(&self, now: Instant, sessions: &mut Sessions) {
        match self.stage {
            Stage::New => sessions.forget(self.session.as_str()),
            Stage::Resumed | Stage::Present => sessions.lose(now, self.session.as_str()),
        }
    }

    /// The same user with another lease.
    pub(super) fn change_identity(&mut self, identity: Identity) {
        self.lease = LeaseWatch::new(identity.lease());
        (self.identity, self.warned) = (identity, None);
    }

    /// When its lease ends, if that is known.
    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        match self.identity.lease().get() {
            Until::Time(time) => Some(time),
            Until::Open | Until::Ended | Until::Withdrawn => None,
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Looks whether the lease holds, and has `waker` woken when it changes.
    pub(super) fn check(&mut self, hub: &Hub, now: Instant, waker: &Waker) -> Option<Due> {
        let (until, left) = match self.lease.look(waker).check(hub.clock().timestamp()) {
            Err(code) => return Some(Due::Leave(code)),
            Ok(None) => {
                self.deadline = None;
                return None;
            }
            Ok(Some(holds)) => holds,
        };
        if left > WARNING {
            self.deadline = Some(now + left.saturating_sub(WARNING));
            return None;
        }
        self.deadline = Some(now + left);
        if self.warned == Some(until) {
            return None;
        }
        self.warned = Some(until);
        let renewable = self.identity.is_renewable();
        // Rounded, so that a timer that fires a little late still says 60.
        let seconds_left = (left + Duration::from_millis(500)).as_secs();
        Some(Due::Warn(ExpiringData { expires_at: until, seconds_left, renewable }))
    }
}
