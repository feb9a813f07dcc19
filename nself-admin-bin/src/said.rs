//! What the program says to people, as they read it.

use std::io;
use std::path::PathBuf;

use clap::CommandFactory as _;
use nself_realtime::event::{EngineState, EngineStatus};
use nself_realtime::{Name, RoomName};

use crate::cli::Cli;
use crate::commands::CommandError;
use crate::program::ProgramError;
use crate::screen::{Screen, SignIn};
use crate::settings::Project;
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
    let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
    let parent = tempfile::tempdir().unwrap();
    let dir = StateDir::open(parent.path().to_owned()).unwrap();
    let taken = ProgramError::Listen {
        option: "--listen",
        address: "127.0.0.1:3021".parse().unwrap(),
        other: "127.0.0.1:3022".parse().unwrap(),
        source: io::Error::from(io::ErrorKind::AddrInUse),
    };
    let no_password = ProgramError::NoPassword { listen: "0.0.0.0:3021".parse().unwrap(), dir };
    let no_server = CommandError::NoServer("/var/lib/nself-admin".to_owned());
    let address = "127.0.0.1:3021".parse().unwrap();
    let not_well = CommandError::NotWell { address, message: "Connection refused".to_owned() };
    let damaged = StateError::Damaged { path: path(), message: "no JSON".to_owned() };
    let all = [
        taken.to_string(),
        no_password.to_string().replace(&parent.path().display().to_string(), "DIR"),
        no_server.to_string(),
        not_well.to_string(),
        CommandError::Differ.to_string(),
        StateError::Nowhere.to_string(),
        StateError::Make { path: path(), source: denied() }.to_string(),
        StateError::Open { path: path() }.to_string(),
        StateError::Read { path: path(), source: denied() }.to_string(),
        StateError::Write { path: path(), source: denied() }.to_string(),
        damaged.to_string(),
    ];
    insta::assert_snapshot!("errors", all.join("\n"));
}
