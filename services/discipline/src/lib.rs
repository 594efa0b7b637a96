//! The discipline service: from a finding to a sanction that the law allows, its appeal, and exoneration.
//!
//! `domain` decides and is pure; `handlers` decode, look up the directory and what a proceeding comes from, and let the
//! proceeding decide. [`Process`] follows the reports: a substantiated finding makes it a duty to open a proceeding, or to
//! say why not.

mod domain;
mod handlers;
mod process;

pub use handlers::DisciplineHandlers;
pub use process::Process;
