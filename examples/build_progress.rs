//! Builds as progress bars in a terminal, and as lines elsewhere.
//!
//! `build_progress [URL ROOM]`, for instance `build_progress ws://127.0.0.1:3021/api/ws shop`. Without
//! arguments it shows a build of its own, and ends with it.

use indicatif::{ProgressBar, ProgressStyle};
use nself_examples::{Demo, Error, shop};
use nself_realtime::client::{BuildWatch, Client};
use nself_realtime::event::{BuildProgress, ProgressStatus};
use nself_realtime::{Name, RoomName};

/// Shows builds; until the first has ended, or for ever.
async fn show(mut builds: BuildWatch, for_ever: bool) -> Result<(), Error> {
    let bar = ProgressBar::new(100);
    bar.set_style(ProgressStyle::with_template("{bar:30} {percent:>3} % {msg}")?);
    let mut shown = 0;
    while let Some(now) = builds.changed().await {
        // The newest says how it stands; what came since the last look says how it got there.
        for event in now.all().filter(|event| event.seq > shown) {
            let BuildProgress { current_step, total_steps, step, progress, .. } = &event.data;
            println!("[{current_step}/{total_steps}] {step}: {progress} %");
            for line in &event.data.logs {
                println!("      {line}");
            }
        }
        shown = now.all().next_back().map_or(shown, |event| event.seq);
        if let Some(build) = now.latest() {
            bar.set_message(build.step.clone());
            // Percent of the whole, so between 0 and 100.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a percentage"
            )]
            bar.set_position(build.progress as u64);
        }
        let ended = now.latest().is_some() && !now.is_building();
        if ended && !for_ever {
            bar.finish();
            println!("{}", if now.is_complete() { "complete" } else { "failed" });
            break;
        }
    }
    Ok(())
}

async fn demo() -> Result<(), Error> {
    let demo = Demo::start().await?;
    let client = Client::builder(&demo.url).connect()?;
    let showing = tokio::spawn(show(client.build_progress(&shop()), false));
    let steps = ["pull", "compile", "push"];
    for (number, step) in (1..).zip(steps) {
        let last = number == 3;
        demo.shop.build_progress(&BuildProgress {
            build_id: Name::new("b1")?,
            step: step.to_owned(),
            status: if last { ProgressStatus::Complete } else { ProgressStatus::InProgress },
            progress: if last { 100.0 } else { 30.0 * f64::from(number) },
            current_step: number,
            total_steps: 3,
            message: None,
            logs: vec![format!("{step} is done")],
            logs_dropped: None,
            error: None,
            elapsed_ms: None,
            items: Vec::new(),
        })?;
    }
    showing.await?
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, room] = arguments.as_slice() else { return demo().await };
    let client = Client::builder(url).connect()?;
    show(client.build_progress(&RoomName::new(room)?), true).await
}
