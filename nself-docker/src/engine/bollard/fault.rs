//! Tells bollard's errors apart by kind: the texts change from version to version, the kinds of the
//! operating system do not.

use std::error::Error as StdError;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::Duration;

use ::bollard::errors::Error;

use crate::engine::EngineError;
use crate::engine::endpoint::Endpoint;

/// Says what an error of bollard means.
pub(super) fn classify(error: &Error, endpoint: &Endpoint) -> EngineError {
    match error {
        Error::DockerResponseServerError { status_code, message } => {
            EngineError::Api { status: *status_code, message: message.trim().to_owned() }
        }
        Error::SocketNotFoundError(_) => {
            EngineError::SocketMissing { address: endpoint.to_string() }
        }
        Error::RequestTimeoutError => {
            EngineError::Timeout { after: Duration::from_secs(super::ANSWER_WITHIN.as_secs()) }
        }
        Error::JsonDataError { message, .. } => {
            EngineError::Unreadable { message: message.clone() }
        }
        Error::JsonSerdeError { err } => EngineError::Unreadable { message: err.to_string() },
        Error::DockerStreamError { error } => {
            EngineError::Api { status: 500, message: error.clone() }
        }
        other => from_io(other, endpoint),
    }
}

fn from_io(error: &Error, endpoint: &Endpoint) -> EngineError {
    // These stand for what they hold, and name no source but that one's.
    let error: &(dyn StdError + 'static) = match error {
        Error::IOError { err } => err,
        Error::HyperResponseError { err } => err,
        other => other,
    };
    from_source(error, endpoint)
}

/// Says what an error means by the operating system's that it came from.
pub(super) fn from_source(error: &(dyn StdError + 'static), endpoint: &Endpoint) -> EngineError {
    let address = || endpoint.to_string();
    match io_kind(error) {
        Some(ErrorKind::NotFound) => EngineError::SocketMissing { address: address() },
        Some(ErrorKind::PermissionDenied) => {
            EngineError::PermissionDenied { address: address(), mend: permission_mend(endpoint) }
        }
        Some(ErrorKind::ConnectionRefused) => EngineError::Refused { address: address() },
        _ => EngineError::Broken { message: innermost(error) },
    }
}

/// The kind of the operating system's error that `error` came from.
fn io_kind(error: &(dyn StdError + 'static)) -> Option<ErrorKind> {
    sources(error)
        .find_map(|source| source.downcast_ref::<std::io::Error>())
        .map(std::io::Error::kind)
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    sources(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

fn sources<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// Says which group owns the socket and how to become a member.
fn permission_mend(endpoint: &Endpoint) -> String {
    let gid = match endpoint {
        Endpoint::Sockets(paths) => paths.iter().find_map(group_of),
        Endpoint::Http(_) => None,
    };
    let Some(gid) = gid else {
        return "ask its owner for access".to_owned();
    };
    let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
    mend_for_group(&group_name(&groups, gid).unwrap_or_else(|| gid.to_string()))
}

fn mend_for_group(group: &str) -> String {
    if group == "root" {
        return "it belongs to the group root; start the engine with `--group docker`".to_owned();
    }
    format!(
        "it belongs to the group {group}; join it (`sudo usermod -aG {group} \"$USER\"`) and sign in \
         again"
    )
}

fn group_of(path: &PathBuf) -> Option<u32> {
    std::fs::metadata(path).ok().map(|metadata| metadata.gid())
}

fn group_name(groups: &str, gid: u32) -> Option<String> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let number: u32 = fields.nth(1)?.parse().ok()?;
        (number == gid).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint::Sockets(vec!["/nowhere/engine.sock".into()])
    }

    #[test]
    fn errors_of_the_operating_system_are_told_by_kind() {
        let classified = |kind: ErrorKind| {
            classify(&Error::from(std::io::Error::new(kind, "text")), &endpoint())
        };
        let address = "unix:///nowhere/engine.sock".to_owned();
        assert_eq!(
            classified(ErrorKind::NotFound),
            EngineError::SocketMissing { address: address.clone() }
        );
        let denied = classified(ErrorKind::PermissionDenied).to_string();
        assert!(denied.starts_with("no permission for unix:///nowhere/engine.sock: "), "{denied}");
        assert_eq!(classified(ErrorKind::ConnectionRefused), EngineError::Refused { address });
        assert_eq!(
            classified(ErrorKind::ConnectionReset),
            EngineError::Broken { message: "text".into() }
        );
    }

    #[test]
    fn no_permission_names_the_group() {
        let groups = "root:x:0:\ndocker:x:998:me,you\n";
        assert_eq!(group_name(groups, 998).as_deref(), Some("docker"));
        assert_eq!(group_name(groups, 5), None);
        assert!(mend_for_group("docker").contains("usermod -aG docker"));
        assert!(!mend_for_group("root").contains("usermod"), "nobody should join root");
    }

    #[test]
    fn a_refusal_of_the_engine_keeps_its_status() {
        let refusal =
            Error::DockerResponseServerError { status_code: 409, message: "busy\n".into() };
        let error = classify(&refusal, &endpoint());
        assert_eq!(error, EngineError::Api { status: 409, message: "busy".into() });
        assert!(!error.is_offline());
    }
}
