//! Whole builds on a scripted engine, on a virtual clock.

mod faults;
mod progress;
mod recreate;
mod stage;
mod start;
mod translation;
