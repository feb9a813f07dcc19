//! The side of the clients: connects them, counts what they get, and reads what the server used for it.

mod clients;
mod frames;
mod process;
mod report;
mod scenario;
mod table;

pub use self::process::ServerCommand;
pub use self::report::Outcome;
pub use self::scenario::{Scenario, run};
pub use self::table::table;
