//! Proceedings and their rules. Knows no gRPC, no database and no clock.

mod decide;
mod law;
mod opening;
mod refusal;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use decide::{Command, Proceeding, ProceedingCommand};
use law::law_class;
pub(crate) use opening::{Found, Imported, Opening, found, linked_id, proceeding_id};
pub(crate) use refusal::Refusal;
pub(crate) use state::{ProceedingState, Stage};
