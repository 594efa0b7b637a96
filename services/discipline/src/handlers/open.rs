//! Opening a proceeding, saying why none is opened, and importing one.

use aggregate::Outcome;
use chrono::NaiveDate;
use command::Opened;
use events::discipline::{PersonClass, ProceedingEvent, Track};
use proto::{Failure, date_from, discipline as pb, non_empty, official_from};

use super::{Asked, DisciplineHandlers, convert, findings, report_stream};
use crate::domain::{self, Command, Found, Imported, Opening, Refusal, linked_id, proceeding_id};

/// Which finding a request names, and against whom.
struct Named {
    stream: String,
    allegation: Option<u32>,
    track: Track,
    person: Option<String>,
    class: Option<PersonClass>,
}

impl DisciplineHandlers {
    /// The finding that a request names, and the id of its proceeding.
    async fn found(&self, named: &Named) -> Result<(Found, String), Failure> {
        self.found_or_told(named, None).await
    }

    /// The same, where a register may tell of a finding on a day though the rest of the report goes on.
    async fn found_or_told(
        &self,
        named: &Named,
        told: Option<NaiveDate>,
    ) -> Result<(Found, String), Failure> {
        let stream = report_stream(&named.stream)?;
        let (mut findings, revision) = findings(&*self.log, &stream, self.zone).await?;
        findings.concluded = findings.concluded.or(told);
        let found =
            domain::found(&findings, stream.as_str(), revision, named.allegation, named.person.clone())?;
        let person = found.matter.person.as_deref();
        let id = proceeding_id(stream.key(), named.allegation, person, named.track, named.class);
        Ok((found, id))
    }

    pub(super) async fn open_proceeding(
        &self,
        opened: Opened<pb::Command, pb::OpenProceedingRequest>,
    ) -> Result<Outcome<ProceedingEvent>, Failure> {
        let mut asked = self.asked(&opened)?;
        check_unnamed(&asked)?;
        let retry = (asked.id, asked.context.clone());
        let message = opened.message;
        let class = convert::class_from(message.person_class());
        let named = Named {
            stream: message.origin_stream.clone(),
            allegation: number_from(message.allegation)?,
            track: convert::track_or_administrative(message.track()),
            person: person_from(&message.person)?,
            class,
        };
        let violation = self.check_day(date_from("violation_date", &message.violation_date)?)?;
        let discovery = match message.discovery_date.as_str() {
            "" => None,
            date => Some(self.check_day(date_from("discovery_date", date)?)?),
        };
        let outcome = async {
            let (found, id) = self.found(&named).await?;
            let other = linked_id(&id, named.track);
            let is_organisation = class == Some(PersonClass::PartyOrganisation);
            let is_linked = !is_organisation && self.load(&other).await?.0.is_opened();
            let jurisdiction = found.matter.jurisdiction.clone();
            let opening = Opening {
                found,
                track: named.track,
                class,
                leads: message.leads,
                violation,
                discovery,
                exemption: non_empty(message.exemption.clone()),
                linked: is_linked.then_some(other),
            };
            asked.proceeding = id;
            self.execute(asked, &jurisdiction, Command::Open(opening)).await
        };
        let outcome = outcome.await;
        self.or_first_answer(retry, outcome).await
    }

    pub(super) async fn decline_proceeding(
        &self,
        opened: Opened<pb::Command, pb::DeclineProceedingRequest>,
    ) -> Result<Outcome<ProceedingEvent>, Failure> {
        let mut asked = self.asked(&opened)?;
        check_unnamed(&asked)?;
        let retry = (asked.id, asked.context.clone());
        let message = opened.message;
        let reason = convert::decline_reason(message.reason())?;
        let named = Named {
            stream: message.origin_stream.clone(),
            allegation: number_from(message.allegation)?,
            track: convert::track_or_administrative(message.track()),
            person: person_from(&message.person)?,
            class: None,
        };
        let outcome = async {
            let (found, id) = self.found(&named).await?;
            let jurisdiction = found.matter.jurisdiction.clone();
            asked.proceeding = id;
            self.execute(asked, &jurisdiction, Command::DeclineToOpen { found, reason }).await
        };
        let outcome = outcome.await;
        self.or_first_answer(retry, outcome).await
    }

    pub(super) async fn import_proceeding(
        &self,
        opened: Opened<pb::Command, pb::ImportProceedingRequest>,
    ) -> Result<Outcome<ProceedingEvent>, Failure> {
        let mut asked = self.asked(&opened)?;
        check_unnamed(&asked)?;
        let retry = (asked.id, asked.context.clone());
        let message = opened.message;
        let class = convert::class_from(message.person_class());
        let class = class.ok_or_else(|| Failure::field("person_class", "say what the person is by law"))?;
        let decision = message.decision.as_ref().ok_or_else(|| Failure::field("decision", "give it"))?;
        let decision = convert::decision_from("decision", decision, true)?;
        let recommended = message.recommended.as_ref();
        let recommended =
            recommended.map(|told| convert::decision_from("recommended", told, true)).transpose()?;
        let decided = match message.decision_date.as_str() {
            "" => None,
            date => Some(self.check_day(date_from("decision_date", date)?)?),
        };
        let allegation = number_from(message.allegation)?;
        let allegation = allegation.ok_or_else(|| Failure::field("allegation", "give its number, from 1"))?;
        let named = Named {
            stream: message.origin_stream.clone(),
            allegation: Some(allegation),
            track: Track::Administrative,
            person: None,
            class: Some(class),
        };
        let outcome = async {
            let (found, id) = self.found_or_told(&named, Some(asked.on)).await?;
            let jurisdiction =
                non_empty(message.jurisdiction.clone()).unwrap_or_else(|| found.matter.jurisdiction.clone());
            asked.proceeding = id;
            let imported = Imported { found, class, recommended, decision, decided };
            self.execute(asked, &jurisdiction, Command::Import(imported)).await
        };
        let outcome = outcome.await;
        self.or_first_answer(retry, outcome).await
    }

    pub(super) async fn record_circumstance(
        &self,
        opened: Opened<pb::Command, pb::RecordCircumstanceRequest>,
    ) -> Result<Outcome<ProceedingEvent>, Failure> {
        let asked = self.asked(&opened)?;
        let retry = (asked.id, asked.context.clone());
        let circumstance = proto::code_from("circumstance", &opened.message.circumstance)?;
        let report = non_empty(opened.message.report);
        let outcome = async {
            if let Some(report) = &report {
                let stream = report_stream(&format!("conduct.report/{report}"))?;
                let (findings, _) = findings(&*self.log, &stream, self.zone).await?;
                if findings.concluded.is_none() {
                    return Err(Refusal::OriginNotConcluded.into());
                }
                if !findings.allegations.iter().any(events::conduct::FoundAllegation::is_substantiated) {
                    return Err(Refusal::NoFinding.into());
                }
            }
            self.decide(asked, Command::RecordCircumstance { circumstance, report }).await
        };
        let outcome = outcome.await;
        self.or_first_answer(retry, outcome).await
    }

    pub(super) async fn decide_sanction(
        &self,
        opened: Opened<pb::Command, pb::DecideSanctionRequest>,
    ) -> Result<Outcome<ProceedingEvent>, Failure> {
        let asked = self.asked(&opened)?;
        let decision = opened.message.decision.as_ref();
        let decision = decision.ok_or_else(|| Failure::field("decision", "give it"))?;
        let decision = convert::decision_from("decision", decision, false)?;
        let (state, _) = self.existing(&asked.proceeding).await?;
        let other = linked_id(&asked.proceeding, state.track.unwrap_or(Track::Administrative));
        let (linked, _) = self.load(&other).await?;
        let is_undecided = linked.is_opened() && linked.undecided().is_ok();
        let other_undecided = is_undecided.then_some(other);
        self.decide(asked, Command::Decide { decision, other_undecided }).await
    }
}

/// What opens a proceeding names none.
fn check_unnamed(asked: &Asked) -> Result<(), Failure> {
    if asked.proceeding.is_empty() {
        return Ok(());
    }
    Err(Failure::field("command.proceeding", "leave it empty: the answer names the proceeding"))
}

fn number_from(number: i32) -> Result<Option<u32>, Failure> {
    let number = u32::try_from(number)
        .map_err(|_negative| Failure::field("allegation", "give its number, from 1; 0 for none"))?;
    Ok((number > 0).then_some(number))
}

fn person_from(person: &str) -> Result<Option<String>, Failure> {
    if person.is_empty() { Ok(None) } else { Ok(Some(official_from("person", person)?)) }
}
