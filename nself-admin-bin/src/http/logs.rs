//! Old lines of a service's log: `GET /api/services/{project}/{service}/logs`.

use std::fmt::Write as _;

use http::header::{self, HeaderValue};
use http::{Request, StatusCode};
use hyper::body::Incoming;
use nself_docker::{History, HistoryError, HistoryQuery};
use nself_realtime::event::{Level, LogLine, LogsStream, Source};
use nself_realtime::{Name, NanoTimestamp, RoomName};
use serde::Serialize;

use super::App;
use super::answer::{Answer, Refusal, json, with_body};
use super::api::services::named;
use super::guard::Granted;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    /// As in `logs:stream`, oldest first.
    lines: Vec<LogsStream>,
    /// Whether nothing older that matches was left out.
    complete: bool,
    unavailable: Vec<Unavailable>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Unavailable {
    container_id: Name,
    message: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Format {
    Json,
    Text,
}

/// Reads lines from the engine.
pub(super) async fn read(
    app: &App,
    granted: &Granted,
    request: &Request<Incoming>,
) -> Result<Answer, Refusal> {
    let (query, format) = parse(request.uri().query().unwrap_or_default())?;
    let (room, service) = named(granted)?;
    let history = app.docker.history(&room, &service, &query).await;
    let history = history.map_err(|error| refused(&error))?;
    Ok(match format {
        Format::Json => as_json(history),
        Format::Text => as_text(&room, &service, &history.lines),
    })
}

fn as_json(history: History) -> Answer {
    let unavailable = history
        .unavailable
        .into_iter()
        .map(|(container_id, error)| Unavailable { container_id, message: error.to_string() });
    let found = Found {
        unavailable: unavailable.collect(),
        complete: history.complete,
        lines: history.lines.into_iter().map(LogsStream::Line).collect(),
    };
    json(StatusCode::OK, &found)
}

/// One line of text each, with its time, to be kept as a file.
fn as_text(room: &RoomName, service: &Name, lines: &[LogLine]) -> Answer {
    let text = lines.iter().fold(String::new(), |mut text, LogLine { time, line, .. }| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{time} {line}");
        text
    });
    let mut answer =
        with_body(StatusCode::OK, "text/plain; charset=utf-8", "no-store", text.into());
    // Names have characters that a file name in a header may not have.
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let name: String = format!("{room}-{service}.log").chars().map(plain).collect();
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        answer.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    answer
}

fn parse(query: &str) -> Result<(HistoryQuery, Format), Refusal> {
    let (mut wanted, mut format) = (HistoryQuery::default(), Format::Json);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let field = format!("/{name}");
        let wrong = |form: &str| Refusal::bad_request(format!("{name} must be {form}")).at(&field);
        let value = value.replace('+', " ");
        let value = percent_encoding::percent_decode_str(&value).decode_utf8();
        let value = value.map_err(|_| wrong("UTF-8"))?;
        let time = || value.parse::<NanoTimestamp>().map_err(|error| wrong(&error.to_string()));
        wanted = match name {
            "tail" => {
                let most = HistoryQuery::MAX_TAIL;
                let lines = value.parse().ok().filter(|lines| (1..=most).contains(lines));
                wanted.tail(lines.ok_or_else(|| wrong(&format!("a number from 1 to {most}")))?)
            }
            "since" => wanted.since(time()?),
            "until" => wanted.until(time()?),
            "level" => {
                let levels: Option<Vec<Level>> = value.split(',').map(word).collect();
                wanted.levels(levels.ok_or_else(|| {
                    wrong("some of trace, debug, info, warn, error and fatal, with commas between them")
                })?)
            }
            "q" => wanted.text(&value),
            "source" => {
                wanted.source(word::<Source>(&value).ok_or_else(|| wrong("stdout or stderr"))?)
            }
            "format" => {
                format = match &*value {
                    "json" => Format::Json,
                    "text" => Format::Text,
                    _ => return Err(wrong("json or text")),
                };
                wanted
            }
            _ => return Err(Refusal::bad_request(format!("{name} is no parameter")).at(&field)),
        };
    }
    Ok((wanted, format))
}

/// Reads one of the words that stand for a value in events.
fn word<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
}

fn refused(error: &HistoryError) -> Refusal {
    let message = error.to_string();
    match error {
        HistoryError::NotFound { .. } => Refusal::not_found(message),
        HistoryError::EngineOffline => Refusal::engine_offline(message),
        HistoryError::Timeout { .. } => {
            Refusal::new(StatusCode::GATEWAY_TIMEOUT, "timeout", message)
        }
        _ => Refusal::unexpected(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_become_a_question() {
        let time = "2026-01-31T12:00:00.000000001Z";
        let text =
            format!("tail=7&since={time}&level=warn,error&q=a%20b+c&source=stderr&format=text");
        let (query, format) = parse(&text).unwrap();
        let expected = HistoryQuery::default()
            .tail(7)
            .since(time.parse().unwrap())
            .levels([Level::Warn, Level::Error])
            .text("a b c")
            .source(Source::Stderr);
        assert_eq!((query, format), (expected, Format::Text));
        assert_eq!(parse("").unwrap(), (HistoryQuery::default(), Format::Json));
    }

    #[test]
    fn wrong_parameters_are_refused_and_named() {
        for query in [
            "tail=0",
            "tail=10001",
            "tail=x",
            "since=yesterday",
            "until=",
            "level=loud",
            "source=stdin",
            "format=xml",
            "q=%ff",
            "colour=red",
        ] {
            let refusal = parse(query).unwrap_err();
            assert_eq!(refusal.status, StatusCode::BAD_REQUEST, "{query}");
        }
    }
}
