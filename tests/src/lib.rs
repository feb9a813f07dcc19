//! The harness of the tests across crates: an engine of the tests' own with real containers, the program
//! as a process, and a real browser.
//!
//! Whatever a test starts lives in a [`scratch::Scratch`] folder and ends with it, also when the test
//! panics or its process is killed. What a machine lacks is told by [`missing`], never passed over.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a harness tells a failed test by panicking"
)]

pub mod browser;
pub mod build;
pub mod container;
pub mod engine;
pub mod fault_proxy;
pub mod images;
pub mod missing;
pub mod on_engine;
pub mod output;
pub mod page;
pub mod process;
pub mod proxy;
pub mod realtime;
pub mod registry;
pub mod scratch;
pub mod server;
pub mod socket;
pub mod stack;
pub mod visitor;
pub mod wait;
pub mod watcher;
pub mod wire;
