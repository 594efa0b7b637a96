//! From a finding to a proceeding.

use chrono::NaiveDate;
use command::Law;
use events::{
    conduct::{Classed, Findings, Limit},
    delivery::By,
    directory::{Directory, Leadership, OfficialCategory},
    discipline::{
        Decision, DeclineReason, Matter, Origin, PersonClass, ProceedingEvent, SanctionResult, Track, Weight,
    },
};
use rulebook::law::Duty;
use uuid::Uuid;

use super::{
    ProceedingState, Refusal, Stage,
    decide::in_order,
    law::{InLaw, Starts, basis},
};

/// The circumstance of a self-report, as rules have it.
const SELF_REPORT: &str = "voluntary_self_report";

/// What a proceeding is opened from, as it was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) origin: Origin,
    pub(crate) matter: Matter,
    /// The agency that has the report.
    pub(crate) reported_to: String,
    pub(crate) is_self_report: bool,
    /// The day of the final finding; of a self-report the day it was filed.
    pub(crate) on: NaiveDate,
    /// The day the report was received.
    pub(crate) received: Option<NaiveDate>,
}

/// What is told of a new proceeding.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    pub(crate) found: Found,
    pub(crate) track: Track,
    pub(crate) class: Option<PersonClass>,
    pub(crate) leads: bool,
    pub(crate) violation: NaiveDate,
    pub(crate) discovery: Option<NaiveDate>,
    pub(crate) exemption: Option<String>,
    /// The proceeding on the other track, if it was opened.
    pub(crate) linked: Option<String>,
}

/// A proceeding as another register has it.
#[derive(Debug, Clone)]
pub(crate) struct Imported {
    pub(crate) found: Found,
    pub(crate) class: PersonClass,
    pub(crate) recommended: Option<Decision>,
    pub(crate) decision: Decision,
    pub(crate) decided: Option<NaiveDate>,
}

/// The id of the proceeding on a finding: there is one for each on each track, so that a second would be the first.
pub(crate) fn proceeding_id(
    report: &str,
    allegation: Option<u32>,
    person: Option<&str>,
    track: Track,
    class: Option<PersonClass>,
) -> String {
    let is_organisation = class == Some(PersonClass::PartyOrganisation);
    let finding = match (allegation, person) {
        (Some(number), _) => number.to_string(),
        // Not their id: who sees a proceeding's doesn't see whom it is against.
        (None, Some(person)) if !is_organisation => {
            let hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{report}/{person}").as_bytes());
            format!("s{}", &hash.simple().to_string()[..16])
        }
        (None, _) => "s".to_owned(),
    };
    let suffix = match (track, is_organisation) {
        (_, true) => "-organisation",
        (Track::Party, _) => "-party",
        (Track::Administrative, _) => "",
    };
    format!("p-{report}-{finding}{suffix}")
}

/// The id of the proceeding on the other track; an organisation has none.
pub(crate) fn linked_id(id: &str, track: Track) -> Option<String> {
    match track {
        Track::Administrative => Some(format!("{id}-party")),
        Track::Party => id.strip_suffix("-party").map(str::to_owned),
    }
}

/// What was found of an allegation, or what a self-report says of somebody as a whole.
pub(crate) fn found(
    findings: &Findings,
    stream: &str,
    revision: u64,
    allegation: Option<u32>,
    person: Option<String>,
) -> Result<Found, Refusal> {
    if findings.is_dropped {
        return Err(Refusal::OriginNotConcluded);
    }
    let about = &findings.concern.about;
    let (named, classed, on, position) = match allegation {
        Some(number) => {
            let concluded = findings.concluded.ok_or(Refusal::OriginNotConcluded)?;
            let allegation = findings.allegation(number).filter(|allegation| allegation.is_substantiated());
            let allegation = allegation.ok_or(Refusal::NoFinding)?;
            (allegation.person.clone(), allegation.classed.clone(), concluded, Some(allegation.position))
        }
        // Once it is inquired what was done, each finding has its own.
        None if findings.concern.is_self_report && findings.allegations.is_empty() => {
            let classed: &Classed = findings.classed.as_ref().ok_or(Refusal::NoFinding)?;
            let on = findings.concern.received.ok_or(Refusal::NoFinding)?;
            (None, classed.clone(), on, None)
        }
        None => return Err(Refusal::NoFinding),
    };
    if let (Some(named), Some(given)) = (&named, &person)
        && named != given
    {
        return Err(Refusal::PersonMismatch);
    }
    Ok(Found {
        origin: Origin { stream: stream.to_owned(), revision, allegation, finding_position: position },
        matter: Matter {
            person: named.or(person),
            agency: about.agency.clone(),
            unit: about.unit.clone(),
            classed,
            jurisdiction: findings.jurisdiction.clone(),
        },
        reported_to: findings.concern.handler.clone(),
        is_self_report: findings.concern.is_self_report,
        on,
        received: findings.concern.received,
    })
}

/// What the directory says that an official was by law on a day, and whether they led.
pub(crate) fn place_of(directory: &Directory, person: &str, on: NaiveDate) -> Option<(PersonClass, bool)> {
    let official = directory.officials.get(person)?;
    let class = match official.category {
        OfficialCategory::Cadre => PersonClass::Cadre,
        OfficialCategory::CivilServant => PersonClass::CivilServant,
        OfficialCategory::PublicEmployee => PersonClass::PublicEmployee,
    };
    let post = official.appointment_on(on).and_then(|held| directory.posts.get(&held.post));
    Some((class, post.is_some_and(|post| post.leadership != Leadership::None)))
}

/// Refuses an agency that neither has the report nor is the person's, and one whose own head the matter is about.
fn competent(found: &Found, agency: &str, directory: &Directory, on: NaiveDate) -> Result<(), Refusal> {
    let is = |code: &str| directory.successor(code) == directory.successor(agency);
    if !is(&found.matter.agency) && !is(&found.reported_to) {
        return Err(Refusal::HandlerMismatch { agency: agency.to_owned() });
    }
    let heads = directory.heads(agency, on);
    if found.matter.person.as_ref().is_some_and(|person| heads.contains(&person.as_str())) {
        return Err(Refusal::ConcernsHandler(agency.to_owned()));
    }
    Ok(())
}

/// Who opens: an agency that may, and an official whom it's not about.
fn by(
    found: &Found,
    agency: Option<String>,
    official: Option<String>,
    directory: &Directory,
    on: NaiveDate,
) -> Result<By, Refusal> {
    let agency = agency.unwrap_or_else(|| found.matter.agency.clone());
    competent(found, &agency, directory, on)?;
    if official.is_some() && official == found.matter.person {
        return Err(Refusal::ConcernsOfficial);
    }
    in_order(Some(found.on), on)?;
    Ok(By { agency, unit: None, official })
}

/// Whether somebody has left the service by a day; of whom the directory doesn't know, nobody can tell.
pub(super) fn has_left(directory: &Directory, person: Option<&str>, on: NaiveDate) -> bool {
    let known = person.and_then(|person| directory.officials.get(person));
    known.is_none_or(|official| official.left.is_some_and(|left| left <= on))
}

/// A finding obliges to open a proceeding: the duty is the person's agency's, and where they head it, that of the agency
/// which has the report.
pub(crate) fn due(
    state: &ProceedingState,
    id: &str,
    found: &Found,
    track: Track,
    (law, directory): (&Law, &Directory),
) -> Result<ProceedingEvent, Refusal> {
    if !matches!(state.stage, Stage::None | Stage::Lapsed) {
        return Err(Refusal::ProceedingExists(id.to_owned()));
    }
    let on = found.on;
    let place = found.matter.person.as_deref().and_then(|person| place_of(directory, person, on));
    // Somebody whom the directory doesn't know is taken for a civil servant: it decides this limit alone.
    let (class, leads) = place.unwrap_or((PersonClass::CivilServant, false));
    let class = if track == Track::Party { PersonClass::PartyMember } else { class };
    let in_law = InLaw { track, class, leads, violation: None, discovery: Some(on) };
    let starts = Starts { found: Some(on), ..Starts::default() };
    let open = in_law.limit(law, Duty::Open, starts, on)?.ok_or(Refusal::NoRule)?;
    let is_own = competent(found, &found.matter.agency, directory, on).is_ok();
    let duty_of = if is_own { &found.matter.agency } else { &found.reported_to };
    Ok(ProceedingEvent::Due {
        proceeding: id.to_owned(),
        duty_of: duty_of.clone(),
        origin: found.origin.clone(),
        matter: found.matter.clone(),
        open,
    })
}

pub(crate) fn not_opened(
    state: &ProceedingState,
    id: &str,
    found: Found,
    reason: DeclineReason,
    (agency, official): (Option<String>, Option<String>),
    (directory, on): (&Directory, NaiveDate),
) -> Result<ProceedingEvent, Refusal> {
    let by = by(&found, agency, official, directory, on)?;
    if !matches!(state.stage, Stage::None | Stage::Due | Stage::Lapsed) {
        return Err(Refusal::ProceedingExists(id.to_owned()));
    }
    in_order(state.latest, on)?;
    if reason == DeclineReason::PersonLeft && !has_left(directory, found.matter.person.as_deref(), on) {
        return Err(Refusal::ReasonNotSo("the directory has nobody here who left"));
    }
    let Found { origin, matter, .. } = found;
    Ok(ProceedingEvent::NotOpened { by, proceeding: id.to_owned(), origin, matter, reason })
}

/// Opens a proceeding, within the limitation of the gravest form.
pub(crate) fn opened(
    state: &ProceedingState,
    id: &str,
    opening: Opening,
    (agency, official): (Option<String>, Option<String>),
    (law, directory, on): (&Law, &Directory, NaiveDate),
) -> Result<Vec<ProceedingEvent>, Refusal> {
    let Opening { mut found, track, class, leads, violation, discovery, exemption, linked } = opening;
    let by = by(&found, agency, official, directory, on)?;
    // It may be opened after all where it was said before why not, or was closed without a decision.
    if state.is_opened() && state.stage != Stage::Closed {
        return Err(Refusal::ProceedingExists(id.to_owned()));
    }
    in_order(state.latest, on)?;
    let is_organisation = class == Some(PersonClass::PartyOrganisation);
    if is_organisation {
        found.matter.person = None;
    } else if found.matter.person.is_none() {
        return Err(Refusal::PersonMissing);
    }
    if is_organisation && directory.successor(&by.agency) == directory.successor(&found.matter.agency) {
        return Err(Refusal::ConcernsHandler(by.agency));
    }
    let person = found.matter.person.as_deref();
    let (person_class, leads) = class_of(directory, person, (track, class, leads), violation)?;
    let discovery = discovery.unwrap_or(found.on);
    // Nobody found out what was done after it was found, and nobody reported what was not done yet.
    let is_late = discovery > found.on || found.received.is_some_and(|received| violation > received);
    if violation > discovery || discovery > on || is_late {
        return Err(Refusal::DatesOutOfOrder);
    }
    let in_law =
        InLaw { track, class: person_class, leads, violation: Some(violation), discovery: Some(discovery) };
    let limitation = match (in_law.last_limitation(law, on)?, &exemption) {
        (None, None) => None,
        (Some((limit, rule)), None) if on > limit.due_date => {
            return Err(Refusal::LimitationRunOut { rule, due: limit.due_date });
        }
        (Some((limit, _)), None) => Some(limit),
        (_, Some(ground)) => {
            let rule = in_law.rule(law, Duty::Limitation, None, on).ok_or(Refusal::NoRule)?;
            if !rule.exempt.contains(ground) {
                let known = rule.exempt.join(", ");
                return Err(Refusal::ExemptionUnknown { rule: rule.cite(), known });
            }
            None
        }
    };
    // The head answers for their agency, and so does its organisation.
    let heads = directory.heads(&found.matter.agency, found.on);
    let is_self_report = found.is_self_report && person.is_none_or(|person| heads.contains(&person));
    let starts = Starts { opened: Some(on), found: Some(found.on), decided: None };
    let convene = in_law.limit(law, Duty::Convene, starts, on)?;
    let decide = in_law.limit(law, Duty::Handle, starts, on)?;
    let mut events = vec![ProceedingEvent::Opened {
        by: by.clone(),
        proceeding: id.to_owned(),
        track,
        origin: found.origin,
        matter: found.matter,
        person_class,
        leads,
        linked,
        violation_date: Some(violation),
        discovery_date: Some(discovery),
        limitation,
        exemption,
        convene,
        decide,
        imported: false,
        source_outcome: None,
    }];
    if is_self_report
        && let Some(rule) = in_law.rule(law, Duty::Weigh, None, on)
        && rule.mitigates.iter().any(|known| known == SELF_REPORT)
    {
        events.push(ProceedingEvent::CircumstanceRecorded {
            by,
            circumstance: SELF_REPORT.to_owned(),
            weight: Weight::Mitigating,
            basis: basis(rule),
            report: None,
        });
    }
    Ok(events)
}

/// What somebody is by law on their track, and whether they lead: as the directory says, or where it knows nothing of
/// them as told.
fn class_of(
    directory: &Directory,
    person: Option<&str>,
    (track, class, leads): (Track, Option<PersonClass>, bool),
    violation: NaiveDate,
) -> Result<(PersonClass, bool), Refusal> {
    let place = person.and_then(|person| place_of(directory, person, violation));
    let leads = place.map_or(leads, |(_, leads)| leads);
    let is_of_party = |class| matches!(class, PersonClass::PartyMember | PersonClass::PartyOrganisation);
    match track {
        Track::Party => {
            if let Some(person) = person
                && directory.officials.get(person).is_some_and(|official| !official.party_member)
            {
                return Err(Refusal::TrackNotAllowed(person.to_owned()));
            }
            let class = class.unwrap_or(PersonClass::PartyMember);
            if is_of_party(class) { Ok((class, leads)) } else { Err(other_track(class)) }
        }
        Track::Administrative => {
            let known = place.map(|(class, _)| class);
            let class = known.or(class).ok_or(Refusal::PersonClassMissing)?;
            if is_of_party(class) { Err(other_track(class)) } else { Ok((class, leads)) }
        }
    }
}

fn other_track(class: PersonClass) -> Refusal {
    Refusal::ClassOfOtherTrack(super::law_class(class).as_str().replace('_', " "))
}

/// A proceeding as another register has it: what that one doesn't tell is not made up.
pub(crate) fn imported(
    state: &ProceedingState,
    id: &str,
    imported: Imported,
    official: Option<String>,
    law: &Law,
) -> Result<Vec<(NaiveDate, ProceedingEvent)>, Refusal> {
    if state.is_opened() {
        return Err(Refusal::ProceedingExists(id.to_owned()));
    }
    let Imported { found, class, recommended, decision, decided } = imported;
    let by = By { agency: found.reported_to.clone(), unit: None, official };
    if let (Some(decided), Some(received)) = (decided, found.received)
        && decided < received
    {
        return Err(Refusal::OutOfOrder { follows: received });
    }
    // Registers often close a report once its discipline is decided, and so after that.
    let opened = decided.map_or(found.on, |decided| decided.min(found.on));
    let last = decided.unwrap_or(opened);
    let in_law =
        InLaw { track: Track::Administrative, class, leads: false, violation: None, discovery: None };
    let mut rule = None;
    for (decision, is_last) in recommended.iter().map(|r| (r, false)).chain([(&decision, true)]) {
        let Some(form) = &decision.form else { continue };
        let allowing = in_law.allowing(law, form, last)?;
        rule = is_last.then_some(allowing);
    }
    let no_limit: Option<Limit> = None;
    let is_pending = decision.result == SanctionResult::Pending;
    let mut facts = vec![(
        opened,
        ProceedingEvent::Opened {
            by: by.clone(),
            proceeding: id.to_owned(),
            track: Track::Administrative,
            origin: found.origin,
            matter: found.matter,
            person_class: class,
            leads: false,
            linked: None,
            violation_date: None,
            discovery_date: None,
            limitation: no_limit.clone(),
            exemption: None,
            convene: no_limit.clone(),
            decide: no_limit.clone(),
            imported: true,
            source_outcome: decision.source_outcome.clone().filter(|_| is_pending),
        },
    )];
    if let Some(decision) = recommended {
        facts.push((last, ProceedingEvent::Recommended { by: by.clone(), decision }));
    }
    if !is_pending {
        facts.push((
            last,
            ProceedingEvent::Decided {
                by,
                decision,
                basis: rule,
                appeal: no_limit.clone(),
                execute: no_limit,
                date_unknown: decided.is_none(),
            },
        ));
    }
    Ok(facts)
}
