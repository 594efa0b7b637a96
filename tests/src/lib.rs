//! What the whole-system tests stand on: servers as processes of their own, the command line, and clients.
//!
//! Everything here runs the real binary, which `tests/run` builds first.

#![allow(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

mod acts;
mod client;
mod load;
mod process;

pub use acts::{Act, command, instant, when};
pub use client::{Client, reason, request_id};
pub use load::{Numbers, Writer, prove};
pub use process::{Answer, Server, liem, run, shared};
pub use test_postgres::wait_until;
