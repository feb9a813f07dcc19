//! A soak from its beginning to its end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bollard::Docker;
use nself_realtime::{Name, RoomName};
use nself_tests::browser::Browser;
use nself_tests::container::{Container, Recipe};
use nself_tests::engine::Engine;
use nself_tests::page::Page;
use nself_tests::server::Server;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::engine_log::Answers;
use super::report::{Outcome, PageUsage};
use super::visits::{Order, Seen, Visitor};
use crate::usage::Usage;

const PROJECT: &str = "soak";
const SERVICES: u32 = 10;
/// The page shows the logs of the first ones.
const ON_THE_PAGE: usize = 2;
const BETWEEN_SAMPLES: Duration = Duration::from_secs(10);
/// Containers print for so long before and after the clients, together.
const SPARE: Duration = Duration::from_mins(10);
/// Logs turn over, as they do where somebody has thought of the disk.
const ROTATION: &[(&str, &str)] = &[("max-size", "20m"), ("max-file", "3")];

/// For what comes by itself once everybody has gone, or come.
const PATIENCE: Duration = Duration::from_mins(2);

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How long clients come and go.
    pub time: Duration,
    /// Memory is judged from then on.
    pub warm_up: Duration,
    /// How many clients there are at the most.
    pub clients: usize,
    /// Printed lines a second, by all services together.
    pub lines: u32,
    /// How often the engine is killed and started again.
    pub restarts: u32,
    /// Where chance begins.
    pub seed: u64,
}

/// Does it, and tells on standard error how it goes.
///
/// # Errors
///
/// The program cannot be looked at: it has ended.
///
/// # Panics
///
/// Where something of the stage does not start: the engine, the program, the browser.
pub async fn run(plan: &Plan) -> io::Result<Outcome> {
    let engine = Engine::start_with_live_restore().await;
    let docker = engine.docker().await;
    let (names, containers) = printers(&docker, plan).await?;
    let server = Server::start(&["--docker-host", &engine.host()]).await;
    let browser = Browser::start().await;
    let before = rested(&server, &browser, &names).await?;

    let (missing, found) = mpsc::channel(1_024);
    let answers = tokio::spawn(Answers::default().collect(docker, containers, found));
    let (seen, orders) = (Arc::new(Seen::default()), watch::Sender::new(Order::Hurry));
    let room = RoomName::new(PROJECT).map_err(io::Error::other)?;
    let mut visitors = JoinSet::new();
    for number in 0..plan.clients {
        let place = (room.clone(), Arc::clone(&names));
        let port = server.port();
        let visitor =
            Visitor::new(number, plan.seed, port, place, Arc::clone(&seen), missing.clone()).await;
        visitors.spawn(visitor.follow(orders.subscribe()));
    }
    drop(missing);

    Page::open(&browser, &log_of(&server, &names)).await.holds_lines(100).await;
    let mut stage =
        Stage { plan, engine: &engine, server: &server, browser: &browser, seen: &seen, orders };
    let course = stage.play().await?;

    stage.orders.send_replace(Order::Leave);
    while visitors.join_next().await.is_some() {}
    browser.close().await;
    let after = emptied(&server, &before, plan.time).await?;
    let answers = answers.await.map_err(io::Error::other)?;
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    Ok(Outcome {
        minutes: plan.time.as_secs_f64() / 60.0,
        clients: plan.clients,
        lines_per_second: plan.lines,
        restarts: plan.restarts,
        seed: plan.seed,
        warm_up_seconds: plan.warm_up.as_secs_f64(),
        before,
        samples: course.samples,
        assembled: course.assembled,
        after,
        page: course.page,
        visits: count(&seen.visits),
        lines: count(&seen.lines),
        told: count(&seen.told),
        announced: count(&seen.announced),
        lost_by_engine: answers.lost_by_engine,
        untold: answers.untold,
        wrong: count(&seen.wrong),
        failed: count(&seen.failed),
    })
}

/// What the program uses when nobody is there, after the page was there once: what is made at the first need
/// and kept is no leak.
async fn rested(server: &Server, browser: &Browser, names: &[Name]) -> io::Result<Usage> {
    Page::open(browser, &log_of(server, names)).await.holds_lines(100).await;
    browser.open("about:blank").await;
    let begun = Instant::now();
    loop {
        sleep(BETWEEN_SAMPLES).await;
        let usage = Usage::of(server, 0.0).await?;
        eprintln!("{}", usage.row("before"));
        if usage.followers == 0 && usage.sockets == 0 {
            return Ok(usage);
        }
        if begun.elapsed() >= PATIENCE {
            return Err(io::Error::other("nobody is there, and logs are read from the engine"));
        }
    }
}

fn log_of(server: &Server, names: &[Name]) -> String {
    let shown: Vec<&str> = names.iter().take(ON_THE_PAGE).map(Name::as_str).collect();
    server.url(&format!("/logs/{PROJECT}/{}", shown.join(",")))
}

async fn printers(docker: &Docker, plan: &Plan) -> io::Result<(Arc<[Name]>, Vec<Container>)> {
    let per_tenth = (plan.lines / 10 / SERVICES).max(1).to_string();
    let tenths = ((plan.time + SPARE).as_secs() * 10).to_string();
    let (mut names, mut containers) = (Vec::new(), Vec::new());
    for number in 0..SERVICES {
        let name = format!("s{number}");
        let command = ["/printer", "steady", &per_tenth, &tenths];
        let recipe = Recipe::new(PROJECT, &name, &command).logging("json-file", ROTATION);
        containers.push(recipe.start(docker).await);
        names.push(Name::new(name).map_err(io::Error::other)?);
    }
    Ok((names.into(), containers))
}

struct Stage<'a> {
    plan: &'a Plan,
    engine: &'a Engine,
    server: &'a Server,
    browser: &'a Browser,
    seen: &'a Seen,
    orders: watch::Sender<Order>,
}

/// What was written down.
#[derive(Debug, Default)]
struct Course {
    samples: Vec<Usage>,
    assembled: Vec<Usage>,
    page: Vec<PageUsage>,
}

impl Stage<'_> {
    /// From the first client to the last gathering.
    async fn play(&mut self) -> io::Result<Course> {
        let begun = Instant::now();
        let mut course = Course::default();
        let mut ticks = interval(BETWEEN_SAMPLES);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut restarts = 0;
        eprintln!("{}", Usage::HEADER);
        while begun.elapsed() < self.plan.time {
            ticks.tick().await;
            let usage = Usage::of(self.server, begun.elapsed().as_secs_f64()).await?;
            eprintln!("{}", usage.row(&usage.minute()));
            course.samples.push(usage);
            if begun.elapsed().as_secs() / 60 >= course.page.len() as u64 {
                course.page.push(self.look_at_page(begun).await);
            }
            if begun.elapsed() >= self.plan.warm_up && course.assembled.is_empty() {
                course.assembled.push(self.assemble(begun).await?);
                self.orders.send_replace(Order::ComeAndGo);
            }
            let next = self.plan.time * (restarts + 1) / (self.plan.restarts + 1);
            if restarts < self.plan.restarts && begun.elapsed() >= next {
                restarts += 1;
                self.engine.kill();
                self.engine.start_daemon().await;
                eprintln!("the engine was killed and answers again, {restarts}");
            }
        }
        course.assembled.push(self.assemble(begun).await?);
        Ok(course)
    }

    /// Calls all clients to their places, and measures once they are there.
    async fn assemble(&self, begun: Instant) -> io::Result<Usage> {
        self.orders.send_replace(Order::Stay);
        let expected = self.plan.clients as u64 + 1;
        let deadline = Instant::now() + PATIENCE;
        loop {
            sleep(BETWEEN_SAMPLES).await;
            let usage = Usage::of(self.server, begun.elapsed().as_secs_f64()).await?;
            if usage.sockets == expected || Instant::now() >= deadline {
                // Once more, when nobody's coming is under way.
                sleep(BETWEEN_SAMPLES).await;
                let usage = Usage::of(self.server, begun.elapsed().as_secs_f64()).await?;
                eprintln!("{}", usage.row(&format!("{}, all there", usage.minute())));
                return Ok(usage);
            }
        }
    }

    async fn look_at_page(&self, begun: Instant) -> PageUsage {
        let elements = self.browser.run("return document.querySelectorAll('*').length").await;
        let usage = PageUsage {
            seconds: begun.elapsed().as_secs_f64(),
            heap_mib: self.browser.heap().await,
            elements: elements.as_u64().unwrap_or_default(),
        };
        let badge =
            self.browser.run("return document.querySelector('#connection')?.dataset.state").await;
        eprintln!(
            "page: heap {:.1} MiB, {} elements, {}; clients: {} visits, {} lines, {} told to be missing, {} wrong",
            usage.heap_mib,
            usage.elements,
            badge.as_str().map_or(Value::Null.to_string(), str::to_owned),
            self.seen.visits.load(Ordering::Relaxed),
            self.seen.lines.load(Ordering::Relaxed),
            self.seen.told.load(Ordering::Relaxed),
            self.seen.wrong.load(Ordering::Relaxed),
        );
        usage
    }
}

/// What is in use when nobody is there any more: as soon as it is no more than before, else after a while.
async fn emptied(server: &Server, before: &Usage, end: Duration) -> io::Result<Usage> {
    let begun = Instant::now();
    loop {
        let seconds = (end + begun.elapsed()).as_secs_f64();
        let usage = Usage::of(server, seconds).await?;
        eprintln!("{}", usage.row("after"));
        let back = usage.descriptors <= before.descriptors && usage.tasks <= before.tasks;
        if back || begun.elapsed() >= PATIENCE {
            return Ok(usage);
        }
        sleep(BETWEEN_SAMPLES).await;
    }
}
