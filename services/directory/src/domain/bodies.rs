//! Agencies and units: opened once, then renamed, and in the end merged or closed.

use esrs::Aggregate;
use events::{
    Fact,
    directory::{Agency, AgencyRecord, Names, Status, Unit, UnitRecord},
};

use super::Refusal;

/// An agency.
pub(crate) struct AgencyAggregate;

impl Aggregate for AgencyAggregate {
    const NAME: &'static str = "directory.agency";
    /// None as long as it wasn't opened.
    type State = Option<AgencyRecord>;
    type Command = Fact<Agency>;
    type Event = Fact<Agency>;
    type Error = Refusal;

    fn handle_command(state: &Self::State, command: Self::Command) -> Result<Vec<Self::Event>, Refusal> {
        let code = command.data.code();
        let Some(record) = state else {
            return match &command.data {
                Agency::Opened { .. } => Ok(vec![command]),
                _ => Err(Refusal::AgencyUnknown(code.to_owned())),
            };
        };
        if let Agency::Opened { .. } = command.data {
            return Err(Refusal::AgencyExists(code.to_owned()));
        }
        agency_open(code, &record.status)?;
        match &command.data {
            Agency::Renamed { name_vi, name_en, .. } => check_names(&record.names, name_vi, name_en)?,
            Agency::Merged { into, .. } => check_other(code, into)?,
            Agency::Opened { .. } | Agency::Closed { .. } => {}
        }
        Ok(vec![command])
    }

    fn apply_event(state: Self::State, fact: Self::Event) -> Self::State {
        AgencyRecord::after(state, fact.data)
    }
}

/// A unit.
pub(crate) struct UnitAggregate;

impl Aggregate for UnitAggregate {
    const NAME: &'static str = "directory.unit";
    /// None as long as it wasn't opened.
    type State = Option<UnitRecord>;
    type Command = Fact<Unit>;
    type Event = Fact<Unit>;
    type Error = Refusal;

    fn handle_command(state: &Self::State, command: Self::Command) -> Result<Vec<Self::Event>, Refusal> {
        let code = command.data.code();
        let Some(record) = state else {
            return match &command.data {
                Unit::Opened { .. } => Ok(vec![command]),
                _ => Err(Refusal::UnitUnknown(code.to_owned())),
            };
        };
        if let Unit::Opened { .. } = command.data {
            return Err(Refusal::UnitExists(code.to_owned()));
        }
        unit_open(code, &record.status)?;
        match &command.data {
            Unit::Renamed { name_vi, name_en, .. } => check_names(&record.names, name_vi, name_en)?,
            Unit::Merged { into, .. } => check_other(code, into)?,
            Unit::Opened { .. } | Unit::Closed { .. } => {}
        }
        Ok(vec![command])
    }

    fn apply_event(state: Self::State, fact: Self::Event) -> Self::State {
        UnitRecord::after(state, fact.data)
    }
}

/// What is merged or closed stays as it is.
pub(super) fn agency_open(code: &str, status: &Status) -> Result<(), Refusal> {
    match status.ended() {
        None => Ok(()),
        Some(date) => {
            let into = status.merged_into().map(str::to_owned);
            Err(Refusal::AgencyClosed { code: code.to_owned(), date, into })
        }
    }
}

/// What is merged or closed stays as it is.
pub(super) fn unit_open(code: &str, status: &Status) -> Result<(), Refusal> {
    match status.ended() {
        None => Ok(()),
        Some(date) => {
            let into = status.merged_into().map(str::to_owned);
            Err(Refusal::UnitClosed { code: code.to_owned(), date, into })
        }
    }
}

fn check_names(names: &Names, vi: &str, en: &str) -> Result<(), Refusal> {
    if names.vi == vi && names.en == en { Err(Refusal::NamesUnchanged) } else { Ok(()) }
}

fn check_other(code: &str, into: &str) -> Result<(), Refusal> {
    if code == into { Err(Refusal::MergedIntoItself(code.to_owned())) } else { Ok(()) }
}
