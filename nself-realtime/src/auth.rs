//! Who is connected and what they may read. An embedding program brings the answers; by default
//! everybody is a guest who may read everything.
//!
//! # Leaving
//!
//! A connection ends with its [`Lease`]: 60 s before it expires the client is told, and within a second
//! after it was ended everywhere (a sign-out, a change of password) its connections are closed with
//! 4501. Where the rights themselves were withdrawn, so that signing in again is of no use, with 4503.
//! A stream of server-sent events ends with `closing` and that code; a poll that waits is refused.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::proto::CloseCode;
use crate::signal::{Signal, Waiting};
use crate::{Name, RoomName, Timestamp};

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub struct Identity {
    user: Name,
    lease: Lease,
    renewable: bool,
}

impl Identity {
    /// That user, for as long as the lease holds.
    pub fn new(user: Name, lease: Lease) -> Self {
        Self { user, lease, renewable: false }
    }

    /// A user without a name, for as long as the connection holds.
    #[expect(clippy::missing_panics_doc, reason = "the name is constant and tested")]
    #[expect(clippy::expect_used, reason = "the name is constant and tested")]
    pub fn guest() -> Self {
        Self::new(Name::new("guest").expect("it keeps the rule of names"), Lease::endless())
    }

    /// Whether the client can do something about its expiry, and is told so.
    pub fn renewable(mut self, renewable: bool) -> Self {
        self.renewable = renewable;
        self
    }

    /// The name of the user.
    pub fn user(&self) -> &Name {
        &self.user
    }

    /// How long it holds.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    pub(crate) fn is_renewable(&self) -> bool {
        self.renewable
    }
}

/// How long somebody may stay: shared by all connections of one sign-in, and changed for all of them
/// at once. A cheap clone.
#[derive(Debug, Clone)]
pub struct Lease(Arc<LeaseState>);

#[derive(Debug)]
struct LeaseState {
    until: Mutex<Until>,
    changes: Arc<Signal>,
}

/// How long a lease holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// As long as the connection.
    Open,
    /// Until then.
    Time(Timestamp),
    /// It does not hold any more: another sign-in is needed.
    Ended,
    /// It does not hold any more, and no sign-in helps.
    Withdrawn,
}

impl Until {
    /// Until when it holds, and how long that still is; `None`: as long as the connection. An error is
    /// the code with which its connections are closed.
    pub(crate) fn check(self, now: Timestamp) -> Result<Option<(Timestamp, Duration)>, CloseCode> {
        match self {
            Self::Open => Ok(None),
            Self::Time(until) if until > now => Ok(Some((until, until.saturating_since(now)))),
            Self::Time(_) | Self::Ended => Err(CloseCode::SignedOut),
            Self::Withdrawn => Err(CloseCode::Withdrawn),
        }
    }
}

impl Lease {
    /// One that does not expire.
    pub fn endless() -> Self {
        Self::with(Until::Open)
    }

    /// One that expires then.
    pub fn until(time: Timestamp) -> Self {
        Self::with(Until::Time(time))
    }

    fn with(until: Until) -> Self {
        Self(Arc::new(LeaseState { until: Mutex::new(until), changes: Arc::default() }))
    }

    /// Lets it expire then instead. An ended lease stays ended.
    pub fn renew(&self, time: Timestamp) {
        self.change(Until::Time(time));
    }

    /// Ends it now, for all connections that have it: their clients ask for another sign-in.
    pub fn end(&self) {
        self.change(Until::Ended);
    }

    /// Ends it now, for all connections that have it: their clients do not come back.
    pub fn withdraw(&self) {
        self.change(Until::Withdrawn);
    }

    /// Whether it still holds.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.get().check(now).is_ok()
    }

    fn change(&self, until: Until) {
        let mut current = self.0.until.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*current, Until::Ended | Until::Withdrawn) {
            *current = until;
        }
        drop(current);
        self.0.changes.notify();
    }

    pub(crate) fn get(&self) -> Until {
        *self.0.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's look at its lease, which is forgotten with it: a lease may outlive any number of
/// connections.
#[derive(Debug)]
pub(crate) struct LeaseWatch {
    lease: Lease,
    changes: Waiting,
}

impl LeaseWatch {
    pub(crate) fn new(lease: &Lease) -> Self {
        Self { changes: lease.0.changes.wait(), lease: lease.clone() }
    }

    /// How long the lease holds. Has `waker` woken at the next change.
    pub(crate) fn look(&mut self, waker: &Waker) -> Until {
        while self.changes.poll(waker).is_ready() {}
        self.lease.get()
    }
}

/// Why a token does not say who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// It is not one of ours, or was revoked.
    #[error("this token is not valid")]
    Rejected,
    /// It was one of ours.
    #[error("this token has expired: sign in again")]
    Expired,
    /// It cannot be checked now.
    #[error("tokens cannot be checked now: try again later")]
    Unavailable,
}

/// Says who somebody is.
pub trait Authenticator: Send + Sync + 'static {
    /// Whose token that is.
    fn authenticate(&self, token: String) -> BoxFuture<'static, Result<Identity, AuthError>>;
}

/// Says what somebody may do.
pub trait Authorizer: Send + Sync + 'static {
    /// Whether that room may be read.
    fn may_read(&self, identity: &Identity, room: &RoomName) -> bool;
}

/// How a server finds out who somebody is and what they may do. A cheap clone.
#[derive(Clone)]
pub struct Access {
    authenticator: Arc<dyn Authenticator>,
    authorizer: Arc<dyn Authorizer>,
}

impl Access {
    /// Tokens are known by this one.
    pub fn authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.authenticator = Arc::new(authenticator);
        self
    }

    /// Rooms are opened by this one.
    pub fn authorizer(mut self, authorizer: impl Authorizer) -> Self {
        self.authorizer = Arc::new(authorizer);
        self
    }

    /// Whose token that is.
    ///
    /// # Errors
    ///
    /// [`AuthError`]: it does not say.
    pub fn authenticate(&self, token: String) -> BoxFuture<'static, Result<Identity, AuthError>> {
        self.authenticator.authenticate(token)
    }

    /// Whether that room may be read.
    pub fn may_read(&self, identity: &Identity, room: &RoomName) -> bool {
        self.authorizer.may_read(identity, room)
    }
}

impl Default for Access {
    /// Knows no token and lets everybody read everything.
    fn default() -> Self {
        Self { authenticator: Arc::new(NoTokens), authorizer: Arc::new(Everyone) }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}

/// Lets everybody read everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Everyone;

impl Authorizer for Everyone {
    fn may_read(&self, _identity: &Identity, _room: &RoomName) -> bool {
        true
    }
}

/// Knows no token: connections are who they were when they began.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTokens;

impl Authenticator for NoTokens {
    fn authenticate(&self, _token: String) -> BoxFuture<'static, Result<Identity, AuthError>> {
        Box::pin(std::future::ready(Err(AuthError::Rejected)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_lease_stays_ended_for_all_who_have_it() {
        let lease = Lease::endless();
        let other = lease.clone();
        lease.end();
        other.renew(Timestamp::from_unix_nanos(0).unwrap());
        assert_eq!(other.get(), Until::Ended);
    }

    #[test]
    fn a_lease_forgets_the_connections_that_have_ended() {
        struct Task;
        impl std::task::Wake for Task {
            fn wake(self: Arc<Self>) {}
        }
        let (lease, task) = (Lease::endless(), Arc::new(Task));
        let mut watch = LeaseWatch::new(&lease);
        assert_eq!(watch.look(&task.clone().into()), Until::Open);
        assert_eq!(Arc::strong_count(&task), 2);
        drop(watch);
        assert_eq!(Arc::strong_count(&task), 1);
    }

    #[test]
    fn a_guest_has_a_name() {
        assert_eq!(Identity::guest().user().as_str(), "guest");
    }
}
