//! The case: its state, what can be asked of it, and what it refuses.

mod decide;
mod promise;
mod refusal;
mod state;

pub(crate) use decide::{Case, CaseCommand, Command, Due, Rules};
pub(crate) use refusal::Refusal;
pub(crate) use state::{CaseState, PauseCause, Stage};

#[cfg(test)]
mod tests;
