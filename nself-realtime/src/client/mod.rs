//! Reading rooms of a server elsewhere.
//!
//! [`ClientSession`] is the machine: it performs no I/O, reads no clock and needs no feature.

pub use crate::proto::client::{
    Action, Answer, ClientConfig, ClientSession, ConnectionState, Delivery, Expiring, Gap,
    GapCause, Missed, ServerError, SessionEvent, SessionKey, Welcome,
};
