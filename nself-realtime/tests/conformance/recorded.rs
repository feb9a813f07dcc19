//! What went over the wire while a transcript was played, kept under `tests/transcripts/recorded` for
//! clients in other languages to play. Events that the transcript publishes are told by their positions.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::client::Kind;
use crate::runner::Exchange;

/// Set it to write the recordings anew.
const RECORD: &str = "NSELF_RECORD_TRANSCRIPTS";

/// Compares what went over the wire, by the name of its route, with what is recorded for a transcript.
pub(crate) fn compare(transcript: &Path, played: Vec<(&'static str, Vec<Exchange>)>) {
    let routes = played.into_iter().map(|(route, exchanges)| {
        let exchanges = exchanges.into_iter().map(written).collect::<Vec<_>>();
        (route.to_owned(), Value::Array(exchanges))
    });
    let text = lines_of(&routes.collect());
    let file = file_of(transcript);
    if std::env::var_os(RECORD).is_some() {
        std::fs::write(&file, text).unwrap();
        return;
    }
    let recorded = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        recorded == text,
        "what goes over the wire is no longer what {} says.\n{}\nIf it should be so, run the test with {RECORD}=1.",
        file.display(),
        difference(&recorded, &text)
    );
}

fn file_of(transcript: &Path) -> PathBuf {
    let folder = transcript.parent().unwrap().join("recorded");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(transcript.file_name().unwrap())
}

fn written(exchange: Exchange) -> Value {
    let Exchange { step, over, sent, received, published } = exchange;
    let over = if over == Kind::Poll { "poll" } else { "websocket" };
    let received: Vec<Value> = received
        .into_iter()
        .map(|mut frame| {
            for name in ["events", "snapshot"] {
                shorten(&mut frame, name, &published);
            }
            let rooms = frame.get_mut("rooms").and_then(Value::as_array_mut);
            for room in rooms.into_iter().flatten() {
                for name in ["events", "snapshot"] {
                    shorten(room, name, &published);
                }
            }
            frame
        })
        .collect();
    json!({"step": step, "over": over, "sent": sent, "received": received})
}

/// Events as they were published become `{"seq":[from,to],"timestamp":…}`.
fn shorten(frame: &mut Value, name: &str, published: &[(String, Value)]) {
    let room = frame["room"].clone();
    let Some(events) = frame.get_mut(name).and_then(Value::as_array_mut) else { return };
    if room == "system" {
        return;
    }
    let mut short: Vec<Value> = Vec::new();
    for event in events.drain(..) {
        let seq = event["seq"].as_u64().unwrap();
        let (event_type, data) = &published[usize::try_from(seq).unwrap() - 1];
        assert_eq!((&event["type"], &event["data"]), (&json!(event_type), data));
        let joins = |last: &Value| {
            last["seq"][1] == json!(seq - 1) && last["timestamp"] == event["timestamp"]
        };
        match short.last_mut() {
            Some(last) if joins(last) => last["seq"][1] = json!(seq),
            _ => short.push(json!({"seq": [seq, seq], "timestamp": event["timestamp"]})),
        }
    }
    *events = short;
}

/// One line for each exchange.
fn lines_of(routes: &Map<String, Value>) -> String {
    let routes = routes.iter().map(|(route, exchanges)| {
        let exchanges = exchanges.as_array().unwrap().iter();
        let exchanges: Vec<String> = exchanges.map(|exchange| format!("  {exchange}")).collect();
        format!("\"{route}\": [\n{}\n]", exchanges.join(",\n"))
    });
    format!("{{\n{}\n}}\n", routes.collect::<Vec<_>>().join(",\n"))
}

fn difference(recorded: &str, played: &str) -> String {
    let lines = recorded.lines().map(Some).chain(std::iter::repeat(None)).zip(played.lines());
    let differs = lines.into_iter().find(|(recorded, played)| *recorded != Some(*played));
    differs.map_or_else(String::new, |(recorded, played)| {
        format!("recorded: {}\nplayed:   {played}", recorded.unwrap_or("nothing"))
    })
}
