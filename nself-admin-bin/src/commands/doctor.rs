//! `doctor`: one line for each thing that serving needs, with the mend.

use std::fmt::Display;
use std::net::TcpListener;
use std::time::Duration;

use nself_docker::compose::LoadError;
use nself_docker::{DockerEngine, Engine as _};

use crate::http::Certificate;
use crate::settings::{EngineChoice, Settings, Tls};
use crate::state::running::Running;
use crate::state::{StateDir, password};

/// An engine that is well answers sooner.
const ENGINE_WITHIN: Duration = Duration::from_secs(5);

/// Looks at everything, and says whether all is well.
pub(crate) async fn doctor(settings: &Settings) -> bool {
    let state = settings.state_dir().and_then(StateDir::open);
    let mut well = told("engine", &engine(&settings.engine).await);
    well &= told("state", &state.as_ref().map(|dir| dir.path().display().to_string()));
    well &= told("address", &address(settings, state.as_ref().ok()));
    if let Ok(dir) = &state {
        well &= told("tls", &tls(settings, dir));
        well &= told("sign in", &sign_in(settings, dir));
    }
    well & told("project", &project(settings))
}

fn project(settings: &Settings) -> Result<String, LoadError> {
    let Some(project) = &settings.project else {
        return Ok("none here; --project DIR names one".to_owned());
    };
    project.check()?;
    Ok(format!("{} in {}", project.room, project.folder.display()))
}

fn told<T: Display, E: Display>(what: &str, found: &Result<T, E>) -> bool {
    match found {
        Ok(fine) => println!("ok    {what:<8} {fine}"),
        Err(wrong) => println!("FAIL  {what:<8} {wrong}"),
    }
    found.is_ok()
}

async fn engine(choice: &EngineChoice) -> Result<String, String> {
    let EngineChoice::Docker { address, .. } = choice else { return Ok("the demo's".to_owned()) };
    let engine = DockerEngine::new(address.as_deref()).map_err(|error| error.to_string())?;
    let asked = tokio::time::timeout(ENGINE_WITHIN, engine.version()).await;
    let place = engine.address();
    let version = asked.map_err(|_| format!("{place} does not answer: is it overloaded?"))?;
    let version = version.map_err(|error| format!("{place}: {error}"))?;
    Ok(format!("{} at {place}", version.engine.as_deref().unwrap_or("of unknown version")))
}

fn address(settings: &Settings, state: Option<&StateDir>) -> Result<String, String> {
    let listen = settings.listen;
    match TcpListener::bind(listen) {
        Ok(_) => Ok(format!("{listen} is free")),
        Err(error) => {
            let running = state.and_then(|dir| Running::find(dir).ok().flatten());
            if running.is_some_and(|running| running.address == listen) {
                return Ok(format!("{listen} is served by nself-admin"));
            }
            Err(format!("{listen}: {error}; choose another port with --listen"))
        }
    }
}

fn tls(settings: &Settings, dir: &StateDir) -> Result<String, String> {
    let certificate = match &settings.tls {
        Tls::Off => return Ok("off".to_owned()),
        Tls::Files { cert, key } => Certificate::from_files(cert, key),
        Tls::SelfSigned => Certificate::own(dir, settings.names()),
    };
    certificate.map(|certificate| certificate.fingerprint()).map_err(|error| error.to_string())
}

fn sign_in(settings: &Settings, dir: &StateDir) -> Result<&'static str, &'static str> {
    match (settings.sign_in, password::is_set(dir), settings.is_public()) {
        (false, ..) => Ok("nobody has to (--no-auth)"),
        (true, true, _) => Ok("with the password"),
        (true, false, false) => {
            Ok("with the link of each start; nself-admin set-password for more")
        }
        (true, false, true) => Err(
            "there is no password, and the address can be reached from elsewhere; run nself-admin set-password",
        ),
    }
}
