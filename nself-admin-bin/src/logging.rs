//! What is logged, and how. Libraries log whole requests and messages below `info`, secrets included: of
//! those nothing below `info` is ever logged, whatever `RUST_LOG` says.

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

use crate::cli::LogFormat;

/// Begins to log to standard error.
pub(crate) fn start(format: LogFormat, verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "warn,nself_admin=info,nself_docker=info,nself_realtime=info",
        _ => "info,nself_admin=debug,nself_docker=debug,nself_realtime=debug",
    };
    let wanted = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let filter = wanted.and(filter_fn(is_harmless));
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
}

fn is_harmless(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO || metadata.target().starts_with("nself_")
}
