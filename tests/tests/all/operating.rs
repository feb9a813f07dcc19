//! What an operator relies on: health, metrics, the audit log, state that survives a kill, logs without secrets.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use nself_tests::server::{self, Server};
use nself_tests::visitor::Visitor;
use nself_tests::wait;
use nself_tests::wire::Opened;
use serde_json::Value;
use tokio::time::Instant;

const RESTART: &str = "/api/services/demo/redis/restart";

/// The lines of the audit log, each of which has to be whole.
fn audit(server: &Server) -> Vec<Value> {
    let text = std::fs::read_to_string(server.state_dir().join("audit.log")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn what_is_done_is_written_down_before_and_after() {
    let server = Server::with_sign_in(&["--demo"]).await;
    let operator = Visitor::with_role(&server, "operator").await;
    let answer = operator.post("/api/services/nowhere/nobody/start", "{}").await;
    assert_eq!(answer.status, 404);
    let told: Vec<_> = audit(&server)
        .into_iter()
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
            (text("what"), text("user"), text("from"), text("outcome"))
        })
        .collect();
    let line = |what: &str, user: &str, from: &str, outcome: &str| {
        (what.to_owned(), user.to_owned(), from.to_owned(), outcome.to_owned())
    };
    let start = "POST /api/services/nowhere/nobody/start";
    assert_eq!(
        told,
        [
            line("login-link --role operator", "-", "-", "-"),
            line("login-link --role operator", "-", "-", "done"),
            line("POST /api/bootstrap", "-", "127.0.0.1", "204"),
            line(start, "admin", "127.0.0.1", "-"),
            line(start, "admin", "127.0.0.1", "404 not_found"),
        ]
    );
}

/// Waits until the lines of the audit log, each as it would be shown, are as they should be.
async fn audited(server: &Server, is_right: impl Fn(&[Value]) -> bool) {
    wait::until("outcomes to be written down", Duration::from_secs(15), async || {
        let lines = audit(server);
        if is_right(&lines) { Ok(()) } else { Err(format!("{lines:?}")) }
    })
    .await;
}

#[tokio::test]
async fn how_an_action_ended_is_written_down_too() {
    let server = Server::with_sign_in(&["--demo"]).await;
    let operator = Visitor::with_role(&server, "operator").await;
    let answer = operator.post(RESTART, "{}").await;
    assert_eq!((answer.status, &*answer.body), (202, r#"{"accepted":true}"#));
    audited(&server, |lines| {
        let has = |what: &str, outcome: &str| {
            lines.iter().any(|line| {
                (&line["what"], &line["outcome"], &line["user"])
                    == (&what.into(), &outcome.into(), &"admin".into())
            })
        };
        has(&format!("POST {RESTART}"), "202") && has("restart demo/redis", "done")
    })
    .await;
}

#[tokio::test]
async fn what_was_begun_is_written_down_to_its_end_although_who_asked_has_gone() {
    let server = Server::with_sign_in(&["--demo"]).await;
    let operator = Visitor::with_role(&server, "operator").await;
    let start = "POST /api/services/nowhere/nobody/start";
    let host = format!("Host: 127.0.0.1:{}", server.port());
    let origin = format!("Origin: http://127.0.0.1:{}", server.port());
    let json = "Content-Type: application/json";
    let headers = [&*host, &*origin, json, "Content-Length: 2", operator.proof().unwrap()];
    for _ in 0..30 {
        drop(Opened::new(server.port(), start, &headers, "{}").await);
    }
    audited(&server, |lines| {
        let ids = |outcome: Value| -> Vec<_> {
            let of_start = lines.iter().filter(|line| line["what"] == start);
            of_start.filter(|line| line["outcome"] == outcome).map(|line| &line["id"]).collect()
        };
        let (mut begun, mut ended) = (ids(Value::Null), ids("404 not_found".into()));
        begun.sort_unstable_by_key(|id| id.as_u64());
        ended.sort_unstable_by_key(|id| id.as_u64());
        !begun.is_empty() && begun == ended
    })
    .await;
}

#[tokio::test]
async fn metrics_are_for_those_who_are_signed_in_or_at_an_address_of_their_own() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let listen = address.to_string();
    let server = Server::with_sign_in(&["--demo", "--metrics-listen", &listen]).await;
    assert_eq!(Visitor::nobody(&server).get("/metrics").await.status, 401);
    let viewer = Visitor::with_role(&server, "viewer").await;
    let mut socket = viewer.socket().await;
    socket.next("welcome").await;
    let answer = viewer.get("/metrics").await;
    assert_eq!(answer.status, 200);
    for line in [
        "nself_connections{transport=\"websocket\"} 1\n",
        "nself_engine_online 1\n",
        "nself_latency_seconds_bucket{le=\"0.0001\"} ",
        "nself_process_resident_memory_bytes ",
        "nself_tasks ",
        "# EOF\n",
    ] {
        assert!(answer.body.contains(line), "{line:?} in\n{}", answer.body);
    }
    let host = format!("Host: {address}");
    let open = nself_tests::wire::request(address.port(), "GET /metrics", &[&host], "").await;
    assert_eq!(open.status, 200);
    let other = nself_tests::wire::request(address.port(), "GET /", &[&host], "").await;
    assert_eq!(other.status, 404);
    for (host, status) in
        [("Host: nself-admin:9090", 200), ("Host: localhost", 200), ("Host: rebound.example", 421)]
    {
        let answer = nself_tests::wire::request(address.port(), "GET /metrics", &[host], "").await;
        assert_eq!(answer.status, status, "{host}: {}", answer.body);
    }
}

#[tokio::test]
async fn whether_it_is_ready_is_told_to_everybody_and_why_not_only_in_a_word() {
    let server = Server::with_sign_in(&["--docker-host", "unix:///nowhere/engine.sock"]).await;
    let nobody = Visitor::nobody(&server);
    wait::until("the engine to be tried", Duration::from_secs(15), async || {
        let answer = nobody.get("/readyz").await;
        let told = r#"{"engine":"offline","broker":"memory","draining":false}"#;
        if (answer.status, &*answer.body) == (200, told) { Ok(()) } else { Err(answer.body) }
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_killed_finds_its_state_whole() {
    let mut server = Server::with_sign_in(&["--demo"]).await;
    server.command(&["set-password"], "correct horse\n");
    for round in 0..5 {
        let admin = Visitor::with_password(&server, "correct horse").await;
        let asking = tokio::spawn(async move {
            loop {
                admin.post("/api/services/nowhere/nobody/start", "{}").await;
            }
        });
        let begun = std::time::Duration::from_secs(15);
        let before = 12 * round + 2;
        nself_tests::wait::until("requests to be written down", begun, async || {
            let text = std::fs::read_to_string(server.state_dir().join("audit.log"));
            let lines = text.unwrap_or_default().lines().count();
            if lines > before { Ok(()) } else { Err(format!("{lines} lines")) }
        })
        .await;
        server.kill();
        // The visitor finds nobody, which ends its task.
        assert!(asking.await.is_err());
        server.start_again().await;
    }
    let text = std::fs::read_to_string(server.state_dir().join("audit.log")).unwrap();
    let broken = text.lines().filter(|line| serde_json::from_str::<Value>(line).is_err()).count();
    assert!(broken <= 5, "at worst one line for each kill is cut:\n{text}");
    Visitor::with_password(&server, "correct horse").await;
}

#[tokio::test]
async fn commands_that_are_killed_leave_what_there_was_or_what_they_made() {
    const ROUNDS: u32 = 25;
    let server = Server::with_sign_in(&["--demo"]).await;
    let nobody = Visitor::nobody(&server);
    let begun = Instant::now();
    server.command(&["set-password"], "password 0\n");
    let whole = begun.elapsed();
    let mut holds = 0;
    for round in 1..=ROUNDS {
        let killed = |arguments: &[&str], input: &str| {
            let mut command = server::command();
            command.args(arguments).arg("--state-dir").arg(server.state_dir());
            let mut child = command
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
            // From its beginning to beyond its end.
            std::thread::sleep(whole * round / (ROUNDS - 5));
            child.kill().unwrap();
            child.wait().unwrap();
        };
        killed(&["token", "create", &format!("ci-{round}")], "");
        killed(&["set-password"], &format!("password {round}\n"));
        let tokens = server.command(&["token", "list"], "");
        assert!(tokens.lines().all(|line| line.starts_with("ci-")), "{tokens}");
        let mut right = Vec::new();
        for number in [holds, round] {
            let body = format!("{{\"password\":\"password {number}\"}}");
            if nobody.post("/api/login", &body).await.status == 204 {
                right.push(number);
            }
        }
        assert_eq!(right.len(), 1, "either the old one or the new one");
        holds = right[0];
    }
}

#[tokio::test]
async fn the_most_talkative_log_has_no_secret() {
    let server = Server::with_environment(&["--demo"], &[("RUST_LOG", "trace")]).await;
    server.command(&["set-password"], "correct horse\n");
    let admin = Visitor::with_password(&server, "correct horse").await;
    let token = server.command(&["token", "create", "ci"], "");
    Visitor::with_token(&server, token.trim()).get("/api/session").await;
    let mut socket = admin.socket().await;
    let welcome = socket.next("welcome").await;
    let link = std::fs::read_to_string(server.state_dir().join("login-link")).unwrap();
    let (_, link) = link.trim().split_once("#token=").unwrap();
    assert_eq!(admin.post(RESTART, "{}").await.status, 202);
    let printed = server.printed();
    assert!(printed.contains("DEBUG") || printed.contains("TRACE"), "it does log:\n{printed}");
    let secret = welcome["data"]["secret"].as_str().unwrap();
    let cookie = admin.proof().unwrap().split_once('=').unwrap().1;
    for secret in ["correct horse", token.trim(), link, secret, cookie] {
        assert!(!printed.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test]
async fn commands_find_the_server_that_is_alive() {
    let mut server = Server::start(&["--demo"]).await;
    server.command(&["healthcheck"], "");
    server.kill();
    for command in ["healthcheck", "login-link"] {
        let refused = server.failing_command(&[command]);
        assert!(refused.contains("no server runs with the state folder"), "{refused}");
    }
}

#[tokio::test]
async fn the_services_are_told_to_those_who_ask_once() {
    let server = Server::start(&["--demo"]).await;
    let local = Visitor::nobody(&server);
    let services = local.get_json("/api/services").await;
    let services = services["services"].as_array().unwrap();
    assert!(services.len() > 2 && services.iter().all(|one| one["status"].is_string()));
    let project = services[0]["project"].as_str().unwrap();
    let service = services[0]["service"].as_str().unwrap();
    let of_one = local.get_json(&format!("/api/services?project={project}")).await;
    let of_one = of_one["services"].as_array().unwrap();
    assert!(!of_one.is_empty() && of_one.iter().all(|one| one["project"] == *project));
    let details = local.get_json(&format!("/api/services/{project}/{service}")).await;
    assert_eq!(details["service"], *service);
    assert!(details["containers"][0]["id"].is_string(), "{details}");
    let rooms = local.get_json("/api/rooms").await;
    let room = rooms["rooms"].as_array().unwrap().iter().find(|room| room["room"] == *project);
    assert_eq!(room.unwrap()["services"], of_one.len());
    let stats = local.get_json(&format!("/api/stats?project={project}")).await;
    let stats = stats["stats"].as_array().unwrap();
    assert!(!stats.is_empty() && stats.iter().all(|one| one["stats"]["memory"].is_number()));
    let begun = local.post(&format!("/api/projects/{project}/restart"), "{}").await;
    assert_eq!(begun.status, 202, "{}", begun.body);
    let busy = local.post(&format!("/api/services/{project}/{service}/stop"), "{}").await;
    assert_eq!(busy.status, 409, "{}", busy.body);
    assert_eq!(local.get("/api/services?colour=red").await.status, 400);
    assert_eq!(local.post("/api/projects/nowhere/stop", "{}").await.status, 404);
}

/// What happens on one connection: a request, an action, and a socket that ends.
async fn visited(format: &str) -> String {
    let server = Server::start(&["--demo", "-vv", "--log-format", format]).await;
    let local = Visitor::nobody(&server);
    assert_eq!(local.post(RESTART, "{}").await.status, 202);
    let mut socket = local.socket().await;
    socket.next("welcome").await;
    drop(socket);
    nself_tests::wait::until("all to be logged", std::time::Duration::from_secs(15), async || {
        let printed = server.printed();
        let all =
            ["answered", "acted", "connection ended"].iter().all(|said| printed.contains(said));
        if all { Ok(printed) } else { Err(printed) }
    })
    .await
}

#[tokio::test]
async fn each_line_says_on_which_connection_it_happened_and_in_which_action() {
    let printed = visited("json").await;
    let lines = printed.lines().filter(|line| line.starts_with('{'));
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    let spans_of = |message: &str| {
        let line = lines.iter().find(|line| line["fields"]["message"] == message).unwrap();
        line["spans"].as_array().unwrap().clone()
    };
    for message in ["answered", "connection ended"] {
        let spans = spans_of(message);
        assert_eq!((spans.len(), &spans[0]["name"]), (1, &"connection".into()), "{message}");
        assert!(spans[0]["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
    }
    let spans = spans_of("acted");
    assert_eq!((&spans[0]["name"], &spans[1]["name"]), (&"connection".into(), &"action".into()));
    assert_eq!(spans[1]["what"], format!("POST {RESTART}"));
    assert_eq!(spans[1]["from"], "127.0.0.1");

    let printed = visited("text").await;
    assert!(!printed.contains('\u{1b}'), "no colours where nobody looks:\n{printed}");
    let acted = printed.lines().find(|line| line.contains("acted")).unwrap();
    let spans = format!(":action{{what=\"POST {RESTART}\" from=127.0.0.1}}: nself_admin::http");
    assert!(acted.contains("connection{peer=127.0.0.1:") && acted.contains(&spans), "{acted}");
    let ended = printed.lines().find(|line| line.contains("connection ended")).unwrap();
    assert!(ended.contains("connection{peer=127.0.0.1:") && ended.contains("}: nself_realtime"));
}
