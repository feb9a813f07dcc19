//! What the program says to people, as they read it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::CommandFactory as _;
use nself_realtime::event::{EngineState, EngineStatus};
use nself_realtime::{Name, RoomName};
use rustls::pki_types::pem;

use crate::access::SignInError;
use crate::cli::Cli;
use crate::commands::CommandError;
use crate::http::TlsError;
use crate::program::ProgramError;
use crate::screen::{Screen, SignIn};
use crate::settings::{FileError, Project, ProjectError};
use crate::state::password::SetPasswordError;
use crate::state::tokens::TokenError;
use crate::state::{StateDir, StateError};

#[test]
fn help() {
    let mut command = Cli::command().term_width(100);
    command.build();
    insta::assert_snapshot!("help", command.render_long_help());
    let mut helped = Vec::new();
    snapshot_commands(&mut command, "help", &mut helped);
    let token = ["help-token", "help-token-create", "help-token-list", "help-token-revoke"];
    assert!(token.iter().all(|name| helped.iter().any(|own| own == name)), "{helped:?}");
}

/// The help of each command of a command, and of theirs.
fn snapshot_commands(command: &mut clap::Command, name: &str, helped: &mut Vec<String>) {
    // That of `help` is clap's own.
    for command in command.get_subcommands_mut().filter(|command| command.get_name() != "help") {
        let name = format!("{name}-{}", command.get_name());
        insta::assert_snapshot!(name.clone(), command.render_long_help());
        snapshot_commands(command, &name, helped);
        helped.push(name);
    }
}

#[test]
fn routes() {
    insta::assert_snapshot!("routes", crate::http::table());
}

fn screen(status: EngineState, sign_in: SignIn) -> Screen {
    let version = (status == EngineState::Online).then(|| "27.5.1".to_owned());
    let message = (status == EngineState::Offline).then(|| "nothing listens there".to_owned());
    let engine = Name::new("docker").unwrap();
    Screen {
        engine: EngineStatus { engine, status, version, api_version: None, message },
        source: "unix:///var/run/docker.sock".to_owned(),
        project: Some(Project {
            folder: PathBuf::from("/srv/shop"),
            room: RoomName::new("shop").unwrap(),
            environment: None,
            allowed: Vec::new(),
        }),
        url: "http://127.0.0.1:3021".to_owned(),
        fingerprint: None,
        sign_in,
    }
}

#[test]
fn start() {
    let link = SignIn::Link("http://127.0.0.1:3021/sign-in#token=0123456789abcdef".to_owned());
    insta::assert_snapshot!("start", screen(EngineState::Online, link));
    let file = SignIn::LinkIn(PathBuf::from("/var/lib/nself-admin/login-link"));
    insta::assert_snapshot!("start-without-engine", screen(EngineState::Offline, file));
    let mut encrypted = screen(EngineState::Online, SignIn::Password);
    "https://admin.example".clone_into(&mut encrypted.url);
    encrypted.fingerprint = Some("AB:CD:EF".to_owned());
    encrypted.project = None;
    insta::assert_snapshot!("start-encrypted", encrypted);
    insta::assert_snapshot!("start-open", screen(EngineState::Connecting, SignIn::Open));
}

#[test]
fn errors() {
    let path = || PathBuf::from("/var/lib/nself-admin");
    let failed = io::Error::from;
    let denied = || failed(io::ErrorKind::PermissionDenied);
    let parent = tempfile::tempdir().unwrap();
    let dir = StateDir::open(parent.path().to_owned()).unwrap();
    let listen = |address: &str, kind| {
        let address = address.parse().unwrap();
        ProgramError::Listen { option: "--listen", address, source: failed(kind) }.to_string()
    };
    let no_password = ProgramError::NoPassword { listen: "0.0.0.0:3021".parse().unwrap(), dir };
    let address = "127.0.0.1:3021".parse().unwrap();
    let not_well = CommandError::NotWell { address, message: "Connection refused".to_owned() };
    let damaged = |message: &str| StateError::Damaged { path: path(), message: message.to_owned() };
    let ci = || Name::new("ci").unwrap();
    let pem = || pem::Error::NoItemsFound;
    let cert = || PathBuf::from("cert.pem");
    let all = [
        listen("127.0.0.1:3021", io::ErrorKind::AddrInUse),
        listen("127.0.0.1:65535", io::ErrorKind::AddrInUse),
        listen("0.0.0.0:443", io::ErrorKind::PermissionDenied),
        listen("192.0.2.1:3021", io::ErrorKind::AddrNotAvailable),
        no_password.to_string().replace(&parent.path().display().to_string(), "DIR"),
        StateError::Nowhere.to_string(),
        StateError::Make { path: path(), source: denied() }.to_string(),
        StateError::Open { path: path() }.to_string(),
        StateError::Read { path: path(), source: denied() }.to_string(),
        StateError::Write { path: path(), source: denied() }.to_string(),
        damaged("no JSON").to_string(),
        TlsError::Read { option: "--tls-cert", path: cert(), source: denied() }.to_string(),
        TlsError::Pem {
            option: "--tls-cert",
            path: cert(),
            expected: "a CERTIFICATE",
            source: pem(),
        }
        .to_string(),
        TlsError::Pair(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch))
            .to_string(),
        TlsError::Make(rcgen::Error::KeyGenerationUnavailable).to_string(),
        TlsError::Own { path: cert(), message: "no key".to_owned() }.to_string(),
        ProjectError::NoFile { path: path() }.to_string(),
        ProjectError::Read { path: path(), source: denied() }.to_string(),
        FileError::Read { path: path(), source: denied() }.to_string(),
        CommandError::NoServer("/var/lib/nself-admin".to_owned()).to_string(),
        not_well.to_string(),
        CommandError::Differ.to_string(),
        CommandError::Read(denied()).to_string(),
        SetPasswordError::Short.to_string(),
        SetPasswordError::Long.to_string(),
        TokenError::Taken(ci()).to_string(),
        TokenError::Unknown(ci()).to_string(),
        TokenError::TooMany.to_string(),
        crate::Error::Unwell.to_string(),
    ];
    insta::assert_snapshot!("errors", all.join("\n"));
}

#[test]
fn refused_sign_ins() {
    let all = [
        SignInError::Wrong.to_string(),
        SignInError::NoPassword.to_string(),
        SignInError::Wait(Duration::from_millis(1_200)).to_string(),
        SignInError::NotNeeded.to_string(),
    ];
    insta::assert_snapshot!("refused-sign-ins", all.join("\n"));
}
