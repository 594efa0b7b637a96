//! PostgreSQL servers of a test's own, and a wire to them that can fail.
//!
//! A [`Postgres`] is a real server with the durability it has by default. It ends with the process that
//! started it, however that ends, and leaves nothing behind. A [`Proxy`] stands before any server that
//! speaks TCP, and loses what goes over it at the moment a test wants.
//!
//! Everything here blocks, so that it serves tests with and without a runtime.

#![allow(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

mod binaries;
mod database;
mod keeper;
mod port;
mod proxy;
mod replication;
mod restore;
mod server;
mod wait;

pub use database::{Database, Role};
pub use proxy::{Proxy, Side};
pub use restore::BaseBackup;
pub use server::Postgres;
pub use wait::{wait_until, wait_within};
