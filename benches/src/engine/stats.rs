//! What watching stats costs: everybody's, by one client.

use std::time::Duration;

use nself_realtime::event::DockerStats;

use super::{Stage, a_minute, of_a_core, room, start_services};

/// So many containers.
const WATCHED: [usize; 2] = [10, 50];

pub(super) async fn stats(stage: &Stage, time: Duration) {
    let client = stage.client();
    let mut running = 0;
    for count in WATCHED {
        start_services(&stage.docker, running..count, "sleep 100000").await;
        running = count;
        let mut watched = client.latest::<DockerStats>(&room());
        let all = watched.wait_for(|latest| latest.len() >= count).await;
        all.expect("the client lives");
        let used = stage.use_within(time).await;
        println!(
            "stats of {count} containers: {:.2} CPU seconds a minute, {:.2} % of a core; the engine {:.2}",
            a_minute(used.program, time),
            of_a_core(used.program, time),
            a_minute(used.engine, time),
        );
    }
}
