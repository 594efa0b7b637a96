//! The trail of a proceeding: for inspectors, the agency that has it, and the official whom it is against.

use eventlog::{Entry, ReadError};
use events::{
    Event as _, Role,
    discipline::{ProceedingEvent, Standing},
};
use identity::Caller;
use proto::{Failure, ledger::ErrorReason};

/// Events of one proceeding, at most: far more than any has.
pub(crate) const EVENTS_MAX: usize = 10_000;

/// As what somebody reads a proceeding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// As the agency that has it.
    Handler,
    /// As whom it is against, also where they work for the agency that has it: they learn nobody else's name.
    Person,
}

/// Whose a proceeding is, by its entries. Others that only refer to it are passed over.
pub(crate) fn standing(entries: &[Entry], proceeding: &str) -> Result<Standing, Failure> {
    let mut standing = Standing::default();
    for event in events(entries, Some(proceeding)) {
        standing.apply(&event?);
    }
    Ok(standing)
}

/// The officials whom proceedings among these entries were or are against.
pub(crate) fn persons(entries: &[Entry]) -> Result<Vec<String>, Failure> {
    let mut persons = Vec::new();
    for event in events(entries, None) {
        let mut standing = Standing::default();
        standing.apply(&event?);
        persons.extend(standing.person);
    }
    Ok(persons)
}

fn events<'e>(
    entries: &'e [Entry],
    proceeding: Option<&'e str>,
) -> impl Iterator<Item = Result<ProceedingEvent, Failure>> + 'e {
    entries.iter().filter_map(move |entry| {
        let happened = match entry.happened() {
            Ok(happened) => happened,
            Err(error) => return Some(Err(ReadError::from(error).into())),
        };
        let is_of = happened.category() == ProceedingEvent::CATEGORY
            && proceeding.is_none_or(|proceeding| happened.key() == proceeding);
        is_of.then(|| {
            happened.event().map_err(|error| {
                Failure::new(ErrorReason::LogDamaged, format!("{error}: stop and run `liem log check`"))
            })
        })
    })
}

/// As what a caller who is no inspector reads a proceeding; `own` are the codes that they act for.
pub(crate) fn reader(standing: &Standing, caller: &Caller, own: &[String]) -> Result<Reader, Failure> {
    if standing.is_person(&caller.id) {
        return Ok(Reader::Person);
    }
    if own.contains(&standing.handler) {
        return Ok(Reader::Handler);
    }
    let text = "only inspectors, the agency that has the proceeding, and the official whom it is against see its trail";
    Err(Failure::new(ErrorReason::NoStanding, text))
}

/// Whether whom a proceeding is against sees this subject of one of its events: themselves, and what it comes from, but
/// no other report that was brought in.
pub(crate) fn is_for_person(event_type: &str, role: Role) -> bool {
    role != Role::Report || event_type != "discipline.CircumstanceRecorded.v1"
}

#[cfg(test)]
mod tests {
    use identity::Role::{Agency, Official};

    use super::*;

    #[test]
    fn whom_it_is_against_reads_as_such_also_within_the_agency_that_has_it() {
        let standing =
            Standing { handler: "H57.03".into(), agency: "H57.03".into(), person: Some("cb-0302".into()) };
        let read = |id: &str, role, own: &[&str]| {
            let own: Vec<String> = own.iter().map(|code| (*code).to_owned()).collect();
            reader(&standing, &Caller { id: id.into(), role, agency: None }, &own).ok()
        };
        assert_eq!(read("cb-0302", Official, &["H57.03"]), Some(Reader::Person));
        assert_eq!(read("cb-0302", Official, &[]), Some(Reader::Person));
        assert_eq!(read("cb-0301", Official, &["H57.03"]), Some(Reader::Handler));
        // Also the agency that answers for it.
        assert_eq!(read("token", Agency, &["H57.01", "H57.03"]), Some(Reader::Handler));
        assert_eq!(read("cb-0401", Official, &["H57.02"]), None);
        assert_eq!(read("token", Agency, &["H57.02"]), None);
        // Nobody's, as nothing says whose it is.
        assert_eq!(
            reader(&Standing::default(), &Caller { id: "x".into(), role: Agency, agency: None }, &[]).ok(),
            None
        );
    }

    #[test]
    fn standing_is_that_of_its_own_events() {
        let lines = events::HISTORY.lines();
        let entries: Vec<Entry> = (1..)
            .zip(lines)
            .filter(|(_, line)| line.contains("\"stream\":\"discipline."))
            .map(|(position, line)| Entry { position, bytes: line.as_bytes().into() })
            .collect();
        let linked = entries.iter().find_map(|entry| match entry.happened().unwrap().event().unwrap() {
            ProceedingEvent::Opened { linked: Some(linked), .. } => Some(linked),
            _ => None,
        });
        // The agency that has the Party's proceeding doesn't have the other one.
        let standing = standing(&entries, &linked.unwrap()).unwrap();
        assert_eq!((standing.handler.as_str(), standing.person.as_deref()), ("H57.02", Some("cb-0301")));
        assert!(persons(&entries).unwrap().contains(&"cb-0302".to_owned()));
    }
}
