//! The delivery rules of the protocol, a module for each, told through connections on a clock of the
//! test's own; and what a connection is answered that asks for what cannot be.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it fails")]

mod leases;
mod requests;
mod rule_10_demand;
mod rule_11_streams;
mod rule_1_order;
mod rule_2_delivery;
mod rule_3_ledger;
mod rule_4_publishing;
mod rule_5_falling_behind;
mod rule_6_pacing;
mod rule_7_liveness;
mod rule_8_presence;
mod rule_9_rooms;
mod statistics;
mod world;
