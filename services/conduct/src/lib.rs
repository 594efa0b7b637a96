//! The conduct service: reports of misconduct, from filing to finding, with the law of their time.
//!
//! `domain` decides and is pure; `handlers` decode, seal what is personal, look up the directory, and let a
//! report decide. What a reporter says lies in the vault; the log has a commitment in its place.

mod domain;
mod handlers;

pub use handlers::{ConductHandlers, Place};
