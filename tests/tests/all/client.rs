//! The Rust client behind a fault proxy: after each fault it holds exactly what the server kept, each
//! line once and in order, or knows what is missing.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use nself_realtime::client::{
    Client, ClientConfig, ConnectionState, Latest, LogEntry, Logs, Standing, Watch,
};
use nself_realtime::event::{LogLine, LogsStream, RoomStatus, ServiceState, ServiceStatus, Source};
use nself_realtime::{Emitter, Hub, NanoTimestamp, RoomName};
use nself_tests::fault_proxy::{Fault, FaultProxy};
use nself_tests::realtime::{RealtimeServer, name};
use nself_tests::server::Server;
use nself_tests::wait;
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(30);

/// A client, what it watches, and how far the server's log goes.
struct Scene {
    server: Option<RealtimeServer>,
    proxy: FaultProxy,
    client: Client,
    lines: Logs,
    emitter: Emitter,
    published: u64,
    /// What the reader holds.
    held: Vec<u64>,
    missed: u64,
    breaks: usize,
}

fn shop() -> RoomName {
    RoomName::new("shop").unwrap()
}

/// Comes back and falls back within fractions of a second.
fn hasty() -> ClientConfig {
    ClientConfig::default()
        .connect_timeout(Duration::from_millis(500))
        .first_delay(Duration::from_millis(20))
        .longest_delay(Duration::from_millis(100))
        .poll_after(Duration::from_millis(300))
        .poll_timeout(Duration::from_millis(500))
}

fn line(number: u64) -> LogsStream {
    padded(number, 0)
}

fn padded(number: u64, padding: usize) -> LogsStream {
    LogsStream::Line(LogLine {
        service: name("web"),
        time: NanoTimestamp::from_unix_nanos(i128::from(number) * 1_000 + 1).unwrap(),
        container_id: Some(name("c1")),
        line: format!("{number} {}", "x".repeat(padding)),
        source: Source::Stdout,
        n: 0,
        level: None,
        truncated_bytes: None,
        history: None,
    })
}

fn number_of(line: &LogLine) -> u64 {
    line.line.split(' ').next().unwrap().parse().unwrap()
}

impl Scene {
    async fn begin() -> Self {
        Self::with(hasty()).await
    }

    async fn with(config: ClientConfig) -> Self {
        let hub = Hub::new();
        let emitter = hub.open_room(&shop());
        let server = RealtimeServer::start(hub, 0).await;
        let proxy = FaultProxy::start(server.port()).await;
        let url = format!("ws://127.0.0.1:{}/api/ws", proxy.port());
        let client = Client::builder(&url).config(config).connect().unwrap();
        let lines = client.logs(&shop(), &name("web"));
        let scene = Self {
            server: Some(server),
            proxy,
            client,
            lines,
            emitter,
            published: 0,
            held: Vec::new(),
            missed: 0,
            breaks: 0,
        };
        scene.until(|state| *state == ConnectionState::Live).await;
        scene
    }

    fn server(&self) -> &RealtimeServer {
        self.server.as_ref().unwrap()
    }

    async fn until(&self, is: impl FnMut(&ConnectionState) -> bool) -> ConnectionState {
        let mut status = self.client.status();
        let waited = timeout(DEADLINE, status.wait_for(is)).await;
        waited
            .unwrap_or_else(|_| panic!("the state stays {:?}", self.client.status().get()))
            .unwrap()
    }

    fn publish(&mut self, count: u64) {
        self.publish_padded(count, 0);
    }

    /// Publishes lines that are so many bytes longer than their number.
    fn publish_padded(&mut self, count: u64, padding: usize) {
        for _ in 0..count {
            self.published += 1;
            self.emitter.emit(&padded(self.published, padding)).unwrap();
        }
    }

    fn take(&mut self, entry: LogEntry) {
        match entry {
            LogEntry::Line(line) => self.held.push(number_of(&line)),
            LogEntry::Gap(gap) => self.missed += gap.missed,
            LogEntry::Break => self.breaks += 1,
            LogEntry::Closed | LogEntry::Marker(_) => {}
            other => panic!("{other:?}"),
        }
    }

    /// Reads until the newest line is held.
    async fn catch_up(&mut self) {
        let reading = async {
            while self.held.last() != Some(&self.published) {
                let entry = self.lines.next().await.unwrap().unwrap();
                self.take(entry);
            }
        };
        if timeout(DEADLINE, reading).await.is_err() {
            let (held, state) = (self.held.len(), self.client.status().get());
            panic!("{held} of {} lines after {DEADLINE:?}, {state:?}", self.published);
        }
    }

    /// Every line that was published is held, once and in order.
    async fn holds_all(&mut self) {
        self.catch_up().await;
        assert_eq!(self.held, (1..=self.published).collect::<Vec<_>>());
        assert_eq!((self.missed, self.breaks), (0, 0));
    }
}

#[tokio::test]
async fn cut_connections_are_resumed_without_loss_or_double() {
    let mut scene = Scene::begin().await;
    for round in 0..20 {
        scene.publish(37);
        if round % 3 == 0 {
            // In the middle of what is under way.
            tokio::task::yield_now().await;
        }
        scene.proxy.cut();
        scene.publish(20);
        if round % 2 == 0 {
            scene.catch_up().await;
        }
    }
    scene.holds_all().await;
    assert!(scene.proxy.accepted() >= 10, "{} connections", scene.proxy.accepted());
}

#[tokio::test]
async fn a_half_open_connection_is_noticed_and_replaced() {
    let mut scene = Scene::begin().await;
    scene.publish(5);
    scene.catch_up().await;
    scene.proxy.set(Fault::Vanish);
    scene.publish(50);
    scene.until(|state| *state != ConnectionState::Live).await;
    scene.proxy.set(Fault::None);
    scene.publish(5);
    scene.holds_all().await;
    scene.until(|state| *state == ConnectionState::Live).await;
}

#[tokio::test]
async fn a_slow_network_only_delays() {
    let mut scene = Scene::begin().await;
    scene.proxy.set(Fault::Delay(Duration::from_millis(80)));
    for _ in 0..5 {
        scene.publish(40);
        scene.catch_up().await;
    }
    scene.holds_all().await;
    assert_eq!(scene.proxy.accepted(), 1);
}

#[tokio::test]
async fn a_network_of_single_bytes_is_read_all_the_same() {
    let mut scene = Scene::begin().await;
    scene.proxy.set(Fault::Trickle);
    scene.publish(60);
    scene.holds_all().await;
    scene.proxy.cut();
    scene.publish(60);
    scene.holds_all().await;
}

#[tokio::test]
async fn a_server_out_of_reach_is_told_and_found_again() {
    let mut scene = Scene::begin().await;
    scene.publish(5);
    scene.catch_up().await;
    scene.proxy.set(Fault::Refuse);
    scene.publish(500);
    scene.until(|state| matches!(state, ConnectionState::Unreachable { .. })).await;
    assert!(scene.client.last_error().get().is_some());
    // Many attempts and polls later.
    scene.until(|state| matches!(state, ConnectionState::Unreachable { attempt: 10.., .. })).await;
    scene.publish(500);
    scene.proxy.set(Fault::None);
    scene.holds_all().await;
    scene.until(|state| *state == ConnectionState::Live).await;
}

#[tokio::test]
async fn what_the_server_no_longer_keeps_is_counted() {
    let mut scene = Scene::begin().await;
    scene.publish(5);
    scene.catch_up().await;
    scene.proxy.set(Fault::Refuse);
    // More than a server keeps of a log.
    scene.publish(5_000);
    scene.proxy.set(Fault::None);
    scene.catch_up().await;
    assert!(scene.missed > 0);
    assert_eq!(scene.held.len() as u64 + scene.missed, scene.published);
    assert!(scene.held.is_sorted_by(|before, after| before < after));
}

#[tokio::test]
async fn polls_take_over_and_hand_back_without_loss_or_double() {
    let mut scene = Scene::begin().await;
    scene.publish(10);
    scene.catch_up().await;
    for _ in 0..3 {
        scene.server().let_sockets_through(false);
        scene.proxy.cut();
        scene.publish(30);
        scene.until(|state| *state == ConnectionState::Polling).await;
        for _ in 0..5 {
            scene.publish(10);
            scene.catch_up().await;
        }
        scene.server().let_sockets_through(true);
        // While it changes over.
        for _ in 0..20 {
            scene.publish(3);
            tokio::task::yield_now().await;
        }
        scene.until(|state| *state == ConnectionState::Live).await;
        scene.publish(10);
        scene.holds_all().await;
    }
}

#[tokio::test]
async fn a_visit_without_any_socket_is_served_by_polls() {
    let mut scene = Scene::begin().await;
    scene.server().let_sockets_through(false);
    scene.publish(20);
    let url = format!("ws://127.0.0.1:{}/api/ws", scene.proxy.port());
    scene.client = Client::builder(&url).config(hasty()).connect().unwrap();
    scene.lines = scene.client.logs(&shop(), &name("web"));
    scene.holds_all().await;
    assert_eq!(scene.client.status().get(), ConnectionState::Polling);
    // Another reader of the same is told it from the start, too, while the first one goes on.
    let mut second = scene.client.logs(&shop(), &name("web"));
    scene.publish(20);
    scene.holds_all().await;
    let mut held = Vec::new();
    while held.last() != Some(&scene.published) {
        let entry = timeout(DEADLINE, second.next()).await.expect("in time").unwrap().unwrap();
        let LogEntry::Line(line) = entry else { panic!("{entry:?}") };
        held.push(number_of(&line));
    }
    assert_eq!(held, (1..=scene.published).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_killed_and_restarted_server_is_found_again_and_the_log_has_no_double() {
    let mut scene = Scene::begin().await;
    scene.publish(50);
    scene.catch_up().await;
    let port = scene.server().port();
    scene.server.take().unwrap().kill().await;
    // It reads its log again from the engine: the last lines are those that are known already.
    let hub = Hub::new();
    scene.emitter = hub.open_room(&shop());
    for number in 31..=70 {
        scene.emitter.emit(&line(number)).unwrap();
    }
    scene.published = 70;
    scene.server = Some(RealtimeServer::start(hub, port).await);
    scene.holds_all().await;
}

#[tokio::test]
async fn a_log_that_does_not_reach_back_to_what_is_held_is_told_as_a_break() {
    let mut scene = Scene::begin().await;
    scene.publish(50);
    scene.catch_up().await;
    let port = scene.server().port();
    scene.server.take().unwrap().kill().await;
    let hub = Hub::new();
    scene.emitter = hub.open_room(&shop());
    for number in 61..=70 {
        scene.emitter.emit(&line(number)).unwrap();
    }
    scene.published = 70;
    scene.server = Some(RealtimeServer::start(hub, port).await);
    scene.catch_up().await;
    assert_eq!(scene.held, (1..=50).chain(61..=70).collect::<Vec<_>>());
    assert_eq!(scene.breaks, 1);
}

#[tokio::test]
async fn a_reader_that_does_not_read_costs_no_memory_and_is_told_what_it_missed() {
    let mut scene = Scene::begin().await;
    scene.publish(5);
    scene.catch_up().await;
    // Nobody reads. Once all buffers are full the server gives the deaf connection up.
    let publishing = async {
        while scene.server().server().connections() > 0 {
            scene.publish_padded(10, 8 * 1024);
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, publishing).await.expect("a server does not wait for ever");
    // More than it keeps.
    scene.publish(5_000);
    scene.catch_up().await;
    assert!(scene.missed > 0);
    assert_eq!(scene.held.len() as u64 + scene.missed, scene.published);
    assert!(scene.held.is_sorted_by(|before, after| before < after));
}

#[tokio::test]
async fn a_stalled_stream_that_is_dropped_holds_nobody_up() {
    let mut scene = Scene::begin().await;
    let stalled = scene.client.logs(&shop(), &name("web"));
    for _ in 0..200 {
        scene.publish(20);
        tokio::task::yield_now().await;
    }
    drop(stalled);
    scene.catch_up().await;
    assert_eq!(scene.held.len() as u64 + scene.missed, scene.published);
}

#[tokio::test]
async fn views_hold_what_the_server_holds_after_every_fault() {
    let scene = Scene::begin().await;
    let mut services = scene.client.service_status(&shop());
    let status = |service: &str, state| ServiceStatus::new(name(service), state);
    let mut truth = BTreeMap::new();
    let kinds = [ServiceState::Running, ServiceState::Stopped, ServiceState::Failed];
    for round in 0..12_usize {
        match round % 3 {
            0 => scene.proxy.cut(),
            1 => scene.server().let_sockets_through(round % 2 == 0),
            _ => {}
        }
        for service in ["web", "db", "cache"] {
            let state = kinds[(round + service.len()) % 3];
            scene.emitter.service_status(&status(service, state)).unwrap();
            truth.insert(service.to_owned(), state);
        }
        scene.emitter.service_status(&status("job", ServiceState::Running)).unwrap();
        scene.emitter.service_status(&status("job", ServiceState::Removed)).unwrap();
        let same = |view: &Latest<ServiceStatus>| {
            let held = view.iter().map(|(key, event)| (key.to_string(), event.data.status));
            view.is_known() && held.collect::<BTreeMap<_, _>>() == truth
        };
        let waited = timeout(DEADLINE, services.wait_for(same)).await;
        assert!(waited.is_ok(), "round {round}: {:?} is not {truth:?}", services.get());
    }
}

#[tokio::test]
async fn the_newest_token_goes_with_every_attempt_and_renews_the_connection() {
    let scene = Scene::begin().await;
    let url = format!("ws://127.0.0.1:{}/api/ws", scene.proxy.port());
    scene.server().ask_for("first");
    let client = Client::builder(&url).config(hasty()).token("first").connect().unwrap();
    let mut status = client.status();
    timeout(DEADLINE, status.wait_for(|state| *state == ConnectionState::Live)).await.unwrap();
    scene.server().ask_for("second");
    client.renew("second").unwrap();
    scene.proxy.cut();
    let last_of = |path: &str| {
        let seen = scene.server().seen();
        let tokens = seen.into_iter().filter(|(own, token)| own == path && !token.is_empty());
        tokens.map(|(_, token)| token).next_back()
    };
    wait::until("the newest token", DEADLINE, async || match last_of("/api/ws") {
        Some(token) if token == "second" => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    timeout(DEADLINE, status.wait_for(|state| *state == ConnectionState::Live)).await.unwrap();
    // The other client has none.
    scene.until(|state| *state == ConnectionState::SignedOut).await;
}

#[tokio::test]
async fn a_client_ends_with_its_last_handle_and_says_so_to_the_server() {
    let scene = Scene::begin().await;
    let Scene { server, client, lines, .. } = scene;
    let server = server.unwrap();
    drop(client);
    tokio::task::yield_now().await;
    assert_eq!(server.server().connections(), 1, "a stream is a handle, too");
    drop(lines);
    wait::until("the connection to end", DEADLINE, async || match server.server().connections() {
        0 => Ok(()),
        more => Err(format!("{more} connections")),
    })
    .await;
}

#[tokio::test]
async fn closing_ends_streams_and_watches_of_all_who_have_the_client() {
    let mut scene = Scene::begin().await;
    scene.publish(3);
    scene.catch_up().await;
    let mut status = scene.client.status();
    timeout(DEADLINE, scene.client.clone().close()).await.expect("it ends");
    assert!(scene.client.is_ended());
    assert!(scene.lines.next().await.is_none());
    assert!(status.get().is_end());
    while status.changed().await.is_some() {}
}

#[tokio::test]
async fn a_room_that_is_not_open_yet_is_read_when_it_opens() {
    let mut scene = Scene::begin().await;
    let attic = RoomName::new("attic").unwrap();
    let mut services = scene.client.service_status(&attic);
    let mut lines = scene.client.logs(&attic, &name("web"));
    let closed = |view: &Latest<ServiceStatus>| *view.standing() == Standing::Closed;
    timeout(DEADLINE, services.wait_for(closed)).await.expect("it is told").unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap(), LogEntry::Closed);
    let emitter = scene.server().hub().open_room(&attic);
    emitter.service_status(&ServiceStatus::new(name("web"), ServiceState::Running)).unwrap();
    let running = |view: &Latest<ServiceStatus>| {
        view.get("web").is_some_and(|web| web.status == ServiceState::Running)
    };
    timeout(DEADLINE, services.wait_for(running)).await.expect("it is read").unwrap();
    scene.publish(1);
    scene.holds_all().await;
}

/// The whole program, killed for good in the middle of its work.
#[tokio::test]
async fn the_program_killed_and_started_again_is_found_and_its_services_are_held() {
    let mut server = Server::start(&["--demo"]).await;
    let url = format!("ws://127.0.0.1:{}/api/ws", server.port());
    let client = Client::builder(&url).config(hasty()).connect().unwrap();
    let mut rooms = client.latest::<RoomStatus>(&RoomName::system());
    let known = timeout(DEADLINE, rooms.wait_for(|rooms| !rooms.is_empty())).await;
    let known = known.expect("rooms are told").unwrap();
    let room = known.iter().next().unwrap().1.data.room.clone();
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

/// What a refusal means to a stream.
#[tokio::test]
async fn a_refused_room_is_an_error_of_its_streams_and_the_others_go_on() {
    let mut scene = Scene::begin().await;
    // More filters than a server takes of one reader.
    let room = RoomName::system();
    let streams: Vec<_> = (0..40).map(|_| scene.client.latest::<ServiceStatus>(&room)).collect();
    wait::until("a refusal", DEADLINE, async || {
        let refused = |view: &Watch<Latest<ServiceStatus>>| {
            matches!(view.get().standing(), Standing::Refused(_))
        };
        streams.iter().any(refused).then_some(()).ok_or_else(|| "none".to_owned())
    })
    .await;
    scene.publish(5);
    scene.holds_all().await;
}
