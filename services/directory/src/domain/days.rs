//! Which days are worked.

use chrono::NaiveDate;
use esrs::Aggregate;
use events::{
    Fact,
    directory::{DayKind, Days},
};
use rulebook::Calendar;

use super::Refusal;

/// The days of a year that are declared otherwise than the shipped calendar has them.
pub(crate) struct DaysAggregate;

/// The calendar of the year, over the shipped one.
pub(crate) struct DaysState(pub(super) Calendar);

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
