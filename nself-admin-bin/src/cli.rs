//! The command line.

#![expect(clippy::doc_markdown, reason = "comments here are printed as help, as they stand")]

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::parser::ValueSource;
use clap::{
    ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum,
};
use ipnet::IpNet;
use nself_docker::compose::Rule;
use nself_realtime::Name;
use serde::Deserialize;

use crate::access::Role;
use crate::http::Site;

/// A live web page for a Compose stack: status, logs and stats as they happen.
///
/// Without a command it serves. Each option can be given as an NSELF_ variable, too, and in the file of
/// --config; an option wins over a variable, which wins over the file.
#[derive(Debug, Parser)]
#[command(
    name = "nself-admin",
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: Serve,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the page (what is done without a command, too)
    Serve(Box<Serve>),
    /// Set the password, typed at the terminal or read from standard input; ends every session
    SetPassword(State),
    /// Make a link that signs in whoever opens it first, within 15 minutes
    LoginLink {
        /// What the one who opens it may do
        #[arg(long, value_enum, default_value = "admin")]
        role: Role,
        #[command(flatten)]
        state: State,
    },
    /// Tokens for programs, sent as Authorization: Bearer
    Token {
        #[command(subcommand)]
        action: Token,
    },
    /// Look whether everything is there that serving needs; takes the options of serve
    Doctor(Box<Serve>),
    /// Ask the running server whether it is well; for HEALTHCHECK lines and scripts
    Healthcheck(State),
    /// Print every address with the role that it needs
    Routes,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token and print it, once
    Create {
        /// What it is called
        name: Name,
        /// What it may do
        #[arg(long, value_enum, default_value = "viewer")]
        role: Role,
        #[command(flatten)]
        state: State,
    },
    /// List the tokens
    List(State),
    /// Revoke a token; its connections end within a second
    Revoke {
        /// Which one
        name: Name,
        #[command(flatten)]
        state: State,
    },
}

/// Where the state is.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct State {
    /// Where passwords, tokens and the audit log are kept; default: nself-admin in the XDG state folder
    #[arg(long, value_name = "DIR", env = "NSELF_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// How to serve. What is not given here may be given by the file.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Serve {
    /// Where to serve the page [default: 127.0.0.1:3021]
    #[arg(long, value_name = "ADDR", env = "NSELF_LISTEN", value_parser = address)]
    pub(crate) listen: Option<SocketAddr>,

    /// The engine: unix:///path, tcp://host:port; default: DOCKER_HOST, the Docker context, then the
    /// usual sockets
    #[arg(long, value_name = "URL", env = "NSELF_DOCKER_HOST")]
    pub(crate) docker_host: Option<String>,

    /// Show a scripted stack instead of a real engine's
    #[arg(long, env = "NSELF_DEMO", value_name = "BOOL", value_parser = BoolishValueParser::new(),
        num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub(crate) demo: Option<bool>,

    /// Watch only containers with that label, as label=name or label=name=value; repeatable, all must be
    /// there
    #[arg(long, value_name = "LABEL", env = "NSELF_FILTER", value_delimiter = ',', value_parser = label)]
    pub(crate) filter: Vec<String>,

    /// The Compose project that belongs to this page; default: the working folder, if it has a Compose
    /// file
    #[arg(long, value_name = "DIR", env = "NSELF_PROJECT")]
    pub(crate) project: Option<PathBuf>,

    /// What the project's Compose file may ask for although it gives containers more of this host, such as
    /// privileged or bind-outside-project; repeatable
    #[arg(long, value_name = "RULE", env = "NSELF_ALLOW", value_delimiter = ',')]
    pub(crate) allow: Vec<Rule>,

    /// The name of the environment, shown as a badge; default: ENV or ENVIRONMENT of the project's .env
    #[arg(long, value_name = "NAME", env = "NSELF_ENV")]
    pub(crate) env: Option<String>,

    /// Let nobody start, stop or build anything
    #[arg(long, env = "NSELF_READ_ONLY", value_name = "BOOL", value_parser = BoolishValueParser::new(),
        num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub(crate) read_only: Option<bool>,

    /// Serve without sign-in, everybody as admin; only with a loopback address
    #[arg(long, env = "NSELF_NO_AUTH", value_name = "BOOL", value_parser = BoolishValueParser::new(),
        num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub(crate) no_auth: Option<bool>,

    #[command(flatten)]
    pub(crate) state: State,

    /// How long a sign-in holds without being used [default: 30m]
    #[arg(long, value_name = "TIME", env = "NSELF_SESSION_IDLE", value_parser = duration)]
    pub(crate) session_idle: Option<Duration>,

    /// How long a sign-in holds without being renewed, at most 12h [default: 12h]
    #[arg(long, value_name = "TIME", env = "NSELF_SESSION_LIFETIME", value_parser = duration)]
    pub(crate) session_lifetime: Option<Duration>,

    /// The certificate chain, as PEM
    #[arg(long, value_name = "FILE", env = "NSELF_TLS_CERT")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The key of the certificate, as PEM
    #[arg(long, value_name = "FILE", env = "NSELF_TLS_KEY")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Serve TLS with a certificate of its own, kept in the state folder
    #[arg(long, env = "NSELF_TLS_SELF_SIGNED", value_name = "BOOL", value_parser = BoolishValueParser::new(),
        num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub(crate) tls_self_signed: Option<bool>,

    /// Listen beyond loopback without TLS: behind a proxy that speaks it
    #[arg(long, env = "NSELF_INSECURE_PLAIN_HTTP", value_name = "BOOL", value_parser = BoolishValueParser::new(),
        num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub(crate) insecure_plain_http: Option<bool>,

    /// An address under which browsers reach this server, scheme included; repeatable
    #[arg(long, value_name = "URL", env = "NSELF_PUBLIC_URL", value_delimiter = ',', value_parser = site)]
    pub(crate) public_url: Vec<Site>,

    /// A proxy whose X-Forwarded-For is believed, as 10.0.0.0/8; repeatable
    #[arg(long, value_name = "CIDR", env = "NSELF_TRUSTED_PROXY", value_delimiter = ',', value_parser = network)]
    pub(crate) trusted_proxy: Vec<IpNet>,

    /// Connections at once [default: 1024]
    #[arg(long, value_name = "N", env = "NSELF_MAX_CONNECTIONS")]
    pub(crate) max_connections: Option<NonZeroUsize>,

    /// Connections at once of one address [default: 64, and 256 from loopback]
    #[arg(long, value_name = "N", env = "NSELF_MAX_CONNECTIONS_PER_ADDRESS")]
    pub(crate) max_connections_per_address: Option<NonZeroUsize>,

    /// Serve metrics at /metrics of this address, without sign-in
    #[arg(long, value_name = "ADDR", env = "NSELF_METRICS_LISTEN", value_parser = address)]
    pub(crate) metrics_listen: Option<SocketAddr>,

    /// A file with these options, in TOML
    #[arg(long, value_name = "FILE", env = "NSELF_CONFIG")]
    pub(crate) config: Option<PathBuf>,

    /// How log lines look [default: text]
    #[arg(long, value_name = "FORMAT", env = "NSELF_LOG_FORMAT", value_enum)]
    pub(crate) log_format: Option<LogFormat>,

    /// Log more: -v what happens, -vv in detail; RUST_LOG says it by module
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

impl Cli {
    /// Reads the command line and the environment; ends the program if they are wrong or only ask for help.
    pub(crate) fn read() -> Self {
        Self::of(&Self::command().get_matches()).unwrap_or_else(|error| error.exit())
    }

    fn of(given: &ArgMatches) -> Result<Self, clap::Error> {
        let mut cli = Self::from_arg_matches(given)?;
        match (&mut cli.command, given.subcommand()) {
            (Some(Command::Serve(serve) | Command::Doctor(serve)), Some((_, given))) => {
                serve.prefer_options(given);
            }
            (None, _) => cli.serve.prefer_options(given),
            (Some(_), _) => {}
        }
        Ok(cli)
    }
}

impl Serve {
    /// Of one engine and one certificate: what options choose replaces all that variables say about it.
    fn prefer_options(&mut self, given: &ArgMatches) {
        let is_option = |name| given.value_source(name) == Some(ValueSource::CommandLine);
        if is_option("demo") && !is_option("docker_host") && self.demo == Some(true) {
            self.docker_host = None;
        }
        if is_option("docker_host") && !is_option("demo") {
            self.demo = None;
        }
        let [cert, key] = ["tls_cert", "tls_key"].map(is_option);
        let self_signed = is_option("tls_self_signed");
        if cert || key || (self_signed && self.tls_self_signed == Some(true)) {
            self.tls_cert = self.tls_cert.take().filter(|_| cert);
            self.tls_key = self.tls_key.take().filter(|_| key);
            self.tls_self_signed = self.tls_self_signed.filter(|_| self_signed);
        }
    }
}

/// Reads an address to listen on.
pub(crate) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "write an address and a port, such as 127.0.0.1:3021 or [::1]:3021")
}

/// Reads a time.
pub(crate) fn duration(text: &str) -> Result<Duration, &'static str> {
    const MEND: &str = "write a whole number with its unit, such as 45s, 30m or 12h";
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let number: u32 = digits.parse().map_err(|_| MEND)?;
    let unit = match text.get(digits.len()..) {
        Some("s") => Duration::from_secs(1),
        Some("m") => Duration::from_mins(1),
        Some("h") => Duration::from_hours(1),
        _ => return Err(MEND),
    };
    Ok(unit * number)
}

/// Reads the address of a site.
pub(crate) fn site(text: &str) -> Result<Site, String> {
    Site::parse(text).map_err(|error| error.to_string())
}

/// Reads a filter: what stands behind `label=`.
pub(crate) fn label(text: &str) -> Result<String, &'static str> {
    let label = text.strip_prefix("label=").filter(|label| !label.is_empty());
    label.map(str::to_owned).ok_or("write label=name or label=name=value")
}

/// Reads a network.
pub(crate) fn network(text: &str) -> Result<IpNet, &'static str> {
    let network = text.parse().or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
    network.map_err(|_| "write an address or a network, such as 10.0.0.1 or 10.0.0.0/8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_bad_value_is_refused_with_the_mend() {
        for (arguments, mend) in [
            (["--listen", "localhost"], "such as 127.0.0.1:3021"),
            (["--filter", "name=web"], "write label=name or label=name=value"),
            (["--allow", "everything"], "the rules are privileged, docker-socket"),
            (["--session-idle", "5"], "such as 45s, 30m or 12h"),
            (["--public-url", "admin.example"], "as in https://admin.example"),
            (["--trusted-proxy", "10.0.0.0/99"], "such as 10.0.0.1 or 10.0.0.0/8"),
        ] {
            let error = Cli::try_parse_from(["nself-admin"].iter().chain(&arguments)).unwrap_err();
            assert!(error.to_string().contains(mend), "{error}");
        }
    }

    #[test]
    fn times_have_units() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("12h"), Ok(Duration::from_hours(12)));
        for wrong in ["", "s", "1d", "1.5h", "-1s", "1 h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
