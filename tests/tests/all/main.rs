//! The tests across crates, one binary with a module for each subject.

mod harness;
