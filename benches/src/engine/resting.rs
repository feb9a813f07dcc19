//! What a page costs that is left open on ten services with their stats and no log; and the same page once it
//! has been hidden for so long that it does not ask for stats any more.

use std::time::Duration;

use nself_tests::browser::Browser;
use nself_tests::page::Page;
use nself_tests::wait;

use super::{PROJECT, Stage, Used, of_a_core, service, start_services};
use crate::usage::Usage;

const SERVICES: usize = 10;

pub(super) async fn resting(stage: &Stage, time: Duration) {
    start_services(&stage.docker, 0..SERVICES, "sleep 100000").await;
    let browser = Browser::start().await;
    let page = Page::open(&browser, &stage.server.url("/")).await;
    page.all_run(PROJECT, SERVICES).await;
    for number in 0..SERVICES {
        page.measures(PROJECT, &service(number), ".cpu", -1.0).await;
    }
    print_used("a page on ten services and their stats", stage.use_within(time).await, time);

    page.set_hidden(true).await;
    wait::until("nobody to ask for stats", PATIENCE, async || {
        let usage = Usage::of(&stage.server, 0.0).await.expect("the program lives");
        if usage.followers == 0 { Ok(()) } else { Err(format!("{} are read", usage.followers)) }
    })
    .await;
    print_used("the same page, hidden", stage.use_within(time).await, time);
    browser.close().await;
}

fn print_used(what: &str, used: Used, time: Duration) {
    let (program, engine) = (of_a_core(used.program, time), of_a_core(used.engine, time));
    println!(
        "{what}: {program:.2} % of a core; the engine {engine:.2} %, together {:.2} %",
        program + engine
    );
}

/// The page waits for half a minute, the program a little longer.
const PATIENCE: Duration = Duration::from_mins(2);
