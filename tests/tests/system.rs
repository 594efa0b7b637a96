//! The whole system, as its users meet it.

#![allow(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

#[path = "system/crash.rs"]
mod crash;
#[path = "system/receipt.rs"]
mod receipt;
#[path = "system/refusals.rs"]
mod refusals;
#[path = "system/tidy.rs"]
mod tidy;
