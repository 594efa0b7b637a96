//! What the whole-system tests stand on: servers as processes of their own, the command line, and clients.
//!
//! Everything here runs the real binary, which `tests/run` builds first.

#![allow(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

mod client;
mod process;

pub use client::{Client, reason, request_id};
pub use process::{Answer, Server, liem, shared};
