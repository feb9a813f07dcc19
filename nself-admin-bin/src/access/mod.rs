//! Who is signed in, and how they came in: by password, by one-time link, by API token.

mod role;
mod seat;
mod secret;
mod sessions;
mod throttle;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use nself_realtime::auth::{AuthError, Authenticator, Identity};
use nself_realtime::clock::Clock;
use nself_realtime::{Name, Timestamp};
use tokio::sync::Semaphore;

pub(crate) use self::role::Role;
pub(crate) use self::seat::{Connection, Seat};
pub(crate) use self::secret::{Digest, Secret};
use self::sessions::Sessions;
pub(crate) use self::sessions::{Lifetimes, later};
use self::throttle::Throttle;
pub(crate) use self::throttle::network;
use crate::state::tokens::Token;
use crate::state::{StateDir, StateError, links, password, tokens};

/// Who signs in with the password or a link.
const USER: &str = "admin";

/// So many passwords are hashed at once: each costs 19 MiB.
const HASHED_AT_ONCE: usize = 2;
/// So many may be hashed or wait for that. A turn takes tens of milliseconds.
const SIGN_INS_AT_ONCE: usize = 64;
/// Whoever comes beyond that waits so long.
const QUEUE_WAIT: Duration = Duration::from_secs(2);

/// How often the state folder is looked at: that long a revoked token or an old password may hold.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Somebody who asks for something.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) seat: Arc<Seat>,
    /// Of those who came with a cookie: which session it is, and until when it holds.
    pub(crate) session: Option<(Digest, Timestamp)>,
}

/// Why somebody is not signed in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignInError {
    #[error("that is not right: try again, or make a sign-in link with nself-admin login-link")]
    Wrong,
    #[error(
        "no password is set: use the sign-in link that nself-admin printed when it started, or make one with nself-admin login-link"
    )]
    NoPassword,
    #[error("too many attempts: wait {} s", whole_seconds(*.0))]
    Wait(Duration),
    #[error("nobody has to sign in here")]
    NotNeeded,
    #[error(transparent)]
    State(#[from] StateError),
    #[error("the operating system has no random bits: {0}")]
    Random(#[from] getrandom::Error),
    #[error("the password was not checked: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// In whole seconds, and not too few.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// Everybody who is signed in.
pub(crate) struct Access {
    dir: StateDir,
    clock: Arc<dyn Clock>,
    /// The one that everybody has, where nobody has to sign in.
    everybody: Option<Arc<Seat>>,
    sessions: Sessions,
    tokens: Mutex<Vec<(Token, Arc<Seat>)>>,
    throttle: Mutex<Throttle>,
    hashing: Arc<Semaphore>,
    signing_in: Semaphore,
}

impl Access {
    /// For those who sign in.
    ///
    /// # Errors
    ///
    /// [`StateError`]: the state folder cannot be read.
    pub(crate) fn new(
        dir: StateDir,
        clock: Arc<dyn Clock>,
        lifetimes: Lifetimes,
    ) -> Result<Self, StateError> {
        let access = Self::with(dir, clock, None, lifetimes);
        access.read_tokens()?;
        Ok(access)
    }

    /// For everybody: nobody has to sign in.
    pub(crate) fn open(dir: StateDir, clock: Arc<dyn Clock>) -> Self {
        Self::with(dir, clock, Some(Seat::of_everybody()), Lifetimes::default())
    }

    fn with(
        dir: StateDir,
        clock: Arc<dyn Clock>,
        everybody: Option<Arc<Seat>>,
        lifetimes: Lifetimes,
    ) -> Self {
        Self {
            dir,
            clock,
            everybody,
            sessions: Sessions::new(lifetimes),
            tokens: Mutex::default(),
            throttle: Mutex::default(),
            hashing: Arc::new(Semaphore::new(HASHED_AT_ONCE)),
            signing_in: Semaphore::new(SIGN_INS_AT_ONCE),
        }
    }

    #[cfg(test)]
    pub(crate) fn dir(&self) -> &StateDir {
        &self.dir
    }

    /// Whether somebody has to sign in.
    pub(crate) fn is_needed(&self) -> bool {
        self.everybody.is_none()
    }

    /// Whose cookie that is; everybody's, where nobody has to sign in.
    pub(crate) fn by_cookie(&self, value: Option<&str>) -> Option<Caller> {
        if let Some(everybody) = &self.everybody {
            return Some(Caller { seat: Arc::clone(everybody), session: None });
        }
        let digest = Digest::of(value?);
        let (seat, until) = self.sessions.find(self.clock.timestamp(), &digest)?;
        Some(Caller { seat, session: Some((digest, until)) })
    }

    /// Whose API token that is.
    pub(crate) fn by_token(&self, token: &str) -> Option<Caller> {
        let digest = Digest::of(token);
        let tokens = self.tokens();
        let found = tokens.iter().find(|(token, _)| token.digest == digest);
        found.map(|(_, seat)| Caller { seat: Arc::clone(seat), session: None })
    }

    /// Signs in with the password.
    ///
    /// # Errors
    ///
    /// [`SignInError`]: nobody is signed in.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it returns, the attempt counts as failed.
    pub(crate) async fn log_in(
        &self,
        from: IpAddr,
        password: String,
    ) -> Result<(Secret, Caller), SignInError> {
        let _place = self.signing_in.try_acquire().map_err(|_| SignInError::Wait(QUEUE_WAIT))?;
        self.attempt(from)?;
        if !password::is_set(&self.dir) {
            return Err(SignInError::NoPassword);
        }
        let version = self.dir.version(password::FILE);
        // It is never closed. The hashing goes on if nobody waits for it any more, and keeps its turn.
        let turn = Arc::clone(&self.hashing).acquire_owned().await;
        let dir = self.dir.clone();
        let verify = move || {
            let _turn = turn;
            password::verify(&dir, &password)
        };
        if !tokio::task::spawn_blocking(verify).await?? {
            return Err(SignInError::Wrong);
        }
        let (secret, caller) = self.begin(from, Role::Admin)?;
        // If it was the old one, this session has to end with all others, which may have ended by now.
        if self.dir.version(password::FILE) != version {
            self.log_out(&caller);
            return Err(SignInError::Wrong);
        }
        Ok((secret, caller))
    }

    /// Signs in with what stands in a one-time link.
    ///
    /// # Errors
    ///
    /// [`SignInError`]: nobody is signed in.
    pub(crate) fn follow_link(
        &self,
        from: IpAddr,
        token: &str,
    ) -> Result<(Secret, Caller), SignInError> {
        self.attempt(from)?;
        let role = links::redeem(&self.dir, self.clock.timestamp(), token)?;
        self.begin(from, role.ok_or(SignInError::Wrong)?)
    }

    fn attempt(&self, from: IpAddr) -> Result<(), SignInError> {
        if !self.is_needed() {
            return Err(SignInError::NotNeeded);
        }
        self.throttle().attempt(self.clock.now(), from).map_err(SignInError::Wait)
    }

    #[expect(clippy::expect_used, reason = "the name is constant and tested")]
    fn begin(&self, from: IpAddr, role: Role) -> Result<(Secret, Caller), SignInError> {
        let secret = Secret::new()?;
        let user = Name::new(USER).expect("it keeps the rule of names");
        let (now, digest) = (self.clock.timestamp(), secret.digest());
        let (seat, until) = self.sessions.begin(now, digest, user, role);
        self.throttle().succeeded(from);
        Ok((secret, Caller { seat, session: Some((digest, until)) }))
    }

    /// Ends the session of a caller, if it has one, and closes its connections.
    pub(crate) fn log_out(&self, caller: &Caller) {
        if let Some((digest, _)) = &caller.session {
            self.sessions.end(digest);
        }
    }

    /// Lets the session of a caller hold from now on for its whole time; until then, if it has one.
    pub(crate) fn renew(&self, caller: &Caller) -> Option<Timestamp> {
        let (digest, _) = caller.session.as_ref()?;
        self.sessions.renew(self.clock.timestamp(), digest)
    }

    /// Makes a one-time link for somebody who has no other way in.
    ///
    /// # Errors
    ///
    /// [`links::LinkError`]: there is none.
    pub(crate) fn make_link(&self) -> Result<Secret, links::LinkError> {
        links::make(&self.dir, self.clock.timestamp(), Role::Admin)
    }

    /// Whether there is a password to sign in with.
    pub(crate) fn has_password(&self) -> bool {
        password::is_set(&self.dir)
    }

    /// Ends sessions whose time is over, all of them when the password changes, and the connections of
    /// tokens that are revoked. Goes on for ever.
    pub(crate) async fn tend(&self) {
        let mut password = self.dir.version(password::FILE);
        // Read once more: they may have changed since the start.
        let mut tokens = None;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            self.sessions.tend(self.clock.timestamp());
            let now = self.dir.version(password::FILE);
            if now != password {
                self.sessions.end_all();
                password = now;
            }
            let now = self.dir.version(tokens::FILE);
            if now != tokens {
                match self.read_tokens() {
                    Ok(()) => tokens = now,
                    Err(error) => tracing::error!(%error, "the tokens are what they were"),
                }
            }
        }
    }

    fn read_tokens(&self) -> Result<(), StateError> {
        let mut listed = tokens::list(&self.dir)?;
        let mut known = self.tokens();
        known.retain(|(token, seat)| {
            let holds = listed.contains(token);
            if !holds {
                seat.end();
            }
            holds
        });
        listed.retain(|token| known.iter().all(|(own, _)| own != token));
        known.extend(listed.into_iter().map(|token| {
            let seat = Seat::of_token(token.name.clone(), token.role);
            (token, seat)
        }));
        Ok(())
    }

    fn tokens(&self) -> MutexGuard<'_, Vec<(Token, Arc<Seat>)>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// API tokens within an open connection.
pub(crate) struct Tokens(pub(crate) Arc<Access>);

impl Authenticator for Tokens {
    fn authenticate(&self, token: String) -> BoxFuture<'static, Result<Identity, AuthError>> {
        let caller = self.0.by_token(&token);
        let identity = caller.map(|caller| caller.seat.identity()).ok_or(AuthError::Rejected);
        Box::pin(std::future::ready(identity))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use nself_realtime::clock::SystemClock;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn access() -> (tempfile::TempDir, Access) {
        let parent = tempfile::tempdir().unwrap();
        let dir = StateDir::open(parent.path().to_owned()).unwrap();
        let access = Access::new(dir, Arc::new(SystemClock), Lifetimes::default()).unwrap();
        (parent, access)
    }

    #[tokio::test]
    async fn the_password_opens_a_session_that_only_its_secret_names() {
        let (_parent, access) = access();
        let none = access.log_in(HERE, "correct horse".into()).await;
        assert!(matches!(none, Err(SignInError::NoPassword)));
        password::set(&access.dir, "correct horse").unwrap();
        let wrong = access.log_in(HERE, "correct horsf".into()).await;
        assert!(matches!(wrong, Err(SignInError::Wrong)));
        let (secret, caller) = access.log_in(HERE, "correct horse".into()).await.unwrap();
        assert_eq!((caller.seat.user().as_str(), caller.seat.role()), (USER, Role::Admin));
        assert!(access.by_cookie(Some(secret.reveal())).is_some());
        assert!(access.by_cookie(Some("another")).is_none() && access.by_cookie(None).is_none());
        access.log_out(&caller);
        assert!(access.by_cookie(Some(secret.reveal())).is_none());
    }

    #[tokio::test]
    async fn a_password_that_is_replaced_while_it_is_looked_at_signs_nobody_in() {
        let (_parent, access) = access();
        password::set(&access.dir, "correct horse").unwrap();
        let turns = Arc::clone(&access.hashing).acquire_many_owned(2).await.unwrap();
        let old = access.log_in(HERE, "correct horse".into());
        let replaced = async {
            // The one who signs in waits for a turn, and has seen which password there is.
            tokio::task::yield_now().await;
            let old = access.dir.read(password::FILE).unwrap().unwrap();
            // The same hash in another file: what was verified is right, and not what holds now.
            access.dir.replace(password::FILE, &old).unwrap();
            drop(turns);
        };
        let (signed_in, ()) = tokio::join!(old, replaced);
        assert!(matches!(signed_in, Err(SignInError::Wrong)));
        assert!(access.sessions.is_empty());
    }

    #[tokio::test]
    async fn beyond_a_number_of_sign_ins_the_next_one_is_told_to_wait() {
        let (_parent, access) = access();
        password::set(&access.dir, "correct horse").unwrap();
        let _turns = access.hashing.acquire_many(2).await.unwrap();
        let address = |last: usize| IpAddr::from([192, 0, 2, u8::try_from(last).unwrap()]);
        let waiting: Vec<_> = (0..SIGN_INS_AT_ONCE)
            .map(|last| {
                let mut waiting = Box::pin(access.log_in(address(last), "correct horse".into()));
                assert!((&mut waiting).now_or_never().is_none());
                waiting
            })
            .collect();
        let beyond = || access.log_in(address(100), "correct horse".into()).now_or_never();
        assert!(matches!(beyond(), Some(Err(SignInError::Wait(QUEUE_WAIT)))));
        drop(waiting);
        assert!(beyond().is_none(), "it waits for a turn");
    }

    #[tokio::test]
    async fn whoever_goes_away_while_a_password_is_hashed_frees_no_turn() {
        let (_parent, access) = access();
        // A pipe: whoever reads the hash from it waits until somebody has written it.
        let kept = access.dir.file(password::FILE);
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &kept, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        for _ in 0..4 {
            // Polled once: two have begun to hash, the others wait.
            assert!(access.log_in(HERE, "wrong".into()).now_or_never().is_none());
        }
        assert_eq!(access.hashing.available_permits(), 0);
        let pipe = std::fs::OpenOptions::new().read(true).write(true).open(&kept).unwrap();
        access.dir.replace(password::FILE, "").unwrap();
        drop(pipe);
        assert!(
            access.hashing.acquire_many(2).await.is_ok(),
            "they end, and give their turns back"
        );
    }

    #[test]
    fn a_link_signs_in_once_with_its_role() {
        let (_parent, access) = access();
        let link = links::make(&access.dir, access.clock.timestamp(), Role::Viewer).unwrap();
        let (_, caller) = access.follow_link(HERE, link.reveal()).unwrap();
        assert_eq!(caller.seat.role(), Role::Viewer);
        let again = access.follow_link(HERE, link.reveal());
        assert!(matches!(again, Err(SignInError::Wrong)));
    }

    #[test]
    fn guessing_is_slowed_down() {
        let (_parent, access) = access();
        for _ in 0..5 {
            assert!(matches!(access.follow_link(HERE, "guess"), Err(SignInError::Wrong)));
        }
        assert!(matches!(access.follow_link(HERE, "guess"), Err(SignInError::Wait(_))));
    }

    #[test]
    fn a_revoked_token_ends_what_it_has_open_and_others_stay() {
        let (_parent, access) = access();
        let make = |name: &str| {
            let (now, name) = (access.clock.timestamp(), Name::new(name).unwrap());
            tokens::create(&access.dir, now, name, Role::Operator).unwrap()
        };
        let (one, other) = (make("one"), make("other"));
        access.read_tokens().unwrap();
        let seat = access.by_token(one.reveal()).unwrap().seat;
        let kept = access.by_token(other.reveal()).unwrap().seat;
        tokens::revoke(&access.dir, &Name::new("one").unwrap()).unwrap();
        access.read_tokens().unwrap();
        assert!(access.by_token(one.reveal()).is_none());
        assert!(!seat.holds(access.clock.timestamp()) && kept.holds(access.clock.timestamp()));
        assert!(Arc::ptr_eq(&kept, &access.by_token(other.reveal()).unwrap().seat));
    }

    #[test]
    fn where_nobody_has_to_sign_in_everybody_is_admin() {
        let parent = tempfile::tempdir().unwrap();
        let dir = StateDir::open(parent.path().to_owned()).unwrap();
        let access = Access::open(dir, Arc::new(SystemClock));
        let caller = access.by_cookie(None).unwrap();
        assert_eq!((caller.seat.user().as_str(), caller.seat.role()), ("local", Role::Admin));
        assert!(matches!(access.follow_link(HERE, "x"), Err(SignInError::NotNeeded)));
    }
}
