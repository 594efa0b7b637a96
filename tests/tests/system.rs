//! The whole system, as its users meet it.

#![allow(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

#[path = "system/receipt.rs"]
mod receipt;
