//! The published gRPC contract in Rust: the code generated from `proto/`, conversions of the types that
//! every context shares, and [`Failure`], the one place where a failure becomes a gRPC status.
//!
//! This crate knows no service and takes no decision.

mod convert;
mod failure;

pub use convert::{
    agency_from, code_from, date_from, non_empty, official_from, page_size_from, timestamp_from,
    timestamp_to, uuid_from,
};
pub use failure::{Failure, Reason, reason_of};

#[allow(clippy::pedantic, unreachable_pub, reason = "generated code")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/contract.rs"));
}

pub use prost_types::Timestamp;

pub use generated::liem::{
    audit::v1 as audit, conduct::v1 as conduct, delivery::v1 as delivery, directory::v1 as directory,
    discipline::v1 as discipline, leaderboard::v1 as leaderboard, ledger::v1 as ledger,
    obligations::v1 as obligations, view::v1 as view,
};

/// The compiled descriptors of every file, with comments: what reflection serves and what the tests check.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
