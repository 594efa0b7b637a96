//! Opening a proceeding, saying why none is opened, and importing one.

use aggregate::Outcome;
use chrono::NaiveDate;
use command::Opened;
use events::{
    conduct::Findings,
    discipline::{CloseReason, PersonClass, ProceedingEvent, SanctionResult, Track},
};
use proto::{Failure, date_from, discipline as pb, non_empty, official_from};

use super::{Asked, DisciplineHandlers, convert, findings, report_stream};
use crate::domain::{
    self, Command, Found, Imported, Opening, ProceedingState, Refusal, linked_id, proceeding_id,
};

/// Which finding a request names, and against whom.
struct Named {
    stream: String,
    allegation: Option<u32>,
    track: Track,
    person: Option<String>,
    class: Option<PersonClass>,
}

impl DisciplineHandlers {
    /// The finding that a request names, and the id of its proceeding. What a register tells on a day counts though the rest of
    /// the report goes on.
    async fn found(
        &self,
        asked: &Asked,
        named: &Named,
        told: Option<NaiveDate>,
    ) -> Result<(Found, String), Failure> {
        let stream = report_stream(&named.stream)?;
        let (mut findings, revision) = findings(&*self.log, &stream, self.zone).await?;
        if told.is_none() {
            self.check_competent(asked, &findings).await?;
        }
        findings.concluded = findings.concluded.or(told);
        let found =
            domain::found(&findings, stream.as_str(), revision, named.allegation, named.person.clone())?;
        let person = found.matter.person.as_deref();
        let id = proceeding_id(stream.key(), named.allegation, person, named.track, named.class);
        Ok((found, id))
    }

    /// Refuses whoever acts for an agency that neither has the report nor is the one it is about, before anything in it is
    /// looked at: what the others would be told says what was found.
    async fn check_competent(&self, asked: &Asked, findings: &Findings) -> Result<(), Failure> {
        let Some(agency) = &asked.agency else { return Ok(()) };
        let (directory, _) = self.directory.caught_up().await?;
        let is = |code: &str| directory.successor(code) == directory.successor(agency);
        let concern = &findings.concern;
        if asked.official.as_deref().is_some_and(|official| concern.is_person(official)) {
            return Err(Refusal::ConcernsOfficial.into());
        }
        if is(&concern.about.agency) || is(&concern.handler) {
            return Ok(());
        }
        Err(Refusal::HandlerMismatch { agency: agency.clone() }.into())
    }

    /// Whether the finding that a proceeding comes from stands; of a self-report as a whole, whether it was not dropped.
    async fn stands(&self, state: &ProceedingState) -> Result<Result<(), Refusal>, Failure> {
        let Some(origin) = &state.origin else { return Ok(Ok(())) };
        let stream = report_stream(&origin.stream)?;
        let (findings, revision) = findings(&*self.log, &stream, self.zone).await?;
        Ok(match origin.allegation {
            Some(_) => {
                domain::found(&findings, &origin.stream, revision, origin.allegation, None).map(|_| ())
            }
            None if findings.is_dropped => Err(Refusal::OriginNotConcluded),
            None => Ok(()),
        })
    }

    /// Closes a proceeding; that its finding fell is looked up.
    pub(super) async fn close(
        &self,
        opened: Opened<pb::Command, pb::CloseProceedingRequest>,
    ) -> Result<Outcome<ProceedingEvent>, Failure> {
        let asked = self.asked(&opened)?;
        let retry = (asked.id, asked.context.clone());
        let reason = convert::close_reason(opened.message.reason())?;
        let outcome = async {
            let (state, _) = self.existing(&asked.proceeding).await?;
            self.check_acting(&asked, &state).await?;
            if reason == CloseReason::FindingFell && self.stands(&state).await?.is_ok() {
                return Err(Refusal::ReasonNotSo("the finding stands").into());
            }
            self.decide_as(asked, &state, Command::Close(reason)).await
        };
        let outcome = outcome.await;
        self.or_first_answer(retry, outcome).await
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
            track: convert::track_or_administrative(message.track)?,
            person: person_from(&message.person)?,
            class,
        };
        let violation = self.check_day(date_from("violation_date", &message.violation_date)?)?;
        let discovery = match message.discovery_date.as_str() {
            "" => None,
            date => Some(self.check_day(date_from("discovery_date", date)?)?),
        };
        let outcome = async {
            let (found, id) = self.found(&asked, &named, None).await?;
            let linked = match linked_id(&id, named.track) {
                Some(other) if self.load(&other).await?.0.is_opened() => Some(other),
                _ => None,
            };
            let jurisdiction = found.matter.jurisdiction.clone();
            let opening = Opening {
                found,
                track: named.track,
                class,
                leads: message.leads,
                violation,
                discovery,
                exemption: non_empty(message.exemption.clone()),
                linked,
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
            track: convert::track_or_administrative(message.track)?,
            person: person_from(&message.person)?,
            class: None,
        };
        let outcome = async {
            let (found, id) = self.found(&asked, &named, None).await?;
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
            let (found, id) = self.found(&asked, &named, Some(asked.on)).await?;
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
            let (state, _) = self.existing(&asked.proceeding).await?;
            self.check_acting(&asked, &state).await?;
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
            self.decide_as(asked, &state, Command::RecordCircumstance { circumstance, report }).await
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
        let retry = (asked.id, asked.context.clone());
        let outcome = async {
            let (state, _) = self.existing(&asked.proceeding).await?;
            self.check_acting(&asked, &state).await?;
            if decision.result == SanctionResult::Sanctioned && state.undecided().is_ok() {
                // What is under appeal or not true any more is nobody's guilt.
                self.stands(&state).await??;
            }
            let track = state.track.unwrap_or(Track::Administrative);
            let other_undecided = match linked_id(&asked.proceeding, track) {
                Some(other) => {
                    let (linked, _) = self.load(&other).await?;
                    (linked.is_opened() && linked.undecided().is_ok()).then_some(other)
                }
                None => None,
            };
            self.decide_as(asked, &state, Command::Decide { decision, other_undecided }).await
        };
        let outcome = outcome.await;
        self.or_first_answer(retry, outcome).await
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
