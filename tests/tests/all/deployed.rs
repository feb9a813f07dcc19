//! The image and the unit of `deploy/`: built, run, and asked whether they are well.

use std::os::unix::fs::MetadataExt as _;
use std::process::Command;
use std::time::Duration;

use nself_tests::engine::Engine;
use nself_tests::missing::{Need, can_run};
use nself_tests::scratch::Scratch;
use nself_tests::{output, wait};

const TAG: &str = "nself-test/nself-admin";

/// Runs a program that has to do well, and gives what it printed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[tokio::test]
async fn the_image_runs_as_nobody_in_particular_and_is_well() {
    if !can_run(&[Need::Engine, Need::Registry]) {
        return;
    }
    let engine = Engine::start().await;
    let docker = |words: &[&str]| {
        let mut command = Command::new("docker");
        command.args(["--host", &engine.host()]).args(words);
        run(&mut command)
    };
    let program = output::profile_folder().join("nself-admin");
    let image = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/image");
    run(Command::new(image).arg(program).arg(TAG).env("DOCKER_HOST", engine.host()));

    docker(&["volume", "create", "state"]);
    let volume = "--volume=state:/var/lib/nself-admin";
    let set = format!(
        "printf 'correct horse\\n' | docker --host {} run --rm -i --network=none {volume} {TAG} set-password",
        engine.host()
    );
    let told = run(Command::new("bash").args(["-o", "pipefail", "-c", &set]));
    assert!(told.starts_with("The password is set"), "{told}");

    // Who is nobody in particular may use the engine's socket by its group.
    let socket = engine.host().trim_start_matches("unix://").to_owned();
    let group = std::fs::metadata(&socket).unwrap().gid().to_string();
    let mount = format!("--volume={socket}:/var/run/docker.sock");
    let id = docker(&[
        "run",
        "--detach",
        "--network=none",
        "--health-interval=1s",
        volume,
        &mount,
        "--group-add",
        &group,
        TAG,
    ]);
    assert_eq!(docker(&["inspect", "--format={{.Config.User}}", &id]), "65532:65532");
    let serves = ["at unix:///var/run/docker.sock\n", "sign in  with the password"];
    wait::until("the server to serve", Duration::from_secs(30), async || {
        let logs = docker(&["logs", &id]);
        if serves.iter().all(|line| logs.contains(line)) { Ok(()) } else { Err(logs) }
    })
    .await;
    wait::until("the engine to find it healthy", Duration::from_secs(30), async || {
        let health = docker(&["inspect", "--format={{.State.Health.Status}}", &id]);
        if health == "healthy" { Ok(()) } else { Err(health) }
    })
    .await;
    docker(&["stop", &id]);
    assert_eq!(docker(&["inspect", "--format={{.State.ExitCode}}", &id]), "0");
}

#[test]
fn the_unit_is_sound() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        println!("SKIPPED the_unit_is_sound: systemd-analyze is not installed");
        return;
    }
    let scratch = Scratch::new();
    let unit = scratch.path().join("nself-admin.service");
    let text = include_str!("../../../deploy/nself-admin.service");
    // The program is not where it would be installed.
    let program = "/usr/local/bin/nself-admin serve";
    assert!(text.contains(program));
    std::fs::write(&unit, text.replace(program, "/bin/true")).unwrap();
    let verified = Command::new("systemd-analyze").arg("verify").arg(&unit).output().unwrap();
    let told = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && !told.contains("nself-admin.service:"), "{told}");
}
