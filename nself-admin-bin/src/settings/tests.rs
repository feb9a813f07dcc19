use clap::Parser;

use super::*;
use crate::cli::Cli;

fn settings(arguments: &[&str]) -> Result<Settings, String> {
    let cli = Cli::try_parse_from(["nself-admin"].iter().chain(arguments));
    Settings::new(cli.unwrap().serve).map_err(|error| error.to_string())
}

#[test]
fn without_arguments_it_serves_on_port_3021_of_loopback_with_sign_in() {
    let settings = settings(&[]).unwrap();
    assert_eq!(settings.listen, "127.0.0.1:3021".parse().unwrap());
    assert_eq!(settings.engine, EngineChoice::Docker { address: None, labels: Vec::new() });
    assert!(settings.sign_in && !settings.read_only && settings.tls == Tls::Off);
}

#[test]
fn what_is_dangerous_or_contradictory_is_refused_with_the_mend() {
    let mut told = Vec::new();
    for (arguments, mend) in [
        (
            &["--no-auth", "--listen", "0.0.0.0:1", "--insecure-plain-http"][..],
            "leave --no-auth out",
        ),
        (&["--listen", "[::]:1"], "--tls-self-signed"),
        (&["--tls-cert", "a"], "add --tls-key"),
        (&["--tls-key", "a"], "add --tls-cert"),
        (&["--tls-self-signed", "--tls-cert", "a", "--tls-key", "b"], "leave one of them out"),
        (&["--demo", "--docker-host", "unix:///a"], "leave one of them out"),
        (&["--demo", "--filter", "label=a"], "leave --filter out"),
        (&["--session-lifetime", "13h"], "from 10s to 12h"),
        (&["--session-idle", "5s"], "from 10s to 12h"),
        (&["--metrics-listen", "0.0.0.0:1"], "loopback or private"),
        (&["--config", "/nowhere/nself.toml"], "/nowhere/nself.toml"),
    ] {
        let error = settings(arguments).unwrap_err();
        assert!(error.contains(mend), "{arguments:?}: {error}");
        told.push(error);
    }
    insta::assert_snapshot!(told.join("\n"));
    assert!(settings(&["--listen", "0.0.0.0:1", "--insecure-plain-http"]).is_ok());
    assert!(settings(&["--listen", "0.0.0.0:1", "--tls-self-signed"]).is_ok());
}

fn with_file(text: &str, arguments: &[&str]) -> Result<Settings, String> {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("nself-admin.toml");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap();
    settings(&[&["--config", path], arguments].concat())
        .map_err(|error| error.replace(path, "FILE"))
}

#[test]
fn the_file_says_what_the_command_line_does_not() {
    let text = r#"
        listen = "127.0.0.1:4000"
        demo = true
        session-idle = "5m"
        state-dir = "state"
        public-url = ["https://admin.example"]
        max-connections = 10
    "#;
    let file = with_file(text, &[]).unwrap();
    assert_eq!(file.listen.port(), 4000);
    assert_eq!(file.engine, EngineChoice::Demo);
    assert_eq!(file.lifetimes.idle, Duration::from_mins(5));
    assert_eq!(file.limits.connections, 10);
    assert_eq!(file.public_urls, [Site::parse("https://admin.example").unwrap()]);
    assert!(file.state_dir().unwrap().is_absolute(), "from where the file is");
    let given = with_file(text, &["--listen", "127.0.0.1:5000", "--docker-host", "unix:///a"]);
    let given = given.unwrap();
    assert_eq!(given.listen.port(), 5000);
    assert_eq!(
        given.engine,
        EngineChoice::Docker { address: Some("unix:///a".to_owned()), labels: Vec::new() }
    );
}

#[test]
fn what_is_wrong_in_the_file_is_shown_with_its_line() {
    for (text, told) in [
        ("demo = true\nlisten = \"nowhere\"", "line 2"),
        ("demo = true\nlisten = \"nowhere\"", "such as 127.0.0.1:3021"),
        ("lisen = \"127.0.0.1:1\"", "unknown field `lisen`"),
        ("max-connections = 0", "nonzero"),
        ("demo", "line 1"),
    ] {
        let error = with_file(text, &[]).unwrap_err();
        assert!(error.starts_with("--config FILE:\n") && error.contains(told), "{error}");
    }
}
