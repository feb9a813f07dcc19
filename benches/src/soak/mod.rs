//! The soak: the program for half an hour between a real engine that is killed again and again, clients that
//! come and go in every manner, and a page. What it uses is written down all the while, and each client
//! follows the numbers of the lines that it is told.

mod engine_log;
mod report;
mod run;
mod trend;
mod visits;

pub use self::report::Outcome;
pub use self::run::{Plan, run};
