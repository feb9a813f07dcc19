//! `login-link`.

use super::{CommandError, audited, now, open};
use crate::access::{Role, Secret};
use crate::cli::State;
use crate::state::links;
use crate::state::running::Running;

/// Prints a link to the running server that signs in whoever opens it first.
///
/// # Errors
///
/// [`CommandError`]: there is no link.
pub(crate) fn login_link(state: &State, role: Role) -> Result<(), CommandError> {
    let dir = open(state)?;
    let running = Running::find(&dir)?;
    let running =
        running.ok_or_else(|| CommandError::NoServer(dir.path().display().to_string()))?;
    let secret =
        audited(&dir, &format!("login-link --role {role}"), || links::make(&dir, now(), role))?;
    println!("{}", address(&running.url, &secret));
    Ok(())
}

/// The address of a link. What stands behind `#` is not sent and not logged; the page takes it from there.
pub(crate) fn address(url: &str, secret: &Secret) -> String {
    format!("{url}/sign-in#token={}", secret.reveal())
}
