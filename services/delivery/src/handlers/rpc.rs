//! The RPCs, one by one.

use aggregate::{ExecuteError, Outcome};
use eventlog::occurred_from_proto;
use events::{
    delivery::{CaseEvent, Correction, Reopens},
    directory::{Directory, Terms},
};
use identity::{Caller, Role};
use proto::{
    Failure, code_from, date_from,
    delivery::{self as pb, ErrorReason, delivery_service_server::DeliveryService},
    ledger::ErrorReason as Shared,
    non_empty, official_from,
};
use tonic::{Request, Response, Status};

use super::{
    Asked, DeliveryHandlers, case_stream, check_date, code_of, codes, convert, due_from, promised, recorded,
};
use crate::domain::{Case, Command, Due, Refusal};

/// How often a new case is tried under the next code when another process took the one before.
const CODE_ATTEMPTS: usize = 1_000;

/// A request that carries a [`pb::Command`].
trait Commanded: prost::Message + Sized {
    /// The RPC's name.
    const METHOD: &'static str;

    fn command_mut(&mut self) -> &mut Option<pb::Command>;
}

macro_rules! commanded {
    ($($request:ident $method:literal)*) => {
        $(impl Commanded for pb::$request {
            const METHOD: &'static str = $method;

            fn command_mut(&mut self) -> &mut Option<pb::Command> {
                &mut self.command
            }
        })*
    };
}
commanded! {
    AcceptCaseRequest "AcceptCase"
    ApologiseForDelayRequest "ApologiseForDelay"
    AssignCaseRequest "AssignCase"
    CorrectCaseRequest "CorrectCase"
    DecideCaseRequest "DecideCase"
    HandOverCaseRequest "HandOverCase"
    RateCaseRequest "RateCase"
    ReceiveCaseRequest "ReceiveCase"
    ReceiveSupplementRequest "ReceiveSupplement"
    RecordStepRequest "RecordStep"
    RefuseCaseRequest "RefuseCase"
    ReopenCaseRequest "ReopenCase"
    RequestSupplementRequest "RequestSupplement"
    ResumeCaseRequest "ResumeCase"
    ReturnResultRequest "ReturnResult"
    SuspendCaseRequest "SuspendCase"
    TakeUpCaseRequest "TakeUpCase"
    WithdrawCaseRequest "WithdrawCase"
}

/// The terms of a procedure on the day of receipt, if it has any.
fn terms_of(
    directory: &Directory,
    procedure: &str,
    day: chrono::NaiveDate,
) -> Result<Option<Terms>, Failure> {
    let record = directory.procedures.get(procedure).ok_or_else(|| {
        let text = format!("the directory has no procedure {procedure}: define it first");
        Failure::new(ErrorReason::ProcedureUnknown, text)
    })?;
    Ok(record.terms_on(day))
}

impl DeliveryHandlers {
    /// Decodes what every mutation says, and gives the message without its request id.
    fn open<M: Commanded>(&self, request: Request<M>) -> Result<(Asked, M), Failure> {
        let caller = Caller::of(&request)?;
        let mut message = request.into_inner();
        let command = message.command_mut().as_mut().ok_or_else(|| Failure::field("command", "give it"))?;
        let request_id = std::mem::take(&mut command.request_id);
        let command = command.clone();
        let asked = self.asked(caller, &request_id, M::METHOD, &message, &command)?;
        Ok((asked, message))
    }

    /// A new case under a code by the rule, or the source's own.
    async fn receive(
        &self,
        asked: Asked,
        message: pb::ReceiveCaseRequest,
    ) -> Result<Outcome<CaseEvent>, Failure> {
        let agency = asked
            .agency
            .clone()
            .ok_or_else(|| Failure::field("command.agency", "give the receiving agency"))?;
        self.check_agency("command.agency", &agency).await?;
        let unit = non_empty(message.unit.clone());
        if let Some(unit) = &unit {
            self.check_unit("unit", unit, Some(&agency)).await?;
        }
        let procedure = non_empty(message.procedure.clone());
        let has = |d: &Directory| procedure.as_ref().is_none_or(|p| d.procedures.contains_key(p));
        let directory = self.directory_with(has).await;
        let day = asked.occurred.date(self.zone);
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
        if let Some(first) = self.repeated(&asked).await? {
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
    async fn reopen(
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
        if let Some(agency) = asked.agency.clone().filter(|agency| *agency != state.agency) {
            return Err(Refusal::HolderMismatch { agency, holder: state.agency }.into());
        }
        let directory = self.directory.now();
        let day = asked.occurred.date(self.zone);
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
        let code = format!("{first}~{}", round + 1);
        let command = Command::Receive {
            agency: state.agency,
            unit: state.unit,
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
                let (directory, _) = self.directory_with(|d| d.procedures.contains_key(&procedure)).await;
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
}

#[tonic::async_trait]
impl DeliveryService for DeliveryHandlers {
    async fn receive_case(
        &self,
        request: Request<pb::ReceiveCaseRequest>,
    ) -> Result<Response<pb::ReceiveCaseResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let outcome = self.receive(asked, message).await?;
        Ok(Response::new(pb::ReceiveCaseResponse {
            recorded: Some(recorded(&outcome)),
            case: code_of(&outcome),
            promise: promised(&outcome),
        }))
    }

    async fn reopen_case(
        &self,
        request: Request<pb::ReopenCaseRequest>,
    ) -> Result<Response<pb::ReopenCaseResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let outcome = self.reopen(asked, message).await?;
        Ok(Response::new(pb::ReopenCaseResponse {
            recorded: Some(recorded(&outcome)),
            case: code_of(&outcome),
            promise: promised(&outcome),
        }))
    }

    async fn assign_case(
        &self,
        request: Request<pb::AssignCaseRequest>,
    ) -> Result<Response<pb::AssignCaseResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let unit = non_empty(message.unit);
        if let Some(unit) = &unit {
            let (state, _) = aggregate::load::<Case, CaseEvent>(&*self.log, &case_stream(&asked.code)?)
                .await
                .map_err(Failure::from)?;
            let holder = state.exists().then_some(state.agency.as_str());
            self.check_unit("unit", unit, holder).await?;
        }
        let assignee = match non_empty(message.assignee) {
            Some(assignee) => Some(official_from("assignee", &assignee)?),
            None => None,
        };
        let outcome = self.decide(asked, Command::Assign { unit, assignee }).await?;
        Ok(Response::new(pb::AssignCaseResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn record_step(
        &self,
        request: Request<pb::RecordStepRequest>,
    ) -> Result<Response<pb::RecordStepResponse>, Status> {
        let (mut asked, message) = self.open(request)?;
        let step = code_from("step", &message.step)?;
        let (directory, _) = self.directory_with(|d| d.steps.contains(&step)).await;
        if !directory.steps.contains(&step) {
            let text = format!("the directory has no step `{step}`: define it first");
            return Err(Failure::new(ErrorReason::StepUnknown, text).into());
        }
        let unit = non_empty(message.unit);
        if let Some(unit) = &unit {
            let agency = self.check_unit("unit", unit, asked.agency.as_deref()).await?;
            // A step counts for the unit that did it, and so for that unit's agency.
            asked.agency = Some(agency);
        }
        let outcome = self.decide(asked, Command::RecordStep { step, unit }).await?;
        let (mut before_receipt, mut after_close) = (false, false);
        if let Some(CaseEvent::StepDone { before_receipt: before, after_close: after, .. }) =
            outcome.events.first()
        {
            (before_receipt, after_close) = (*before, *after);
        }
        let recorded = Some(recorded(&outcome));
        Ok(Response::new(pb::RecordStepResponse { recorded, before_receipt, after_close }))
    }

    async fn hand_over_case(
        &self,
        request: Request<pb::HandOverCaseRequest>,
    ) -> Result<Response<pb::HandOverCaseResponse>, Status> {
        let (asked, message) = self.open(request)?;
        self.check_agency("to_agency", &message.to_agency).await?;
        let outcome = self.decide(asked, Command::HandOver { to_agency: message.to_agency }).await?;
        Ok(Response::new(pb::HandOverCaseResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn take_up_case(
        &self,
        request: Request<pb::TakeUpCaseRequest>,
    ) -> Result<Response<pb::TakeUpCaseResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let unit = non_empty(message.unit);
        if let Some(unit) = &unit {
            let (state, _) = aggregate::load::<Case, CaseEvent>(&*self.log, &case_stream(&asked.code)?)
                .await
                .map_err(Failure::from)?;
            self.check_unit("unit", unit, state.handed_to.as_deref()).await?;
        }
        let outcome = self.decide(asked, Command::TakeUp { unit }).await?;
        Ok(Response::new(pb::TakeUpCaseResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn apologise_for_delay(
        &self,
        request: Request<pb::ApologiseForDelayRequest>,
    ) -> Result<Response<pb::ApologiseForDelayResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let new_date = date_from("new_date", &message.new_date)?;
        check_date(new_date)?;
        let reason = convert::delay(message.reason())?;
        let outcome = self.decide(asked, Command::Apologise { new_date, reason }).await?;
        Ok(Response::new(pb::ApologiseForDelayResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn decide_case(
        &self,
        request: Request<pb::DecideCaseRequest>,
    ) -> Result<Response<pb::DecideCaseResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let outcome = convert::outcome(message.outcome());
        if outcome.is_none() && asked.caller.role != Role::Administrator {
            return Err(Failure::field("outcome", "say how the case was decided").into());
        }
        let outcome = self.decide(asked, Command::Decide(outcome)).await?;
        Ok(Response::new(pb::DecideCaseResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn rate_case(
        &self,
        request: Request<pb::RateCaseRequest>,
    ) -> Result<Response<pb::RateCaseResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let rating = u8::try_from(message.rating).ok().filter(|rating| (1..=5).contains(rating));
        let rating = rating.ok_or_else(|| {
            Failure::new(
                ErrorReason::RatingOutOfRange,
                "a rating is a whole number from 1 (worst) to 5 (best)",
            )
        })?;
        let outcome = self.decide(asked, Command::Rate(rating)).await?;
        Ok(Response::new(pb::RateCaseResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn correct_case(
        &self,
        request: Request<pb::CorrectCaseRequest>,
    ) -> Result<Response<pb::CorrectCaseResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let reason = convert::correction(message.reason())?;
        let said = message.correction.ok_or_else(|| Failure::field("correction", "say what was wrong"))?;
        let (correction, terms) = self.correction(&asked, said).await?;
        let outcome = self.decide(asked, Command::Correct { reason, correction, terms }).await?;
        Ok(Response::new(pb::CorrectCaseResponse {
            recorded: Some(recorded(&outcome)),
            promise: promised(&outcome),
        }))
    }

    async fn get_case(
        &self,
        request: Request<pb::GetCaseRequest>,
    ) -> Result<Response<pb::GetCaseResponse>, Status> {
        let caller = Caller::of(&request)?;
        let code = request.into_inner().code;
        let stream = case_stream(&code)?;
        let (state, revision) =
            aggregate::load::<Case, CaseEvent>(&*self.log, &stream).await.map_err(Failure::from)?;
        if !state.exists() {
            return Err(Failure::from(Refusal::CaseUnknown(code)).into());
        }
        let case = convert::case(&state, revision, caller.role != Role::Citizen);
        Ok(Response::new(pb::GetCaseResponse { case: Some(case) }))
    }

    async fn accept_case(
        &self,
        request: Request<pb::AcceptCaseRequest>,
    ) -> Result<Response<pb::AcceptCaseResponse>, Status> {
        let (asked, _) = self.open(request)?;
        let outcome = self.decide(asked, Command::Accept).await?;
        Ok(Response::new(pb::AcceptCaseResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn refuse_case(
        &self,
        request: Request<pb::RefuseCaseRequest>,
    ) -> Result<Response<pb::RefuseCaseResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let reason = convert::intake_refusal(message.reason())?;
        let outcome = self.decide(asked, Command::RefuseAtIntake(reason)).await?;
        Ok(Response::new(pb::RefuseCaseResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn request_supplement(
        &self,
        request: Request<pb::RequestSupplementRequest>,
    ) -> Result<Response<pb::RequestSupplementResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let reason = convert::supplement(message.reason())?;
        let outcome = self.decide(asked, Command::RequestSupplement(reason)).await?;
        Ok(Response::new(pb::RequestSupplementResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn receive_supplement(
        &self,
        request: Request<pb::ReceiveSupplementRequest>,
    ) -> Result<Response<pb::ReceiveSupplementResponse>, Status> {
        let (asked, _) = self.open(request)?;
        let outcome = self.decide(asked, Command::ReceiveSupplement).await?;
        Ok(Response::new(pb::ReceiveSupplementResponse {
            recorded: Some(recorded(&outcome)),
            promise: promised(&outcome),
        }))
    }

    async fn suspend_case(
        &self,
        request: Request<pb::SuspendCaseRequest>,
    ) -> Result<Response<pb::SuspendCaseResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let reason = convert::suspension(message.reason())?;
        let outcome = self.decide(asked, Command::Suspend(reason)).await?;
        Ok(Response::new(pb::SuspendCaseResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn resume_case(
        &self,
        request: Request<pb::ResumeCaseRequest>,
    ) -> Result<Response<pb::ResumeCaseResponse>, Status> {
        let (asked, _) = self.open(request)?;
        let outcome = self.decide(asked, Command::Resume).await?;
        Ok(Response::new(pb::ResumeCaseResponse {
            recorded: Some(recorded(&outcome)),
            promise: promised(&outcome),
        }))
    }

    async fn return_result(
        &self,
        request: Request<pb::ReturnResultRequest>,
    ) -> Result<Response<pb::ReturnResultResponse>, Status> {
        let (asked, _) = self.open(request)?;
        let outcome = self.decide(asked, Command::ReturnResult).await?;
        Ok(Response::new(pb::ReturnResultResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn withdraw_case(
        &self,
        request: Request<pb::WithdrawCaseRequest>,
    ) -> Result<Response<pb::WithdrawCaseResponse>, Status> {
        let (asked, _) = self.open(request)?;
        let outcome = self.decide(asked, Command::Withdraw).await?;
        Ok(Response::new(pb::WithdrawCaseResponse { recorded: Some(recorded(&outcome)) }))
    }
}
