//! The trail of a report: of days only, in no order within a day, for those who have it.

use std::collections::BTreeSet;

use chrono::{FixedOffset, NaiveDate};
use eventlog::{Entry, Header, ReadError};
use events::{
    Event as _,
    conduct::{Concern, ReportEvent},
    directory::Directory,
    vault::RecordEvent,
};
use identity::Caller;
use proto::{Failure, ledger::ErrorReason};

use crate::proceeding;

/// Events of one report, at most: far more than any has.
pub(crate) const EVENTS_MAX: usize = 10_000;

/// Whom a report concerns. `entries` are all of the report's.
pub(crate) fn concern(entries: &[Entry], report: &str, zone: FixedOffset) -> Result<Concern, Failure> {
    let mut concern = Concern::default();
    for entry in entries {
        let happened = entry.happened().map_err(ReadError::from)?;
        if happened.category() != ReportEvent::CATEGORY || happened.key() != report {
            continue;
        }
        let event = happened.event().map_err(|error| {
            Failure::new(ErrorReason::LogDamaged, format!("{error}: stop and run `liem log check`"))
        })?;
        concern.apply(&event, happened.occurred.date(zone));
    }
    // It also concerns whom a proceeding from it is against, where its allegations name nobody.
    concern.persons.extend(proceeding::persons(entries)?);
    Ok(concern)
}

/// Refuses the trail of a report to everyone but the agency that has it, and whom it doesn't concern. `entries` are all
/// of the report's.
pub(crate) fn check(
    entries: &[Entry],
    report: &str,
    (caller, own): (&Caller, &[String]),
    (directory, today, zone): (&Directory, NaiveDate, FixedOffset),
) -> Result<(), Failure> {
    let concern = concern(entries, report, zone)?;
    let concerns_own = own.iter().any(|agency| concern.is_agency(agency, directory, today));
    if own.contains(&concern.handler) && !concerns_own && !concern.is_person(&caller.id) {
        return Ok(());
    }
    let text =
        "only inspectors, and the agency that has the report and is not concerned by it, see its trail";
    Err(Failure::new(ErrorReason::NoStanding, text))
}

/// The place of an event among those who see days only: by its day, and within it by what nobody can choose.
pub(crate) fn shuffled(header: &Header, zone: FixedOffset) -> (NaiveDate, String, u32) {
    (header.occurred.date(zone), header.command_digest.clone(), header.k)
}

/// The seals that were erased by law, as far as entries say so.
pub(crate) fn erased(entries: &[Entry]) -> Result<BTreeSet<String>, Failure> {
    let mut erased = BTreeSet::new();
    for entry in entries {
        let happened = entry.happened().map_err(ReadError::from)?;
        if happened.category() == RecordEvent::CATEGORY
            && let Ok(RecordEvent::Erased { seals, .. }) = happened.event()
        {
            erased.extend(seals);
        }
    }
    Ok(erased)
}

/// Whether an entry holds, in place of what a person said, a seal that was erased since.
pub(crate) fn holds_any(entry: &Entry, erased: &BTreeSet<String>) -> Result<bool, Failure> {
    if erased.is_empty() {
        return Ok(false);
    }
    let happened = entry.happened().map_err(ReadError::from)?;
    let holds = |seal: &String| happened.data.contains(&format!("\"{seal}\""));
    Ok(happened.category() == ReportEvent::CATEGORY && erased.iter().any(holds))
}
