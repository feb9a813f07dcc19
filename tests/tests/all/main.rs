//! The tests across crates, one binary with a module for each subject.

mod command_line;
mod frames;
mod guard;
mod harness;
mod no_engine;
mod page_on_demo;
mod page_on_engine;
