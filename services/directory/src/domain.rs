//! What the directory takes and what it refuses. Knows no gRPC, no database and no clock.
//!
//! An aggregate judges by the events of its own stream; what depends on other things of the directory is judged
//! in [`rules`], by the directory as it stands.

mod bodies;
mod days;
mod once;
mod people;
mod procedure;
mod refusal;
pub(crate) mod rules;

pub(crate) use bodies::{AgencyAggregate, UnitAggregate};
pub(crate) use days::{DaysAggregate, kind_of};
pub(crate) use once::Once;
pub(crate) use people::{OfficialAggregate, PostAggregate};
pub(crate) use procedure::{ProcedureAggregate, ProcedureCommand};
pub(crate) use refusal::Refusal;

#[cfg(test)]
mod tests;
