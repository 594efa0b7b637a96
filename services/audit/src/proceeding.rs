//! The trail of a proceeding: for inspectors, the agency that has it, the official whom it is against, and those who act
//! in it.

use std::collections::BTreeSet;

use eventlog::{Entry, ReadError};
use events::{
    Event as _, Role,
    delivery::By,
    discipline::{ProceedingEvent, Standing},
};
use identity::Caller;
use proto::{Failure, ledger::ErrorReason};

/// Events of one proceeding, at most: far more than any has.
pub(crate) const EVENTS_MAX: usize = 10_000;

/// As what somebody reads a proceeding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// As the agency that has it, or an official who acts in it.
    Handler,
    /// As whom it is against, also where they work for the agency that has it: they learn nobody else's name.
    Person,
}

/// Whose a proceeding is, and who has to do with it.
#[derive(Debug, Default)]
pub(crate) struct Whose {
    pub(crate) standing: Standing,
    /// The officials in whose name something was done in it, and the members of its council.
    acting: BTreeSet<String>,
    /// The reports that it comes from.
    pub(crate) reports: BTreeSet<String>,
}

/// Whose a proceeding is, by its entries. Others that only refer to it are passed over.
pub(crate) fn whose(entries: &[Entry], proceeding: &str) -> Result<Whose, Failure> {
    let mut whose = Whose::default();
    for event in events(entries, Some(proceeding)) {
        whose.apply(&event?);
    }
    Ok(whose)
}

impl Whose {
    fn apply(&mut self, event: &ProceedingEvent) {
        self.standing.apply(event);
        if let Some(By { official: Some(official), .. }) = event.by() {
            self.acting.insert(official.clone());
        }
        match event {
            ProceedingEvent::CouncilConvened { members, .. } => self.acting.extend(members.iter().cloned()),
            ProceedingEvent::Due { origin, .. }
            | ProceedingEvent::NotOpened { origin, .. }
            | ProceedingEvent::Opened { origin, .. } => {
                self.reports.extend(origin.report().map(str::to_owned));
            }
            _ => {}
        }
    }

    /// Whether an official acts in it.
    pub(crate) fn has_acting(&self, official: &str) -> bool {
        self.acting.contains(official)
    }
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

/// As what a caller who is no inspector reads a proceeding; `own` are the codes that they act for. An official who works for
/// the agency that has it reads it only where they act in it, as it tells of a colleague; `is_concerned` says whether the
/// report that it comes from concerns them.
pub(crate) fn reader(
    whose: &Whose,
    caller: &Caller,
    own: &[String],
    is_concerned: bool,
) -> Result<Reader, Failure> {
    if whose.standing.is_person(&caller.id) {
        return Ok(Reader::Person);
    }
    let is_handler = match caller.role {
        identity::Role::Official => whose.has_acting(&caller.id) && !is_concerned,
        _ => own.contains(&whose.standing.handler),
    };
    if is_handler {
        return Ok(Reader::Handler);
    }
    let text = "only inspectors, the agency that has the proceeding, the official whom it is against, and those who act in \
                it and are not concerned see its trail";
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

    fn whose_of(acting: &[&str]) -> Whose {
        let standing =
            Standing { handler: "H57.03".into(), agency: "H57.03".into(), person: Some("cb-0302".into()) };
        let acting = acting.iter().map(|official| (*official).to_owned()).collect();
        Whose { standing, acting, ..Whose::default() }
    }

    fn read(whose: &Whose, (id, role): (&str, identity::Role), own: &[&str]) -> Option<Reader> {
        let own: Vec<String> = own.iter().map(|code| (*code).to_owned()).collect();
        reader(whose, &Caller { id: id.into(), role, agency: None }, &own, false).ok()
    }

    #[test]
    fn whom_it_is_against_reads_as_such_also_within_the_agency_that_has_it() {
        let whose = whose_of(&["cb-0302"]);
        assert_eq!(read(&whose, ("cb-0302", Official), &["H57.03"]), Some(Reader::Person));
        assert_eq!(read(&whose, ("cb-0302", Official), &[]), Some(Reader::Person));
        // Also the agency that answers for it.
        assert_eq!(read(&whose, ("token", Agency), &["H57.01", "H57.03"]), Some(Reader::Handler));
        assert_eq!(read(&whose, ("token", Agency), &["H57.02"]), None);
        // Nobody's, as nothing says whose it is.
        assert_eq!(read(&Whose::default(), ("x", Agency), &[]), None);
    }

    #[test]
    fn a_colleague_reads_it_only_where_they_act_in_it_and_are_not_concerned() {
        let whose = whose_of(&["cb-0301", "cb-0203"]);
        assert_eq!(read(&whose, ("cb-0301", Official), &["H57.03"]), Some(Reader::Handler));
        // A member of the council works elsewhere.
        assert_eq!(read(&whose, ("cb-0203", Official), &["H57.02"]), Some(Reader::Handler));
        assert_eq!(read(&whose, ("cb-0303", Official), &["H57.03"]), None);
        assert_eq!(read(&whose, ("cb-0303", Official), &[]), None);
        let caller = Caller { id: "cb-0301".into(), role: Official, agency: Some("H57.03".into()) };
        assert!(reader(&whose, &caller, &["H57.03".to_owned()], true).is_err());
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
        let whose = whose(&entries, &linked.unwrap()).unwrap();
        let standing = &whose.standing;
        assert_eq!((standing.handler.as_str(), standing.person.as_deref()), ("H57.02", Some("cb-0301")));
        assert!(persons(&entries).unwrap().contains(&"cb-0302".to_owned()));
    }
}
