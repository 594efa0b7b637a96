//! Aggregates over a real log: decide once, answer for ever.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "aggregate/conflicts.rs"]
mod conflicts;
#[path = "aggregate/loading.rs"]
mod loading;
#[path = "aggregate/repeats.rs"]
mod repeats;
#[path = "aggregate/tank.rs"]
mod tank;
