//! The trail of a report: of days only, in no order within a day, for those who have it.

use std::collections::BTreeSet;

use chrono::{FixedOffset, NaiveDate};
use eventlog::{Entry, Header, ReadError};
use events::{
    Event as _,
    conduct::{ReportEvent, Source},
    vault::RecordEvent,
};
use proto::{Failure, ledger::ErrorReason};

/// Events of one report, at most: far more than any has.
pub(crate) const EVENTS_MAX: usize = 10_000;

/// Refuses the trail of a report to everyone but the agency that has it, and is not what the report is about.
/// `own` are the codes that the caller's agency answers for.
pub(crate) fn check(entries: &[Entry], report: &str, own: &[String]) -> Result<(), Failure> {
    let (mut handler, mut is_about_own) = (String::new(), false);
    for entry in entries {
        let happened = entry.happened().map_err(ReadError::from)?;
        if happened.category() != ReportEvent::CATEGORY || happened.key() != report {
            continue;
        }
        let event = happened.event().map_err(|error| {
            Failure::new(ErrorReason::LogDamaged, format!("{error}: stop and run `liem log check`"))
        })?;
        match event {
            ReportEvent::Received { handler: first, about, source, .. } => {
                handler = first;
                let names_nobody = about.unit.is_none() && about.officials.is_empty();
                is_about_own = own.contains(&about.agency) && (names_nobody || source == Source::SelfReport);
            }
            ReportEvent::Transferred { to_agency, .. } => handler = to_agency,
            _ => {}
        }
    }
    if own.contains(&handler) && !is_about_own {
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
