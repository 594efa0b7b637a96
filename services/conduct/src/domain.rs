//! Reports and their rules. Knows no gRPC, no database and no clock.

mod decide;
mod law;
mod refusal;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use decide::{Command, ImportedAllegation, NewReport, Report, ReportCommand};
pub(crate) use refusal::Refusal;
pub(crate) use state::{Allegation, ReportState, Stage};
