//! The Rust client behind a fault proxy: after each fault it holds exactly what the server kept, each
//! line once and in order, or knows what is missing.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use futures::StreamExt;
use nself_realtime::client::{
    Client, ClientConfig, ConnectionState, Latest, LogEntry, Logs, Standing,
};
use nself_realtime::event::{LogLine, LogsStream, ServiceState, ServiceStatus, Source};
use nself_realtime::{Emitter, Hub, NanoTimestamp, RoomName};
use nself_tests::fault_proxy::{Fault, FaultProxy};
use nself_tests::realtime::{RealtimeServer, name};
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
pub(crate) fn hasty() -> ClientConfig {
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
    LogsStream::Line(line_of("c1", number, padding))
}

fn line_of(container: &str, number: u64, padding: usize) -> LogLine {
    LogLine {
        service: name("web"),
        time: NanoTimestamp::from_unix_nanos(i128::from(number) * 1_000 + 1).unwrap(),
        container_id: Some(name(container)),
        line: format!("{number} {}", "x".repeat(padding)),
        source: Source::Stdout,
        n: 0,
        level: None,
        truncated_bytes: None,
        history: None,
    }
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

    /// Kills the server, prints on to that number, and starts it again: it tells the lines from `first`
    /// on, and its history has those of `history`, if it has one.
    async fn restart(&mut self, first: u64, last: u64, history: Option<RangeInclusive<u64>>) {
        let port = self.server().port();
        self.server.take().unwrap().kill().await;
        let hub = Hub::new();
        self.emitter = hub.open_room(&shop());
        for number in first..=last {
            self.emitter.emit(&line(number)).unwrap();
        }
        self.published = last;
        let server = RealtimeServer::start(hub, port).await;
        if let Some(numbers) = history {
            server.keep_history(numbers.map(|number| line_of("c1", number, 0)).collect());
        }
        self.server = Some(server);
    }

    /// How often the history was asked.
    fn asked(&self) -> usize {
        let seen = self.server().seen();
        seen.iter().filter(|(path, _)| path == "/api/services/shop/web/logs").count()
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
    // It reads its log again from the engine: the last lines are those that are known already.
    scene.restart(31, 70, None).await;
    scene.holds_all().await;
    assert_eq!(scene.asked(), 0);
}

#[tokio::test]
async fn lines_printed_while_the_server_was_gone_are_read_from_its_history() {
    let mut scene = Scene::begin().await;
    scene.publish(50);
    scene.catch_up().await;
    scene.restart(2_061, 2_070, Some(1..=2_070)).await;
    scene.holds_all().await;
    scene.publish(30);
    scene.holds_all().await;
    assert_eq!(scene.asked(), 1);
    // And once more.
    scene.restart(2_200, 2_210, Some(1_000..=2_210)).await;
    scene.holds_all().await;
    assert_eq!(scene.asked(), 1);
}

#[tokio::test]
async fn a_log_that_is_empty_at_first_is_joined_when_its_first_lines_come() {
    // They are read again from before what is known, or from behind it.
    for (first, asked) in [(41, 0), (66, 1)] {
        let mut scene = Scene::begin().await;
        scene.publish(50);
        scene.catch_up().await;
        let mut services = scene.client.service_status(&shop());
        scene.restart(1, 0, Some(1..=70)).await;
        scene
            .emitter
            .service_status(&ServiceStatus::new(name("new"), ServiceState::Running))
            .unwrap();
        let is_new = |view: &Latest<ServiceStatus>| view.get("new").is_some();
        timeout(DEADLINE, services.wait_for(is_new)).await.expect("it is told anew").unwrap();
        for number in first..=70 {
            scene.emitter.emit(&line(number)).unwrap();
        }
        scene.published = 70;
        scene.holds_all().await;
        assert_eq!(scene.asked(), asked);
    }
}

#[tokio::test]
async fn a_log_that_neither_server_nor_history_leads_back_to_what_is_held_breaks_once() {
    for (history, read) in [(None, 61..=70), (Some(55..=70), 55..=70)] {
        let mut scene = Scene::begin().await;
        scene.publish(50);
        scene.catch_up().await;
        scene.restart(61, 70, history).await;
        scene.catch_up().await;
        scene.publish(5);
        scene.catch_up().await;
        assert_eq!(scene.held, (1..=50).chain(read).chain(71..=75).collect::<Vec<_>>());
        assert_eq!((scene.breaks, scene.asked()), (1, 1));
    }
}

#[tokio::test]
async fn the_history_is_asked_where_and_as_whom_the_program_says() {
    let mut scene = Scene::begin().await;
    scene.server().ask_for("secret");
    let url = format!("ws://127.0.0.1:{}/api/ws", scene.proxy.port());
    let archive = RealtimeServer::start(Hub::new(), 0).await;
    archive.ask_for("secret");
    archive.keep_history((1..=70).map(|number| line_of("c1", number, 0)).collect());
    let elsewhere = format!("http://127.0.0.1:{}/api/services/", archive.port());
    let builder = Client::builder(&url).config(hasty()).token("secret");
    let asking = builder.clone().history_url(&elsewhere).connect().unwrap();
    let silent = builder.without_history().connect().unwrap();
    let mut unasked = silent.logs(&shop(), &name("web"));
    scene.lines = asking.logs(&shop(), &name("web"));
    scene.publish(50);
    scene.catch_up().await;
    for _ in 0..50 {
        let entry = timeout(DEADLINE, unasked.next()).await.expect("in time").unwrap().unwrap();
        assert!(matches!(entry, LogEntry::Line(_)), "{entry:?}");
    }
    scene.restart(61, 70, Some(1..=70)).await;
    scene.holds_all().await;
    let entry = timeout(DEADLINE, unasked.next()).await.expect("in time").unwrap().unwrap();
    assert_eq!((entry, scene.asked()), (LogEntry::Break, 0));
    let asked = ("/api/services/shop/web/logs".to_owned(), "secret".to_owned());
    assert_eq!(archive.seen(), [asked]);
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

/// What a refusal means to a reader.
#[tokio::test]
async fn filters_that_are_refused_are_an_error_of_their_readers_and_the_others_go_on() {
    let mut scene = Scene::begin().await;
    // A server takes 32 filters of one reader.
    let room = RoomName::system();
    let mut views = Vec::new();
    for (more, expected) in [(32, (32, 0)), (8, (32, 8))] {
        views.extend((0..more).map(|_| scene.client.latest::<ServiceStatus>(&room)));
        wait::until("those that are served and those that are not", DEADLINE, async || {
            let count = |is: fn(&Standing) -> bool| {
                views.iter().filter(|view| is(view.get().standing())).count()
            };
            let known = count(|standing| *standing == Standing::Known);
            let refused = count(|standing| matches!(standing, Standing::Refused(_)));
            let counts = (known, refused);
            (counts == expected).then_some(()).ok_or_else(|| format!("{counts:?}"))
        })
        .await;
    }
    scene.publish(5);
    scene.holds_all().await;
}
