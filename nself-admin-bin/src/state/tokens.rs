//! API tokens: for programs, with a name and a role, until they are revoked.

use nself_realtime::{Name, Timestamp};
use serde::{Deserialize, Serialize};

use super::{StateDir, StateError};
use crate::access::{Digest, Role, Secret};

/// The file that holds their digests.
pub(crate) const FILE: &str = "tokens.json";

const MAX_TOKENS: usize = 1_000;

/// Stands before each, so that people and scanners know what it is.
const PREFIX: &str = "nself_";

/// What is kept of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) name: Name,
    pub(crate) role: Role,
    pub(crate) created: Timestamp,
    pub(crate) digest: Digest,
}

/// Why a token was not made or not revoked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("there is a token {0} already; revoke it first, or choose another name")]
    Taken(Name),
    #[error("there is no token {0}; see: nself-admin token list")]
    Unknown(Name),
    #[error("there are {MAX_TOKENS} tokens; revoke one first")]
    TooMany,
    #[error("the operating system has no random bits: {0}")]
    Random(#[from] getrandom::Error),
    #[error(transparent)]
    State(#[from] StateError),
}

/// All tokens.
///
/// # Errors
///
/// [`StateError`]: they cannot be read.
pub(crate) fn list(dir: &StateDir) -> Result<Vec<Token>, StateError> {
    dir.read_json(FILE)
}

/// Makes a token; it is shown once and never again.
///
/// # Errors
///
/// [`TokenError`]: there is none.
pub(crate) fn create(
    dir: &StateDir,
    now: Timestamp,
    name: Name,
    role: Role,
) -> Result<Secret, TokenError> {
    let secret = Secret::new()?.with_prefix(PREFIX);
    let _lock = dir.lock()?;
    let mut tokens = list(dir)?;
    if tokens.iter().any(|token| token.name == name) {
        return Err(TokenError::Taken(name));
    }
    if tokens.len() >= MAX_TOKENS {
        return Err(TokenError::TooMany);
    }
    tokens.push(Token { name, role, created: now, digest: secret.digest() });
    dir.replace_json(FILE, &tokens)?;
    Ok(secret)
}

/// Revokes a token. A running server ends its connections within a second.
///
/// # Errors
///
/// [`TokenError`]: it still holds, or there was none.
pub(crate) fn revoke(dir: &StateDir, name: &Name) -> Result<(), TokenError> {
    let _lock = dir.lock()?;
    let mut tokens = list(dir)?;
    let before = tokens.len();
    tokens.retain(|token| token.name != *name);
    if tokens.len() == before {
        return Err(TokenError::Unknown(name.clone()));
    }
    Ok(dir.replace_json(FILE, &tokens)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_a_name_of_its_own_until_it_is_revoked() {
        let parent = tempfile::tempdir().unwrap();
        let dir = StateDir::open(parent.path().to_owned()).unwrap();
        let now = "2026-01-31T12:00:00Z".parse().unwrap();
        let name = Name::new("ci").unwrap();
        let secret = create(&dir, now, name.clone(), Role::Operator).unwrap();
        assert!(secret.reveal().starts_with("nself_"));
        let kept = dir.read(FILE).unwrap().unwrap();
        assert!(!kept.contains(secret.reveal()), "{kept}");
        assert_eq!(list(&dir).unwrap()[0].digest, secret.digest());
        let again = create(&dir, now, name.clone(), Role::Viewer);
        assert!(matches!(again, Err(TokenError::Taken(_))));
        revoke(&dir, &name).unwrap();
        assert_eq!(list(&dir).unwrap(), []);
        assert!(matches!(revoke(&dir, &name), Err(TokenError::Unknown(_))));
    }
}
