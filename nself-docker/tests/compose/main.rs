//! Compose files, from a folder to a project or to what is wrong with it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

mod corpus;
mod faults;
mod meaning;
