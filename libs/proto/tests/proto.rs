//! The published contract, held to its conventions over the compiled descriptors.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "proto/comments.rs"]
mod comments;
#[path = "proto/contract.rs"]
mod contract;
#[path = "proto/conversions.rs"]
mod conversions;
#[path = "proto/names.rs"]
mod names;
#[path = "proto/reasons.rs"]
mod reasons;
#[path = "proto/rpcs.rs"]
mod rpcs;
