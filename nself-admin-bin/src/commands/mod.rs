//! The commands beside serving: short, and done when they return.

mod doctor;
mod healthcheck;
mod links;
mod set_password;
mod token;

use std::io;
use std::net::SocketAddr;

use nself_realtime::Timestamp;
use nself_realtime::clock::{Clock as _, SystemClock};

use crate::cli::{State, Token};
use crate::settings;
use crate::state::audit::{Asker, Audit};
use crate::state::links::LinkError;
use crate::state::password::SetPasswordError;
use crate::state::tokens::TokenError;
use crate::state::{StateDir, StateError};

pub(crate) use self::doctor::doctor;
pub(crate) use self::healthcheck::healthcheck;
pub(crate) use self::links::{address as link_address, login_link};
pub(crate) use self::set_password::set_password;

/// Why a command did not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Password(#[from] SetPasswordError),
    #[error("the two passwords differ; try again")]
    Differ,
    #[error(
        "the password cannot be read: {0}; type it at a terminal, or give it as the first line of standard input"
    )]
    Read(io::Error),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(
        "no server runs with the state folder {0}; start nself-admin first, or name its folder with --state-dir"
    )]
    NoServer(String),
    #[error(
        "the server at {address} is not well: {message}; its log says why, and starting it again may mend it"
    )]
    NotWell { address: SocketAddr, message: String },
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl CommandError {
    /// What failed while it ran is told from what was asked for wrongly.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::NoServer(_)
            | Self::NotWell { .. }
            | Self::Read(_)
            | Self::Link(LinkError::Random(_))
            | Self::Token(TokenError::Random(_)) => 1,
            Self::State(_) | Self::Password(_) | Self::Differ | Self::Link(_) | Self::Token(_) => 2,
        }
    }
}

/// Makes, lists or revokes tokens.
///
/// # Errors
///
/// [`CommandError`]: nothing was changed.
pub(crate) fn tokens(action: Token) -> Result<(), CommandError> {
    match action {
        Token::Create { name, role, state } => token::create(&open(&state)?, name, role),
        Token::List(state) => token::list(&open(&state)?),
        Token::Revoke { name, state } => token::revoke(&open(&state)?, &name),
    }
}

fn open(state: &State) -> Result<StateDir, StateError> {
    StateDir::open(settings::state_dir(state)?)
}

/// Writes down what somebody at the terminal is about to do, does it, and writes down that it is done.
fn audited<T, E>(dir: &StateDir, what: &str, act: impl FnOnce() -> Result<T, E>) -> Result<T, E>
where
    E: From<StateError>,
{
    let audit = Audit::open(dir)?;
    let terminal = Asker { user: None, role: None, from: None };
    let intent = audit.intend(now(), terminal, what)?;
    let outcome = act();
    audit.conclude(now(), intent, if outcome.is_ok() { "done" } else { "failed" })?;
    outcome
}

fn now() -> Timestamp {
    SystemClock.timestamp()
}
