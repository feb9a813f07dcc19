//! `token`.

use nself_realtime::Name;

use super::{CommandError, audited, now};
use crate::access::Role;
use crate::state::StateDir;
use crate::state::tokens::{self, Token};

pub(super) fn create(dir: &StateDir, name: Name, role: Role) -> Result<(), CommandError> {
    let what = format!("token create {name} --role {role}");
    let secret = audited(dir, &what, || tokens::create(dir, now(), name, role))?;
    println!("{}", secret.reveal());
    eprintln!("It is shown only now. Send it as: Authorization: Bearer …");
    Ok(())
}

pub(super) fn list(dir: &StateDir) -> Result<(), CommandError> {
    for Token { name, role, created, .. } in tokens::list(dir)? {
        println!("{:<24} {:<9} {created}", name.as_str(), role.to_string());
    }
    Ok(())
}

pub(super) fn revoke(dir: &StateDir, name: &Name) -> Result<(), CommandError> {
    audited(dir, &format!("token revoke {name}"), || tokens::revoke(dir, name))?;
    println!("{name} is revoked.");
    Ok(())
}
