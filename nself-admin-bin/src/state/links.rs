//! One-time links: whoever opens one first is signed in.

use std::time::Duration;

use nself_realtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::{StateDir, StateError};
use crate::access::{Digest, Role, Secret, later};

/// How long a link can be used.
pub(crate) const VALID: Duration = Duration::from_mins(15);

const FILE: &str = "links.json";

/// How many can wait to be used: the oldest gives way.
const MAX_LINKS: usize = 16;

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("the operating system has no random bits: {0}")]
    Random(#[from] getrandom::Error),
    #[error(transparent)]
    State(#[from] StateError),
}

#[derive(Debug, Serialize, Deserialize)]
struct Link {
    digest: Digest,
    until: Timestamp,
    role: Role,
}

/// Makes a link: what stands in it, once.
///
/// # Errors
///
/// [`LinkError`]: there is none.
pub(crate) fn make(dir: &StateDir, now: Timestamp, role: Role) -> Result<Secret, LinkError> {
    let secret = Secret::short()?;
    let _lock = dir.lock()?;
    let mut links = valid(dir, now)?;
    links.drain(..(links.len() + 1).saturating_sub(MAX_LINKS));
    links.push(Link { digest: secret.digest(), until: later(now, VALID), role });
    dir.replace_json(FILE, &links)?;
    Ok(secret)
}

/// Uses a link up: the role that it gives, `None` if there is no such link any more.
///
/// # Errors
///
/// [`StateError`]: the links cannot be read or written; then none is used up.
pub(crate) fn redeem(
    dir: &StateDir,
    now: Timestamp,
    token: &str,
) -> Result<Option<Role>, StateError> {
    let digest = Digest::of(token);
    let _lock = dir.lock()?;
    let mut links = valid(dir, now)?;
    let Some(at) = links.iter().position(|link| link.digest == digest) else { return Ok(None) };
    let link = links.remove(at);
    dir.replace_json(FILE, &links)?;
    Ok(Some(link.role))
}

/// Revokes all links.
///
/// # Errors
///
/// [`StateError`]: they are what they were.
pub(crate) fn revoke_all(dir: &StateDir) -> Result<(), StateError> {
    let _lock = dir.lock()?;
    dir.remove(FILE)
}

fn valid(dir: &StateDir, now: Timestamp) -> Result<Vec<Link>, StateError> {
    let mut links: Vec<Link> = dir.read_json(FILE)?;
    links.retain(|link| now < link.until);
    Ok(links)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_good_once_and_for_a_quarter_of_an_hour() {
        let parent = tempfile::tempdir().unwrap();
        let dir = StateDir::open(parent.path().to_owned()).unwrap();
        let now = "2026-01-31T12:00:00Z".parse().unwrap();
        let link = make(&dir, now, Role::Viewer).unwrap();
        assert_eq!(redeem(&dir, now, "another").unwrap(), None);
        assert_eq!(redeem(&dir, now, link.reveal()).unwrap(), Some(Role::Viewer));
        assert_eq!(redeem(&dir, now, link.reveal()).unwrap(), None);
        let late = make(&dir, now, Role::Admin).unwrap();
        assert_eq!(redeem(&dir, later(now, VALID), late.reveal()).unwrap(), None);
        let kept = dir.read(FILE).unwrap().unwrap();
        assert!(!kept.contains(link.reveal()) && !kept.contains(late.reveal()), "{kept}");
    }

    #[test]
    fn links_that_are_revoked_are_good_no_more() {
        let parent = tempfile::tempdir().unwrap();
        let dir = StateDir::open(parent.path().to_owned()).unwrap();
        let now = "2026-01-31T12:00:00Z".parse().unwrap();
        let link = make(&dir, now, Role::Admin).unwrap();
        revoke_all(&dir).unwrap();
        assert_eq!(redeem(&dir, now, link.reveal()).unwrap(), None);
    }

    #[test]
    fn the_oldest_link_gives_way() {
        let parent = tempfile::tempdir().unwrap();
        let dir = StateDir::open(parent.path().to_owned()).unwrap();
        let now = "2026-01-31T12:00:00Z".parse().unwrap();
        let first = make(&dir, now, Role::Admin).unwrap();
        let others: Vec<_> =
            (0..MAX_LINKS).map(|_| make(&dir, now, Role::Admin).unwrap()).collect();
        assert_eq!(redeem(&dir, now, first.reveal()).unwrap(), None);
        assert_eq!(redeem(&dir, now, others[0].reveal()).unwrap(), Some(Role::Admin));
    }
}
