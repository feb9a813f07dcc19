//! One who is signed in, as all requests and connections of that sign-in share it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nself_realtime::auth::{Identity, Lease};
use nself_realtime::{Name, Timestamp};

use super::role::Role;

/// Realtime connections that one sign-in may have.
pub(crate) const MAX_CONNECTIONS: usize = 16;

/// A sign-in: who it is, what they may do, and whether it still holds.
#[derive(Debug)]
pub(crate) struct Seat {
    user: Name,
    role: Role,
    lease: Lease,
    open: AtomicUsize,
    limit: usize,
    renewable: bool,
}

impl Seat {
    /// Of somebody who signed in with a page, until then.
    pub(crate) fn of_session(user: Name, role: Role, until: Timestamp) -> Arc<Self> {
        Self::new(user, role, Lease::until(until), MAX_CONNECTIONS, true)
    }

    /// Of somebody who has an API token.
    pub(crate) fn of_token(user: Name, role: Role) -> Arc<Self> {
        Self::new(user, role, Lease::endless(), MAX_CONNECTIONS, false)
    }

    /// Of everybody, where nobody has to sign in.
    #[expect(clippy::expect_used, reason = "the name is constant and tested")]
    pub(crate) fn of_everybody() -> Arc<Self> {
        let user = Name::new("local").expect("it keeps the rule of names");
        Self::new(user, Role::Admin, Lease::endless(), usize::MAX, false)
    }

    fn new(user: Name, role: Role, lease: Lease, limit: usize, renewable: bool) -> Arc<Self> {
        let open = AtomicUsize::new(0);
        Arc::new(Self { user, role, lease, open, limit, renewable })
    }

    pub(crate) fn user(&self) -> &Name {
        &self.user
    }

    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// Who that is, to the rooms.
    pub(crate) fn identity(&self) -> Identity {
        Identity::new(self.user.clone(), self.lease.clone()).renewable(self.renewable)
    }

    /// Lets it hold until then.
    pub(super) fn renew(&self, until: Timestamp) {
        self.lease.renew(until);
    }

    /// Ends it, and with it every connection that it has.
    pub(super) fn end(&self) {
        self.lease.end();
    }

    #[cfg(test)]
    pub(super) fn holds(&self, now: Timestamp) -> bool {
        self.lease.holds(now)
    }

    /// How many connections it has.
    pub(super) fn open_connections(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Takes one of its connections; `None` if it has them all.
    pub(crate) fn open(self: &Arc<Self>) -> Option<Connection> {
        let one_more = |open| (open < self.limit).then_some(open + 1);
        self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(Connection(Arc::clone(self)))
    }
}

/// A realtime connection of a sign-in, until it is dropped.
#[derive(Debug)]
pub(crate) struct Connection(Arc<Seat>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_has_sixteen_connections_and_everybody_has_no_limit() {
        let seat = Seat::of_token(Name::new("ci").unwrap(), Role::Viewer);
        let mut open: Vec<_> = (0..MAX_CONNECTIONS).map(|_| seat.open().unwrap()).collect();
        assert!(seat.open().is_none());
        open.pop();
        assert!(seat.open().is_some());
        let everybody = Seat::of_everybody();
        let many: Vec<_> = (0..100).map_while(|_| everybody.open()).collect();
        assert_eq!(many.len(), 100);
    }
}
