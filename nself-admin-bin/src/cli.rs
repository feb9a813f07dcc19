//! The command line.

#![expect(clippy::doc_markdown, reason = "comments here are printed as help, as they stand")]

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

/// A live web page for a Compose stack: status, logs and stats as they happen.
#[derive(Debug, Parser)]
#[command(name = "nself-admin", version, about, max_term_width = 100)]
pub(crate) struct Cli {
    /// Where to serve the page; only loopback addresses, since there is no sign-in yet
    #[arg(long, value_name = "ADDR", env = "NSELF_LISTEN", default_value = "127.0.0.1:3021",
        value_parser = address)]
    pub(crate) listen: SocketAddr,

    /// The engine: unix:///path, tcp://host:port; default: DOCKER_HOST, the Docker context, then the
    /// usual sockets
    #[arg(long, value_name = "URL", conflicts_with = "demo")]
    pub(crate) docker_host: Option<String>,

    /// Show a scripted stack instead of a real engine's
    #[arg(long)]
    pub(crate) demo: bool,

    /// The Compose project that can be built; default: the one here, if a Compose file lies here
    #[arg(long, value_name = "DIR", env = "NSELF_PROJECT", conflicts_with = "demo")]
    pub(crate) project: Option<PathBuf>,

    /// Serve without sign-in; only with a loopback address
    #[arg(long)]
    pub(crate) no_auth: bool,

    /// Where to keep what outlives a restart; created, for its owner only, if it is not there
    #[arg(long, value_name = "DIR", env = "NSELF_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "write an address and a port, such as 127.0.0.1:3021 or [::1]:3021")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_arguments_it_serves_on_port_3021_of_loopback() {
        let cli = Cli::try_parse_from(["nself-admin"]).unwrap();
        assert_eq!(cli.listen, "127.0.0.1:3021".parse().unwrap());
        assert!(!cli.demo);
    }

    #[test]
    fn a_bad_address_is_refused_with_the_mend() {
        let error = Cli::try_parse_from(["nself-admin", "--listen", "localhost"]).unwrap_err();
        assert!(error.to_string().contains("such as 127.0.0.1:3021"), "{error}");
    }
}
