//! The commands beside serving: short, and done when they return.

mod links;
mod set_password;
mod token;

use std::io;

use nself_realtime::Timestamp;
use nself_realtime::clock::{Clock as _, SystemClock};

use crate::cli::{State, Token};
use crate::settings;
use crate::state::links::LinkError;
use crate::state::password::SetPasswordError;
use crate::state::tokens::TokenError;
use crate::state::{StateDir, StateError};

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
    #[error("the password cannot be read: {0}")]
    Read(io::Error),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(
        "no server runs with the state folder {0}; start nself-admin first, or name its folder with --state-dir"
    )]
    NoServer(String),
    #[error(transparent)]
    Token(#[from] TokenError),
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

fn now() -> Timestamp {
    SystemClock.timestamp()
}
