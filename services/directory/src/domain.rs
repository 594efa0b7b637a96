//! What the directory takes and what it refuses. Knows no gRPC, no database and no clock.

use std::marker::PhantomData;

use chrono::NaiveDate;
use esrs::Aggregate;
use events::{
    Event, Fact, Occurred,
    directory::{Agency, DayKind, Days, Procedure, Step, Terms, Unit},
};
use proto::{Failure, directory::ErrorReason};
use rulebook::Calendar;

/// Why the directory refuses a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the code {0} is taken by an agency: use another code")]
    AgencyExists(String),
    #[error("the code {0} is taken by a unit: use another code")]
    UnitExists(String),
    #[error("the code {0} is taken by a procedure: use another code")]
    ProcedureExists(String),
    #[error("the step {0} is defined already")]
    StepExists(String),
    #[error("there is no procedure {0}: define it first")]
    ProcedureUnknown(String),
    #[error("terms from {last} are set already: later ones take effect after that day")]
    TermsOutOfOrder { last: NaiveDate },
    #[error("the calendar says so already")]
    DayUnchanged,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let reason = match &refusal {
            Refusal::AgencyExists(_) => ErrorReason::AgencyExists,
            Refusal::UnitExists(_) => ErrorReason::UnitExists,
            Refusal::ProcedureExists(_) => ErrorReason::ProcedureExists,
            Refusal::StepExists(_) => ErrorReason::StepExists,
            Refusal::ProcedureUnknown(_) => ErrorReason::ProcedureUnknown,
            Refusal::TermsOutOfOrder { .. } => ErrorReason::TermsOutOfOrder,
            Refusal::DayUnchanged => ErrorReason::DayUnchanged,
        };
        Failure::new(reason, refusal.to_string())
    }
}

/// Something that is opened or defined once and then stays: an agency, a unit, a step.
pub(crate) struct Once<E>(PhantomData<E>);

/// An event that happens to a thing once.
pub(crate) trait Opening: Event {
    /// The refusal of a second one.
    fn taken(&self) -> Refusal;
}

impl Opening for Agency {
    fn taken(&self) -> Refusal {
        let Self::Opened { agency, .. } = self;
        Refusal::AgencyExists(agency.clone())
    }
}

impl Opening for Unit {
    fn taken(&self) -> Refusal {
        let Self::Opened { unit, .. } = self;
        Refusal::UnitExists(unit.clone())
    }
}

impl Opening for Step {
    fn taken(&self) -> Refusal {
        let Self::Defined { step } = self;
        Refusal::StepExists(step.clone())
    }
}

impl<E: Opening> Aggregate for Once<E> {
    const NAME: &'static str = E::CATEGORY;
    /// Whether it is there.
    type State = bool;
    type Command = Fact<E>;
    type Event = Fact<E>;
    type Error = Refusal;

    fn handle_command(is_there: &bool, command: Self::Command) -> Result<Vec<Self::Event>, Refusal> {
        if *is_there { Err(command.data.taken()) } else { Ok(vec![command]) }
    }

    fn apply_event(_: bool, _: Self::Event) -> bool {
        true
    }
}

/// A procedure is defined once, and gets new terms from later and later dates on.
pub(crate) struct ProcedureAggregate;

/// What the directory knows of a procedure.
#[derive(Debug, Default)]
pub(crate) struct ProcedureState {
    is_defined: bool,
    last_terms: Option<Terms>,
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

/// The days of a year that are declared otherwise than the shipped calendar has them.
pub(crate) struct DaysAggregate;

/// The calendar of the year, over the shipped one.
pub(crate) struct DaysState(Calendar);

impl Default for DaysState {
    fn default() -> Self {
        Self(Calendar::vietnam())
    }
}

impl Aggregate for DaysAggregate {
    const NAME: &'static str = "directory.days";
    type State = DaysState;
    type Command = Fact<Days>;
    type Event = Fact<Days>;
    type Error = Refusal;

    fn handle_command(state: &DaysState, command: Self::Command) -> Result<Vec<Self::Event>, Refusal> {
        let mut changed = state.0.clone();
        command.data.apply(&mut changed);
        if changed == state.0 { Err(Refusal::DayUnchanged) } else { Ok(vec![command]) }
    }

    fn apply_event(mut state: DaysState, fact: Self::Event) -> DaysState {
        fact.data.apply(&mut state.0);
        state
    }
}

/// What a day is in the calendar.
pub(crate) fn kind_of(calendar: &Calendar, date: NaiveDate) -> DayKind {
    if calendar.is_working(date) { DayKind::Worked } else { DayKind::Off }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn fact<E>(data: E) -> Fact<E> {
        Fact { occurred: Occurred::On(day("2026-11-24")), data }
    }

    #[test]
    fn terms_take_effect_in_order() {
        let terms =
            |date| Terms { effective_date: day(date), statutory_working_days: 10, committed_working_days: 7 };
        let change = |date| ProcedureCommand::ChangeTerms {
            occurred: Occurred::On(day("2026-11-24")),
            procedure: "1.001234".into(),
            terms: terms(date),
        };
        let unknown = ProcedureAggregate::handle_command(&ProcedureState::default(), change("2026-01-01"));
        assert_eq!(unknown, Err(Refusal::ProcedureUnknown("1.001234".into())));

        let state = ProcedureState { is_defined: true, last_terms: Some(terms("2026-01-01")) };
        assert!(ProcedureAggregate::handle_command(&state, change("2026-02-01")).is_ok());
        let same_day = ProcedureAggregate::handle_command(&state, change("2026-01-01"));
        assert_eq!(same_day, Err(Refusal::TermsOutOfOrder { last: day("2026-01-01") }));
    }

    #[test]
    fn a_day_is_declared_only_when_that_changes_it() {
        let swap = Days::Swapped { off_date: day("2026-11-23"), worked_date: day("2026-11-28") };
        let state = DaysState::default();
        assert_eq!(DaysAggregate::handle_command(&state, fact(swap.clone())).unwrap().len(), 1);
        let state = DaysAggregate::apply_event(state, fact(swap.clone()));
        assert_eq!(DaysAggregate::handle_command(&state, fact(swap)), Err(Refusal::DayUnchanged));
        assert_eq!(kind_of(&state.0, day("2026-11-28")), DayKind::Worked);
    }

    #[test]
    fn an_agency_is_opened_once() {
        let opened =
            || Agency::Opened { agency: "H57".into(), name_vi: "Sở".into(), name_en: String::new() };
        assert!(Once::handle_command(&false, fact(opened())).is_ok());
        let again = Once::handle_command(&true, fact(opened()));
        assert_eq!(again, Err(Refusal::AgencyExists("H57".into())));
    }
}
