//! PostgreSQL servers of a test's own, and a wire to them that can fail.
//!
//! A [`Postgres`] is a real server with the durability it has by default. It ends with the process that
//! started it, however that ends, and leaves nothing behind.
//!
//! Everything here blocks, so that it serves tests with and without a runtime.

#![allow(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

mod binaries;
mod database;
mod keeper;
mod port;
mod server;
mod wait;

pub use database::{Database, Role};
pub use server::Postgres;
pub use wait::wait_until;
