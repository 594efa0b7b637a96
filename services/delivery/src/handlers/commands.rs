//! The commands that need to know more than the case: agencies, units, procedures, other cases.

use aggregate::{ExecuteError, Outcome};
use chrono::NaiveDate;
use eventlog::occurred_from_proto;
use events::{
    delivery::{CaseEvent, Correction, Reopens},
    directory::{Directory, Terms},
};
use identity::Role;
use proto::{
    Failure, code_from,
    delivery::{self as pb, ErrorReason},
    ledger::ErrorReason as Shared,
    non_empty, official_from,
};

use super::{Asked, DeliveryHandlers, case_stream, check_unit, codes, convert, due_from};
use crate::domain::{Case, CaseState, Command, Due, Refusal};

/// How often a new case is tried under the next code when another process took the one before.
const CODE_ATTEMPTS: usize = 1_000;

/// The terms of a procedure on the day of receipt, if it has any.
fn terms_of(directory: &Directory, procedure: &str, day: NaiveDate) -> Result<Option<Terms>, Failure> {
    let record = directory.procedures.get(procedure).ok_or_else(|| {
        let text = format!("the directory has no procedure {procedure}: define it first");
        Failure::new(ErrorReason::ProcedureUnknown, text)
    })?;
    Ok(record.terms_on(day))
}

impl DeliveryHandlers {
    /// A new case under a code by the rule, or the source's own.
    pub(super) async fn receive(
        &self,
        asked: Asked,
        message: pb::ReceiveCaseRequest,
    ) -> Result<Outcome<CaseEvent>, Failure> {
        let agency = asked
            .agency
            .clone()
            .ok_or_else(|| Failure::field("command.agency", "give the receiving agency"))?;
        let day = asked.occurred.date(self.zone);
        self.check_agency("command.agency", &agency, day).await?;
        let unit = self.unit(&message.unit, Some(&agency), day).await?;
        let procedure = non_empty(message.procedure.clone());
        // Terms that were acknowledged a moment ago count; without a procedure there are none to look up.
        let directory =
            if procedure.is_some() { self.directory.caught_up().await? } else { self.directory.now() };
        let terms = match &procedure {
            Some(procedure) => terms_of(&directory.0, procedure, day)?,
            None => None,
        };
        let due = match (&message.due_time, terms) {
            (Some(due), _) => Due::Explicit(due_from("due_time", due)?),
            (None, Some(terms)) => Due::Terms(terms),
            (None, None) => Due::None,
        };
        let channel = convert::channel(message.channel());
        let rules = self.rules(&directory);
        let command =
            Command::Receive { agency: agency.clone(), unit, procedure, channel, due, reopens: None };

        if !message.source_code.is_empty() {
            if asked.caller.role != Role::Administrator {
                let text = "only imports by administrators keep the source's own code: leave it empty";
                return Err(Failure::new(Shared::NoStanding, text));
            }
            let code = code_from("source_code", &message.source_code)?;
            return self.decide_under(Asked { code, ..asked }, rules, command).await;
        }
        if !asked.code.is_empty() {
            if !codes::fits(&asked.code, &agency, day) {
                let text = format!(
                    "`{}` is not a code of {agency} for {day}: agency.code-YYMMDD-NNNN, or leave it empty",
                    asked.code.escape_debug()
                );
                return Err(Failure::new(ErrorReason::CaseCodeMalformed, text));
            }
            return self.decide_under(asked, rules, command).await;
        }
        // A retry must not take a new number.
        if let Some(first) = self.repeated(&asked.retry()?).await? {
            return Ok(first);
        }
        for _ in 0..CODE_ATTEMPTS {
            let stream = case_stream(&self.codes.next(&agency, day).await?)?;
            match self.execute(&asked, stream, &rules, &command).await {
                Err(ExecuteError::Refused(Refusal::CaseExists(_))) => {}
                done => return Ok(done?),
            }
        }
        Err(Failure::new(Shared::RevisionConflict, "other processes take the agency's codes: try again"))
    }

    /// A closed case as a new one, linked to the original. Its code is the original's with the round behind
    /// a tilde, so that a case can't be reopened twice.
    pub(super) async fn reopen(
        &self,
        asked: Asked,
        message: pb::ReopenCaseRequest,
    ) -> Result<Outcome<CaseEvent>, Failure> {
        let original = case_stream(&asked.code)?;
        let (state, revision) = aggregate::load::<Case, CaseEvent>(&*self.log, &original).await?;
        if !state.exists() {
            return Err(Refusal::CaseUnknown(asked.code).into());
        }
        if state.closed.is_none() {
            return Err(Refusal::CaseNotClosed.into());
        }
        let directory = self.directory.caught_up().await?;
        let answers = |agency: &str| directory.0.agency_mergers.succeeds(agency, &state.agency);
        if let Some(agency) = asked.agency.clone().filter(|agency| !answers(agency)) {
            return Err(Refusal::HolderMismatch { agency, holder: state.agency }.into());
        }
        let day = asked.occurred.date(self.zone);
        let (agency, unit) = self.receiver(&directory.0, &state, day).await?;
        let terms = state.procedure.as_ref().map(|p| terms_of(&directory.0, p, day)).transpose()?.flatten();
        let due = match (&message.due_time, terms) {
            (Some(due), _) => Due::Explicit(due_from("due_time", due)?),
            (None, Some(terms)) => Due::Terms(terms),
            (None, None) => Due::None,
        };
        let (first, round) = match asked.code.rsplit_once('~') {
            Some((first, round)) => (first, round.parse::<u32>().unwrap_or(1)),
            None => (asked.code.as_str(), 1),
        };
        let code = format!("{first}~{}", round.saturating_add(1));
        let command = Command::Receive {
            agency,
            unit,
            procedure: state.procedure,
            channel: state.channel,
            due,
            reopens: Some(Reopens { case: asked.code.clone(), revision }),
        };
        let rules = self.rules(&directory);
        match self.execute(&asked, case_stream(&code)?, &rules, &command).await {
            Err(ExecuteError::Refused(Refusal::CaseExists(newer))) => {
                let text = format!("the case was reopened as {newer}: reopen that one instead");
                Err(Failure::new(ErrorReason::CaseAlreadyReopened, text))
            }
            done => Ok(done?),
        }
    }

    /// Who receives a case that is reopened: the agency and unit that held it, or those that answer for them by
    /// that day.
    async fn receiver(
        &self,
        directory: &Directory,
        state: &CaseState,
        day: NaiveDate,
    ) -> Result<(String, Option<String>), Failure> {
        let held = directory.agencies.get(&state.agency);
        if held.is_none_or(|held| held.status.is_open_on(day)) {
            return Ok((state.agency.clone(), state.unit.clone()));
        }
        let agency = directory.successor(&state.agency).to_owned();
        self.check_agency("command.case", &agency, day).await?;
        let unit = state.unit.as_deref().map(|unit| directory.unit_successor(unit).to_owned());
        Ok((agency, unit.filter(|unit| check_unit(directory, unit, None, day).is_ok())))
    }

    /// The unit of a request, none for an empty one: see [`check_unit`].
    async fn unit(
        &self,
        unit: &str,
        agency: Option<&str>,
        day: NaiveDate,
    ) -> Result<Option<String>, Failure> {
        if unit.is_empty() {
            return Ok(None);
        }
        let unit = code_from("unit", unit)?;
        let (directory, _) = self.directory.caught_up().await?;
        check_unit(&directory, &unit, agency, day)?;
        Ok(Some(unit))
    }

    /// What a correction says, with the terms of the right procedure.
    async fn correction(
        &self,
        asked: &Asked,
        correction: pb::correct_case_request::Correction,
    ) -> Result<(Correction, Option<Terms>), Failure> {
        use pb::correct_case_request::Correction as Said;
        let occurred = |field, occurred: &_| {
            let occurred = occurred_from_proto(field, Some(occurred))?;
            self.check_time(occurred).map(|()| occurred)
        };
        Ok(match correction {
            Said::Channel(channel) => {
                let channel = pb::Channel::try_from(channel).ok().and_then(convert::channel);
                let channel = channel.ok_or_else(|| Failure::field("channel", "give the right one"))?;
                (Correction::Channel { channel }, None)
            }
            Said::Procedure(procedure) => {
                let (directory, _) = self.directory.caught_up().await?;
                let (state, _) =
                    aggregate::load::<Case, CaseEvent>(&*self.log, &case_stream(&asked.code)?).await?;
                let day = state.received.unwrap_or(asked.occurred).date(self.zone);
                let terms = terms_of(&directory, &procedure, day)?;
                (Correction::Procedure { procedure }, terms)
            }
            Said::ReceiveOccurred(time) => {
                (Correction::Received { occurred: occurred("receive_occurred", &time)? }, None)
            }
            Said::CloseOccurred(time) => {
                (Correction::Closed { occurred: occurred("close_occurred", &time)? }, None)
            }
            Said::DueTime(due) => (Correction::Due { due: due_from("due_time", &due)? }, None),
        })
    }

    /// Assigns the case to a unit of the agency that holds it.
    pub(super) async fn assign(
        &self,
        asked: Asked,
        message: pb::AssignCaseRequest,
    ) -> Result<Outcome<CaseEvent>, Failure> {
        let mut unit = None;
        if !message.unit.is_empty() {
            let (state, _) =
                aggregate::load::<Case, CaseEvent>(&*self.log, &case_stream(&asked.code)?).await?;
            let holder = state.exists().then_some(state.agency.as_str());
            unit = self.unit(&message.unit, holder, asked.occurred.date(self.zone)).await?;
        }
        let assignee = match non_empty(message.assignee) {
            Some(assignee) => Some(official_from("assignee", &assignee)?),
            None => None,
        };
        self.decide(asked, Command::Assign { unit, assignee }).await
    }

    /// Records a step that the directory defines.
    pub(super) async fn step(
        &self,
        mut asked: Asked,
        message: pb::RecordStepRequest,
    ) -> Result<Outcome<CaseEvent>, Failure> {
        let step = code_from("step", &message.step)?;
        let (directory, _) = self.directory_with(|d| d.steps.contains(&step)).await?;
        if !directory.steps.contains(&step) {
            let text = format!("the directory has no step `{step}`: define it first");
            return Err(Failure::new(ErrorReason::StepUnknown, text));
        }
        let unit = non_empty(message.unit);
        if let Some(unit) = &unit {
            code_from("unit", unit)?;
            let (directory, _) = self.directory_with(|d| d.units.contains_key(unit)).await?;
            let day = asked.occurred.date(self.zone);
            let agency = check_unit(&directory, unit, asked.agency.as_deref(), day)?;
            // A step counts for the unit that did it, and so for that unit's agency.
            asked.agency = Some(agency);
        }
        self.decide(asked, Command::RecordStep { step, unit }).await
    }

    /// Hands the case over to another agency that the directory has.
    pub(super) async fn hand_over(
        &self,
        asked: Asked,
        message: pb::HandOverCaseRequest,
    ) -> Result<Outcome<CaseEvent>, Failure> {
        self.check_agency("to_agency", &message.to_agency, asked.occurred.date(self.zone)).await?;
        self.decide(asked, Command::HandOver { to_agency: message.to_agency }).await
    }

    /// Takes the case up, into a unit of the agency it was handed to.
    pub(super) async fn take_up(
        &self,
        asked: Asked,
        message: pb::TakeUpCaseRequest,
    ) -> Result<Outcome<CaseEvent>, Failure> {
        let mut unit = None;
        if !message.unit.is_empty() {
            let (state, _) =
                aggregate::load::<Case, CaseEvent>(&*self.log, &case_stream(&asked.code)?).await?;
            let day = asked.occurred.date(self.zone);
            unit = self.unit(&message.unit, state.handed_to.as_deref(), day).await?;
        }
        self.decide(asked, Command::TakeUp { unit }).await
    }

    /// Corrects what was recorded wrongly.
    pub(super) async fn correct(
        &self,
        asked: Asked,
        message: pb::CorrectCaseRequest,
    ) -> Result<Outcome<CaseEvent>, Failure> {
        let reason = convert::correction(message.reason())?;
        let said = message.correction.ok_or_else(|| Failure::field("correction", "say what was wrong"))?;
        let (correction, terms) = self.correction(&asked, said).await?;
        self.decide(asked, Command::Correct { reason, correction, terms }).await
    }
}
