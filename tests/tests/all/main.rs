//! The tests across crates, one binary with a module for each subject.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod build_routes;
mod client;
mod client_program;
mod client_tls;
mod command_line;
mod deployed;
mod docker_build;
mod docker_logs;
mod docker_pull;
mod docker_stats;
mod docker_status;
mod docker_storm;
mod examples;
mod fallbacks;
mod frames;
mod guard;
mod harness;
mod hostile_peers;
mod memory;
mod metrics;
mod no_engine;
mod old_lines;
mod operating;
mod page_accessibility;
mod page_attention;
mod page_behind_faults;
mod page_build;
mod page_looks;
mod page_on_demo;
mod page_on_engine;
mod page_sign_in;
mod page_speed;
mod page_tools;
mod served;
mod sign_in;
