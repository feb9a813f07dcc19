//! The password: Argon2id, 19 MiB, two passes.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

use super::{StateDir, StateError};

/// The file that holds its hash.
pub(crate) const FILE: &str = "password";

const SHORTEST: usize = 8;
const LONGEST: usize = 1_024;

/// Why a password was not set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetPasswordError {
    #[error("the password is too short: it needs at least {SHORTEST} characters")]
    Short,
    #[error("the password is too long: it may have {LONGEST} bytes")]
    Long,
    #[error("the password cannot be hashed: {0}")]
    Hash(argon2::password_hash::Error),
    #[error(transparent)]
    State(#[from] StateError),
}

/// Sets the password. A running server ends every session within a second.
///
/// # Errors
///
/// [`SetPasswordError`]: the one before holds.
pub(crate) fn set(dir: &StateDir, password: &str) -> Result<(), SetPasswordError> {
    if password.chars().count() < SHORTEST {
        return Err(SetPasswordError::Short);
    }
    if password.len() > LONGEST {
        return Err(SetPasswordError::Long);
    }
    let hash = Argon2::default().hash_password(password.as_bytes());
    let hash = hash.map_err(SetPasswordError::Hash)?.to_string();
    let _lock = dir.lock()?;
    Ok(dir.replace(FILE, &(hash + "\n"))?)
}

/// Whether there is one.
pub(crate) fn is_set(dir: &StateDir) -> bool {
    dir.version(FILE).is_some()
}

/// Whether that is the password. Takes tens of milliseconds and 19 MiB.
///
/// # Errors
///
/// [`StateError`]: what is kept cannot be read.
pub(crate) fn verify(dir: &StateDir, password: &str) -> Result<bool, StateError> {
    let Some(kept) = dir.read(FILE)? else { return Ok(false) };
    let hash = PasswordHash::new(kept.trim()).map_err(|error| StateError::Damaged {
        path: dir.file(FILE),
        message: error.to_string(),
    })?;
    // What is too long was never set, and is not worth the work.
    let plausible = password.len() <= LONGEST;
    Ok(plausible && Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_that_was_set_last_is_right() {
        let parent = tempfile::tempdir().unwrap();
        let dir = StateDir::open(parent.path().to_owned()).unwrap();
        assert!(!is_set(&dir) && !verify(&dir, "").unwrap());
        set(&dir, "correct horse").unwrap();
        assert!(is_set(&dir) && verify(&dir, "correct horse").unwrap());
        assert!(!verify(&dir, "correct horsf").unwrap());
        set(&dir, "battery staple").unwrap();
        assert!(!verify(&dir, "correct horse").unwrap());
        let kept = dir.read(FILE).unwrap().unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
    }

    #[test]
    fn passwords_that_are_too_short_or_too_long_are_refused() {
        let parent = tempfile::tempdir().unwrap();
        let dir = StateDir::open(parent.path().to_owned()).unwrap();
        assert!(matches!(set(&dir, "1234567"), Err(SetPasswordError::Short)));
        assert!(matches!(set(&dir, &"x".repeat(1_025)), Err(SetPasswordError::Long)));
        assert!(!is_set(&dir));
    }
}
