//! One conformance suite for every transport: the transcripts of `tests/transcripts`, played over each
//! of them, and over every two by turns.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod client;
mod framed;
mod poll;
mod recorded;
mod runner;
mod sse;
mod transcript;
mod world;

use std::path::{Path, PathBuf};

use crate::client::Kind;
use crate::runner::{Route, play};
use crate::transcript::Transcript;

fn transcripts() -> Vec<Transcript> {
    files().iter().map(|file| read(file)).collect()
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/transcripts");
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort_unstable();
    files
}

fn read(file: &Path) -> Transcript {
    let text = std::fs::read_to_string(file).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

async fn play_all(route: Route) {
    let mut played = 0;
    for transcript in transcripts() {
        if !transcript.not.keys().any(|kind| route.uses(*kind)) {
            play(&transcript, route).await;
            played += 1;
        }
    }
    assert!(played >= 12, "only {played} transcripts were played");
}

#[tokio::test(start_paused = true)]
async fn every_transcript_holds_over_websocket() {
    play_all(Route::Only(Kind::WebSocket)).await;
}

#[tokio::test(start_paused = true)]
async fn every_transcript_holds_within_a_program() {
    play_all(Route::Only(Kind::Memory)).await;
}

#[tokio::test(start_paused = true)]
async fn every_transcript_holds_over_server_sent_events() {
    play_all(Route::Only(Kind::Sse)).await;
}

#[tokio::test(start_paused = true)]
async fn every_transcript_holds_over_polls() {
    play_all(Route::Only(Kind::Poll)).await;
}

#[tokio::test(start_paused = true)]
async fn every_transcript_holds_when_the_transport_changes_at_each_cut() {
    for one in Kind::ALL {
        for other in Kind::ALL.into_iter().filter(|other| *other != one) {
            play_all(Route::ByTurns(one, other)).await;
        }
    }
}

/// Routes that are recorded, by the names that they have there.
const RECORDED: [(&str, Route); 4] = [
    ("websocket", Route::Only(Kind::WebSocket)),
    ("poll", Route::Only(Kind::Poll)),
    ("websocket, then poll", Route::ByTurns(Kind::WebSocket, Kind::Poll)),
    ("poll, then websocket", Route::ByTurns(Kind::Poll, Kind::WebSocket)),
];

#[tokio::test(start_paused = true)]
async fn what_goes_over_the_wire_is_what_was_recorded() {
    for file in files() {
        let transcript = read(&file);
        let mut played = Vec::new();
        for (name, route) in RECORDED {
            if !transcript.not.keys().any(|kind| route.uses(*kind)) {
                played.push((name, play(&transcript, route).await));
            }
        }
        recorded::compare(&file, played);
    }
}

#[test]
fn what_a_transport_cannot_express_is_said_and_frames_express_all() {
    for transcript in transcripts() {
        for (kind, why) in &transcript.not {
            assert!(matches!(kind, Kind::Sse | Kind::Poll), "{}", transcript.name);
            assert!(!why.is_empty(), "{}", transcript.name);
        }
    }
}
