//! Wrong usage ends with status 2 and a message that names the value and the mend; being asked to end is fine.

use std::net::TcpListener;
use std::time::Duration;

use nself_tests::process::Process;
use nself_tests::scratch::Scratch;
use nself_tests::server::{self, Server};
use nself_tests::visitor::Visitor;
use nself_tests::wait;

/// Runs the program, which must end by itself, and gives its exit code and what it printed.
async fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let mut process = Process::start("nself-admin", server::command().args(arguments));
    let status = process.ended().await;
    (status.code(), process.printed())
}

#[tokio::test]
async fn a_taken_port_is_named_with_the_mend() {
    let scratch = Scratch::new();
    let state = scratch.path().join("state");
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let (code, printed) =
        run(&["--demo", "--state-dir", state.to_str().unwrap(), "--listen", &address]).await;
    assert_eq!(code, Some(2), "{printed}");
    assert!(printed.contains(&address), "{printed}");
    assert!(printed.contains("--listen"), "{printed}");
}

#[tokio::test]
async fn an_unknown_flag_and_bad_values_are_wrong_usage() {
    for (arguments, named) in [
        (&["--no-such-flag"][..], "--no-such-flag"),
        (&["--listen", "nonsense"], "nonsense"),
        (&["--listen", "127.0.0.1:99999"], "127.0.0.1:99999"),
        (&["--docker-host", "gopher://engine"], "gopher://engine"),
    ] {
        let scratch = Scratch::new();
        let state = scratch.path().join("state");
        let state = ["--state-dir", state.to_str().unwrap()];
        let (code, printed) = run(&[arguments, &state].concat()).await;
        assert_eq!(code, Some(2), "{arguments:?}: {printed}");
        assert!(printed.contains(named), "{arguments:?}: {printed}");
    }
}

#[tokio::test]
async fn an_engine_over_ssh_is_refused_with_the_mend() {
    let scratch = Scratch::new();
    let state = scratch.path().join("state");
    let state = ["--state-dir", state.to_str().unwrap()];
    let (code, printed) = run(&[&["--docker-host", "ssh://host"][..], &state].concat()).await;
    assert_eq!(code, Some(2), "{printed}");
    assert!(printed.contains("forward"), "{printed}");
}

#[tokio::test]
async fn listening_beyond_loopback_needs_a_password_and_tls() {
    let scratch = Scratch::new();
    let state = scratch.path().join("state");
    let state = state.to_str().unwrap();
    for (arguments, mend) in [
        (&["--demo", "--listen", "0.0.0.0:0"][..], "--tls-self-signed"),
        (&["--demo", "--listen", "[::]:0"], "--tls-self-signed"),
        (&["--demo", "--no-auth", "--listen", "0.0.0.0:0"], "leave --no-auth out"),
        (&["--demo", "--insecure-plain-http", "--listen", "0.0.0.0:0"], "nself-admin set-password"),
    ] {
        let (code, printed) = run(&[arguments, &["--state-dir", state]].concat()).await;
        assert_eq!(code, Some(2), "{arguments:?}: {printed}");
        assert!(printed.contains(mend), "{arguments:?}: {printed}");
    }
}

#[tokio::test]
async fn a_server_that_is_asked_to_end_ends_well() {
    let mut server = Server::start(&["--demo"]).await;
    let status = server.terminate().await;
    assert_eq!(status.code(), Some(0), "{}", server.printed());
}

#[tokio::test]
async fn a_server_that_ends_is_not_ready_and_tells_every_client_when_to_come_back() {
    let mut server = Server::start(&["--demo"]).await;
    let local = Visitor::nobody(&server);
    let mut socket = local.socket().await;
    socket.next("welcome").await;
    let told = async {
        // It waits for the one that has not taken its leave.
        let readiness = wait::until("not to be ready", Duration::from_secs(20), async || {
            let answer = local.get("/readyz").await;
            if answer.status == 503 { Ok(answer.body) } else { Err(answer.body) }
        });
        assert_eq!(readiness.await, r#"{"engine":"online","broker":"memory","draining":true}"#);
        socket.next("closing").await
    };
    let (status, closing) = tokio::join!(server.terminate(), told);
    assert_eq!(status.code(), Some(0), "{}", server.printed());
    assert!(closing["data"]["retryAfterMs"].is_number(), "{closing}");
}

/// Runs the program with a state folder of its own and these variables.
async fn run_with(variables: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String) {
    let scratch = Scratch::new();
    let mut command = server::command();
    command.env("NSELF_STATE_DIR", scratch.path().join("state"));
    command.envs(variables.iter().copied()).args(arguments);
    let mut process = Process::start("nself-admin", &mut command);
    let status = process.ended().await;
    (status.code(), process.printed())
}

#[tokio::test]
async fn variables_stand_for_options_and_do_not_get_in_the_way_of_commands() {
    let variables = [("NSELF_DEMO", "true"), ("NSELF_LISTEN", "127.0.0.1:0")];
    let (code, printed) = run_with(&variables, &["token", "list"]).await;
    assert_eq!((code, &*printed), (Some(0), ""));
    let (code, printed) = run_with(&variables, &["doctor"]).await;
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("ok    engine   the demo's"), "{printed}");
    let (code, printed) = run_with(&[("NSELF_LISTEN", "nonsense")], &["doctor"]).await;
    assert_eq!(code, Some(2), "{printed}");
    assert!(printed.contains("nonsense"), "{printed}");
}

#[tokio::test]
async fn an_option_wins_over_a_variable_which_wins_over_the_file() {
    let scratch = Scratch::new();
    let file = scratch.path().join("nself-admin.toml");
    std::fs::write(&file, "no-auth = true\ndemo = true\nlisten = \"127.0.0.1:0\"\n").unwrap();
    let doctor = ["doctor", "--config", file.to_str().unwrap()];
    let nowhere = "unix:///nowhere/engine.sock";
    let (open, link) = ("nobody has to", "with the link of each start");
    for (variables, options, expected) in [
        (&[][..], &[][..], ["the demo's", open]),
        (&[("NSELF_NO_AUTH", "false")], &[], ["the demo's", link]),
        (&[("NSELF_NO_AUTH", "false")], &["--no-auth"], ["the demo's", open]),
        (&[], &["--no-auth=false"], ["the demo's", link]),
        (&[("NSELF_DOCKER_HOST", nowhere)], &[], [nowhere, open]),
        (&[("NSELF_DOCKER_HOST", nowhere)], &["--demo"], ["the demo's", open]),
        (&[("NSELF_DEMO", "true")], &["--docker-host", nowhere], [nowhere, open]),
    ] {
        let (_, printed) = run_with(variables, &[&doctor, options].concat()).await;
        for text in expected {
            assert!(printed.contains(text), "{variables:?} {options:?}: {text} in\n{printed}");
        }
    }
    let tls = [("NSELF_TLS_SELF_SIGNED", "true")];
    let (_, printed) =
        run_with(&tls, &["doctor", "--tls-cert", "a.pem", "--tls-key", "b.pem"]).await;
    assert!(printed.contains("--tls-cert a.pem"), "{printed}");
}

#[tokio::test]
async fn the_doctor_names_what_is_missing_with_the_mend() {
    let arguments =
        ["doctor", "--docker-host", "unix:///nowhere/engine.sock", "--listen", "127.0.0.1:0"];
    let (code, printed) = run_with(&[], &arguments).await;
    assert_eq!(code, Some(1), "{printed}");
    assert!(printed.contains("FAIL  engine"), "{printed}");
    assert!(printed.contains("/nowhere/engine.sock"), "{printed}");
    assert!(printed.contains("ok    sign in  with the link of each start"), "{printed}");
}

#[tokio::test]
async fn commands_that_are_wrong_say_so() {
    for arguments in [
        &["set-password", "--state-dir"][..],
        &["token", "create"],
        &["token", "create", "ci", "--role", "root"],
        &["login-link", "--role", "root"],
    ] {
        let (code, printed) = run_with(&[], arguments).await;
        assert_eq!(code, Some(2), "{arguments:?}: {printed}");
    }
    let (code, printed) = run_with(&[], &["login-link"]).await;
    assert_eq!(code, Some(1), "{printed}");
    assert!(printed.contains("start nself-admin first"), "{printed}");
}
