//! Procedures and their terms.

use esrs::Aggregate;
use events::{
    Fact, Occurred,
    directory::{Procedure, Terms},
};

use super::Refusal;

/// A procedure is defined once, and gets new terms from later and later dates on.
pub(crate) struct ProcedureAggregate;

/// What the directory knows of a procedure.
#[derive(Debug, Default)]
pub(crate) struct ProcedureState {
    pub(super) is_defined: bool,
    pub(super) last_terms: Option<Terms>,
}

/// What can be asked for a procedure.
#[derive(Debug, Clone)]
pub(crate) enum ProcedureCommand {
    /// Define it, with its first terms.
    Define { occurred: Occurred, defined: Procedure, terms: Option<Terms> },
    /// Give it other terms from a date on.
    ChangeTerms { occurred: Occurred, procedure: String, terms: Terms },
}

impl Aggregate for ProcedureAggregate {
    const NAME: &'static str = "directory.procedure";
    type State = ProcedureState;
    type Command = ProcedureCommand;
    type Event = Fact<Procedure>;
    type Error = Refusal;

    fn handle_command(
        state: &ProcedureState,
        command: ProcedureCommand,
    ) -> Result<Vec<Self::Event>, Refusal> {
        match command {
            ProcedureCommand::Define { occurred, defined, terms } => {
                let (Procedure::Defined { procedure, .. } | Procedure::TermsChanged { procedure, .. }) =
                    &defined;
                if state.is_defined {
                    return Err(Refusal::ProcedureExists(procedure.clone()));
                }
                let procedure = procedure.clone();
                let changed = terms.map(|terms| Procedure::TermsChanged { procedure, terms });
                Ok([defined].into_iter().chain(changed).map(|data| Fact { occurred, data }).collect())
            }
            ProcedureCommand::ChangeTerms { occurred, procedure, terms } => {
                if !state.is_defined {
                    return Err(Refusal::ProcedureUnknown(procedure));
                }
                if let Some(last) = state.last_terms.filter(|t| t.effective_date >= terms.effective_date) {
                    return Err(Refusal::TermsOutOfOrder { last: last.effective_date });
                }
                Ok(vec![Fact { occurred, data: Procedure::TermsChanged { procedure, terms } }])
            }
        }
    }

    fn apply_event(mut state: ProcedureState, fact: Self::Event) -> ProcedureState {
        match fact.data {
            Procedure::Defined { .. } => state.is_defined = true,
            Procedure::TermsChanged { terms, .. } => state.last_terms = Some(terms),
        }
        state
    }
}
