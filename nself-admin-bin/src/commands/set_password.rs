//! `set-password`.

use std::io::{self, BufRead as _, IsTerminal as _};

use super::{CommandError, audited, open};
use crate::cli::State;
use crate::state::{links, password};

/// Sets the password, typed twice at a terminal, or read from the first line of standard input.
///
/// # Errors
///
/// [`CommandError`]: the one before holds.
pub(crate) fn set_password(state: &State) -> Result<(), CommandError> {
    let dir = open(state)?;
    let password = ask()?;
    audited(&dir, "set-password", || {
        password::set(&dir, &password)?;
        // A link is a way in as the old password was.
        Ok::<_, CommandError>(links::revoke_all(&dir)?)
    })?;
    println!("The password is set; whoever was signed in has to sign in again.");
    Ok(())
}

fn ask() -> Result<String, CommandError> {
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(CommandError::Read)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let hidden = |prompt| rpassword::prompt_password(prompt).map_err(CommandError::Read);
    let password = hidden("New password: ")?;
    if hidden("Again: ")? != password {
        return Err(CommandError::Differ);
    }
    Ok(password)
}
