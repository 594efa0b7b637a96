//! The ledger as services meet it: over gRPC, on a real socket, behind the guard and the gate.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "ledger/access.rs"]
mod access;
#[path = "ledger/append_stream.rs"]
mod append_stream;
#[path = "ledger/conformance.rs"]
mod conformance;
#[path = "ledger/lost.rs"]
mod lost;
#[path = "ledger/read_all.rs"]
mod read_all;
#[path = "ledger/relay.rs"]
mod relay;
#[path = "ledger/rpcs.rs"]
mod rpcs;
#[path = "ledger/running.rs"]
mod running;
#[path = "ledger/unary.rs"]
mod unary;
