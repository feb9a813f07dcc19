//! The Rust client of the whole program, which is killed for good in the middle of its work.

use std::time::Duration;

use futures::StreamExt;
use nself_realtime::RoomName;
use nself_realtime::client::{Client, ConnectionState, Latest, LogEntry, Logs};
use nself_realtime::event::ServiceStatus;
use nself_tests::container::Recipe;
use nself_tests::engine::Engine;
use nself_tests::missing::{Need, can_run};
use nself_tests::realtime::name;
use nself_tests::server::Server;
use nself_tests::wait;
use tokio::time::timeout;

use crate::client::hasty;

const DEADLINE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn the_program_killed_and_started_again_is_found_and_its_services_are_held() {
    let mut server = Server::start(&["--demo"]).await;
    let url = format!("ws://127.0.0.1:{}/api/ws", server.port());
    let client = Client::builder(&url).config(hasty()).connect().unwrap();
    let room = RoomName::new("demo").unwrap();
    let mut services = client.service_status(&room);
    let first = timeout(DEADLINE, services.wait_for(|view| view.len() > 2)).await;
    let first = first.expect("services are told").unwrap();
    let service = first.iter().next().unwrap().0.clone();
    let mut lines = client.logs(&room, &service);
    let mut seen = std::collections::BTreeSet::new();
    let mut note = |entry: LogEntry| {
        if let LogEntry::Line(line) = entry {
            let identity = (line.container_id, line.source, line.time, line.n);
            assert!(seen.insert(identity), "a line came twice");
        }
    };
    for _ in 0..5 {
        note(timeout(DEADLINE, lines.next()).await.expect("lines come").unwrap().unwrap());
    }
    server.kill();
    let away = |state: &ConnectionState| matches!(state, ConnectionState::Unreachable { .. });
    timeout(DEADLINE, client.status().wait_for(away)).await.expect("the loss is seen");
    server.start_again().await;
    let live = |state: &ConnectionState| *state == ConnectionState::Live;
    timeout(DEADLINE, client.status().wait_for(live)).await.expect("it comes back");
    for _ in 0..5 {
        note(timeout(DEADLINE, lines.next()).await.expect("lines come").unwrap().unwrap());
    }
    // What a visitor of now is told is what is held.
    let visitor = Client::builder(&url).config(hasty()).connect().unwrap();
    let keys = |view: &Latest<ServiceStatus>| {
        view.iter().map(|(key, _)| key.to_string()).collect::<Vec<_>>()
    };
    let mut theirs = visitor.service_status(&room);
    let theirs = timeout(DEADLINE, theirs.wait_for(|view| view.len() > 2)).await;
    let theirs = keys(&theirs.expect("services are told").unwrap());
    timeout(DEADLINE, services.wait_for(|view| keys(view) == theirs)).await.expect("the same");
}

/// The number of the next line, or nothing where lines may be missing.
async fn next_number(lines: &mut Logs) -> Option<u64> {
    loop {
        let entry = timeout(DEADLINE, lines.next()).await;
        match entry.unwrap_or_else(|_| panic!("no line comes")).unwrap().unwrap() {
            LogEntry::Line(line) => return Some(line.line.parse().unwrap()),
            LogEntry::Break => return None,
            LogEntry::Marker(_) | LogEntry::Closed => {}
            other => panic!("{other:?}"),
        }
    }
}

/// A real container prints on while the program is killed: no number is missing, none comes twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_real_log_has_no_hole_and_no_double_across_a_kill_of_the_program() {
    if !can_run(&[Need::Engine]) {
        return;
    }
    let engine = Engine::shared().await;
    let script = "i=0; while :; do i=$((i + 1)); echo $i; \
                  [ $((i % 20)) = 0 ] && sleep 0.05; done";
    let recipe = Recipe::shell("bridged", "web", script);
    let container = recipe.start(&engine.docker().await).await;
    let mut server = Server::start(&["--docker-host", &engine.host()]).await;
    let url = format!("ws://127.0.0.1:{}/api/ws", server.port());
    let builder = Client::builder(&url).config(hasty());
    let bridged = builder.clone().connect().unwrap();
    let unbridged = builder.without_history().connect().unwrap();
    let (room, web) = (RoomName::new("bridged").unwrap(), name("web"));
    let mut lines = bridged.logs(&room, &web);
    let mut torn = unbridged.logs(&room, &web);
    let first = next_number(&mut lines).await.unwrap();
    let mut last = first;
    for _ in 0..500 {
        last += 1;
        assert_eq!(next_number(&mut lines).await, Some(last));
        next_number(&mut torn).await.unwrap();
    }
    for _ in 0..2 {
        server.kill();
        let printed = container.whole_log().await.len();
        wait::until("more lines than a tail has", DEADLINE, async || {
            let more = container.whole_log().await.len() - printed;
            (more > 500).then_some(()).ok_or_else(|| format!("{more} lines"))
        })
        .await;
        server.start_again().await;
        // Far into what is printed after the restart.
        for _ in 0..2_000 {
            last += 1;
            assert_eq!(next_number(&mut lines).await, Some(last));
        }
        // Who does not ask sees that it had to be asked.
        while next_number(&mut torn).await.is_some() {}
    }
    container.remove().await;
}
