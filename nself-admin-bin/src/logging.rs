//! What is logged, and how. Libraries log whole requests and messages below `info`, secrets included: of
//! those nothing below `info` is ever logged, whatever `RUST_LOG` says.

use std::io::{self, IsTerminal as _};

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

use crate::cli::LogFormat;

/// What is in `RUST_LOG` says nothing about a log.
#[derive(Debug, thiserror::Error)]
#[error(
    "RUST_LOG {text:?}: {source}; write a level, or levels by module, such as warn,nself_docker=debug"
)]
pub(crate) struct LogError {
    text: String,
    source: ParseError,
}

/// Begins to log to standard error.
///
/// # Errors
///
/// [`LogError`]: nothing is logged.
pub(crate) fn start(format: LogFormat, verbose: u8) -> Result<(), LogError> {
    let wanted = wanted(std::env::var("RUST_LOG").ok(), verbose)?;
    let colored = io::stderr().is_terminal();
    subscriber(format, wanted, io::stderr, colored).init();
    Ok(())
}

fn wanted(said: Option<String>, verbose: u8) -> Result<EnvFilter, LogError> {
    match said.filter(|text| !text.is_empty()) {
        Some(text) => EnvFilter::try_new(&text).map_err(|source| LogError { text, source }),
        None => Ok(EnvFilter::new(unless_said_by_module(verbose))),
    }
}

/// What is logged where `RUST_LOG` does not say it.
fn unless_said_by_module(verbose: u8) -> &'static str {
    match verbose {
        0 => "warn",
        1 => "warn,nself_admin=info,nself_docker=info,nself_realtime=info",
        _ => "info,nself_admin=debug,nself_docker=debug,nself_realtime=debug",
    }
}

fn subscriber<W>(
    format: LogFormat,
    wanted: EnvFilter,
    writer: W,
    colored: bool,
) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(writer).with_ansi(colored);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(wanted.and(filter_fn(is_harmless))))
}

fn is_harmless(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO || metadata.target().starts_with("nself_")
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing::subscriber::with_default;

    use super::*;

    /// Lines, to be looked at.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written of what `speak` says.
    fn written(format: LogFormat, filter: &str, speak: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber(format, EnvFilter::new(filter), move || writer.clone(), false);
        with_default(subscriber, speak);
        let bytes = std::mem::take(&mut *lines.0.lock().unwrap());
        String::from_utf8(bytes).unwrap()
    }

    /// Says something at each level, within a span of its own, as that module.
    macro_rules! speak_as {
        ($target:literal) => {
            let span = tracing::trace_span!(target: $target, "within", of = $target);
            let _within = span.enter();
            tracing::error!(target: $target, concat!($target, " error"));
            tracing::warn!(target: $target, concat!($target, " warn"));
            tracing::info!(target: $target, concat!($target, " info"));
            tracing::debug!(target: $target, concat!($target, " debug"));
            tracing::trace!(target: $target, concat!($target, " trace"));
        };
    }

    fn speak() {
        speak_as!("nself_admin::http");
        speak_as!("nself_docker");
        speak_as!("nself_realtime");
        speak_as!("hyper::proto");
        speak_as!("bollard");
        speak_as!("rustls");
        speak_as!("tokio_tungstenite");
        speak_as!("mio");
    }

    #[test]
    fn a_filter_that_says_nothing_is_named_with_the_mend() {
        let refused = wanted(Some("nself_docker=loud".to_owned()), 0).unwrap_err().to_string();
        assert!(refused.starts_with("RUST_LOG \"nself_docker=loud\": "), "{refused}");
        assert!(refused.ends_with("such as warn,nself_docker=debug"), "{refused}");
        assert!(wanted(Some(String::new()), 0).is_ok() && wanted(None, 2).is_ok());
    }

    const OWN: [&str; 3] = ["nself_admin::http", "nself_docker", "nself_realtime"];
    const FOREIGN: [&str; 5] = ["hyper::proto", "bollard", "rustls", "tokio_tungstenite", "mio"];

    /// Fails unless these are told down to that level, and nothing below.
    fn are_told(text: &str, targets: &[&str], least: &str) {
        let levels = ["error", "warn", "info", "debug", "trace"];
        let told = levels.iter().position(|level| *level == least).unwrap();
        for target in targets {
            for (at, level) in levels.iter().enumerate() {
                let line = format!("{target} {level}");
                assert_eq!(text.contains(&line), at <= told, "{line:?} in\n{text}");
            }
        }
    }

    #[test]
    fn libraries_say_nothing_below_info_whatever_is_asked_for() {
        for (filter, own, foreign) in [
            (unless_said_by_module(0), "warn", "warn"),
            (unless_said_by_module(1), "info", "warn"),
            (unless_said_by_module(2), "debug", "info"),
            ("trace", "trace", "info"),
            ("warn,hyper=trace,bollard=debug,rustls=trace,nself_docker=warn", "warn", "warn"),
        ] {
            for format in [LogFormat::Text, LogFormat::Json] {
                let text = written(format, filter, speak);
                are_told(&text, &OWN, own);
                let asked_for = filter.contains("hyper=");
                are_told(&text, &FOREIGN[..3], if asked_for { "info" } else { foreign });
                are_told(&text, &FOREIGN[3..], foreign);
                let within = |target: &&str| {
                    text.contains(&format!("of=\"{target}\""))
                        || text.contains(&format!("\"of\":\"{target}\""))
                };
                assert!(!FOREIGN.iter().any(within), "a span of a library in\n{text}");
                assert_eq!(OWN.iter().all(within), filter == "trace", "own spans in\n{text}");
            }
        }
    }
}
