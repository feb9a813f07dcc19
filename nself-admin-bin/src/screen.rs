//! What is printed at the start, on one screen.

use std::fmt;
use std::path::PathBuf;

use nself_realtime::event::{EngineState, EngineStatus};

use crate::settings::Project;

/// How somebody signs in.
#[derive(Debug)]
pub(crate) enum SignIn {
    /// Nobody has to.
    Open,
    /// With the password.
    Password,
    /// With this link, once.
    Link(String),
    /// With a link that stands in this file, which only its owner can read.
    LinkIn(PathBuf),
}

/// The screen.
#[derive(Debug)]
pub(crate) struct Screen {
    pub(crate) engine: EngineStatus,
    /// Where the engine is.
    pub(crate) source: String,
    pub(crate) project: Option<Project>,
    pub(crate) url: String,
    /// Of the certificate, if it is one that no browser knows.
    pub(crate) fingerprint: Option<String>,
    pub(crate) sign_in: SignIn,
}

impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "nself-admin {}", env!("CARGO_PKG_VERSION"))?;
        writeln!(f, "engine   {}", Engine(&self.engine, &self.source))?;
        match &self.project {
            Some(Project { room, folder, .. }) => {
                writeln!(f, "project  {room} in {}", folder.display())?;
            }
            None => writeln!(f, "project  none here; --project DIR names one")?,
        }
        writeln!(f, "page     {}", self.url)?;
        if let Some(fingerprint) = &self.fingerprint {
            writeln!(f, "         its certificate has the SHA-256 fingerprint")?;
            writeln!(f, "         {fingerprint}")?;
        }
        match &self.sign_in {
            SignIn::Open => writeln!(f, "sign in  nobody has to (--no-auth)"),
            SignIn::Password => {
                writeln!(f, "sign in  with the password, or a link of nself-admin login-link")
            }
            SignIn::Link(link) => {
                writeln!(f, "sign in  {link}")?;
                writeln!(
                    f,
                    "         once, within 15 minutes; nself-admin set-password for more than that"
                )
            }
            SignIn::LinkIn(path) => {
                writeln!(f, "sign in  with the link in {}", path.display())?;
                writeln!(
                    f,
                    "         once, within 15 minutes; nself-admin set-password for more than that"
                )
            }
        }
    }
}

struct Engine<'a>(&'a EngineStatus, &'a str);

impl fmt::Display for Engine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(engine, source) = self;
        match engine.status {
            EngineState::Online => {
                write!(
                    f,
                    "{} at {source}",
                    engine.version.as_deref().unwrap_or("of unknown version")
                )
            }
            EngineState::Connecting | EngineState::Offline => {
                let message = engine.message.as_deref().unwrap_or("it has not answered yet");
                write!(f, "{source} does not answer: {message} (asked again until it does)")
            }
        }
    }
}
