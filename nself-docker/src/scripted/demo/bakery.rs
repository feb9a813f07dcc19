//! A second project for the demo: one that can be built. Its files are real and are read and packed as
//! any other's; what the engine says of them is invented.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use nself_realtime::event::HealthState;

use crate::engine::{BuildFrame, PullFrame};
use crate::scripted::{Habit, ScriptedEngine};

impl ScriptedEngine {
    /// Writes the project that the demo can build, `bakery`, into a folder.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn write_demo_project(folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder.join("api"))?;
        for (name, text) in FILES {
            fs::write(folder.join(name), text)?;
        }
        Ok(())
    }
}

const FILES: [(&str, &str); 3] = [
    ("compose.yaml", include_str!("bakery/compose.yaml")),
    ("api/Dockerfile", include_str!("bakery/api/Dockerfile")),
    ("api/package.json", include_str!("bakery/api/package.json")),
];

/// Says how pulls and builds of the project go, and how its containers behave.
pub(super) fn prepare(engine: &ScriptedEngine) {
    let seconds = Duration::from_secs;
    engine.set_pull(
        "bakery/db:17",
        pull(&[("2a99f1b0c7d4", 31), ("90e57b4fd11a", 62), ("c1d2f6a80b35", 9)]),
    );
    engine.set_pull("bakery/web:1.27", pull(&[("7f1c3e09ab62", 12), ("55d20c9e8f17", 24)]));
    engine.set_build("bakery/api:dev", build());
    engine.set_habit(
        "bakery/db:17",
        Habit::new()
            .health(seconds(3), HealthState::Healthy)
            .prints("LOG:  database system is ready to accept connections"),
    );
    engine.set_habit("bakery/web:1.27", Habit::new().prints("start worker process 29"));
    engine.set_pull("bakery/migrations:42", pull(&[("a41b7709e2c3", 3)]));
    let migrates = Habit::new().exit(seconds(2), 0).prints("migrated to version 42");
    engine.set_habit("bakery/migrations:42", migrates);
    engine.set_habit("bakery/api:dev", Habit::new().prints("listening on :3000"));
}

/// Layers of so many MiB each, half a MiB at a time.
fn pull(layers: &[(&str, u64)]) -> Vec<(Duration, Result<PullFrame, crate::engine::EngineError>)> {
    let mut history = Vec::new();
    let mut say = |millis: u64, id: Option<&str>, status: &str, bytes: Option<(u64, u64)>| {
        let frame = PullFrame {
            id: id.map(str::to_owned),
            status: status.to_owned(),
            current: bytes.map(|(current, _)| current),
            total: bytes.map(|(_, total)| total),
        };
        history.push((Duration::from_millis(millis), Ok(frame)));
    };
    for (id, _) in layers {
        say(40, Some(id), "Pulling fs layer", None);
    }
    for (id, size) in layers {
        for part in 1..=2 * size {
            say(50, Some(id), "Downloading", Some((part * HALF, size * 2 * HALF)));
        }
        say(30, Some(id), "Download complete", None);
    }
    for (id, size) in layers {
        for part in 1..=*size / 2 {
            say(60, Some(id), "Extracting", Some((part * 4 * HALF, size * 2 * HALF)));
        }
        say(80, Some(id), "Pull complete", None);
    }
    say(20, None, "Status: Downloaded newer image", None);
    history
}

fn build() -> Vec<(Duration, Result<BuildFrame, crate::engine::EngineError>)> {
    let lines = [
        (100, "Step 1/6 : FROM bakery/base:22"),
        (300, " ---> 3f1a9b22c0de"),
        (100, "Step 2/6 : WORKDIR /app"),
        (200, " ---> Using cache"),
        (100, "Step 3/6 : COPY package.json ."),
        (300, " ---> 8be0d1f7a4c9"),
        (100, "Step 4/6 : RUN npm ci --omit=dev"),
        (200, " ---> Running in 5d0c66a1be3f"),
        (1_600, "added 214 packages in 3s"),
        (700, "31 packages are looking for funding"),
        (100, "found \u{1b}[32m0\u{1b}[39m vulnerabilities"),
        (300, " ---> 1c7e4b90d2fa"),
        (100, "Step 5/6 : COPY . ."),
        (400, " ---> 60a2ef9d317b"),
        (100, "Step 6/6 : CMD [\"node\", \"server.js\"]"),
        (200, " ---> e93b5a7c0f48"),
        (100, "Successfully built e93b5a7c0f48"),
        (50, "Successfully tagged bakery/api:dev"),
    ];
    lines
        .map(|(millis, line)| {
            (Duration::from_millis(millis), Ok(BuildFrame::Output(format!("{line}\n"))))
        })
        .into()
}

const HALF: u64 = 512 * 1024;
