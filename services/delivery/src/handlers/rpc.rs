//! The RPCs, one by one.

use command::commanded;
use events::delivery::CaseEvent;
use identity::{Caller, Role};
use proto::{
    Failure, date_from,
    delivery::{self as pb, ErrorReason, delivery_service_server::DeliveryService},
};
use tonic::{Request, Response, Status};

use super::{Asked, DeliveryHandlers, case_stream, check_date, code_of, convert, promised, recorded};
use crate::domain::{Case, Command, Refusal};

commanded! { pb:
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

impl DeliveryHandlers {
    /// Decodes what every mutation says, and gives the message without its request id.
    fn open<M: Commanded>(&self, request: Request<M>) -> Result<(Asked, M), Failure> {
        let opened = open(request)?;
        let asked = self.asked(&opened)?;
        Ok((asked, opened.message))
    }
}

#[tonic::async_trait]
impl DeliveryService for DeliveryHandlers {
    async fn receive_case(
        &self,
        request: Request<pb::ReceiveCaseRequest>,
    ) -> Result<Response<pb::ReceiveCaseResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let retry = asked.retry()?;
        let outcome = self.or_first_answer(retry, self.receive(asked, message).await).await?;
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
        let retry = asked.retry()?;
        let outcome = self.or_first_answer(retry, self.reopen(asked, message).await).await?;
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
        let retry = asked.retry()?;
        let outcome = self.or_first_answer(retry, self.assign(asked, message).await).await?;
        Ok(Response::new(pb::AssignCaseResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn record_step(
        &self,
        request: Request<pb::RecordStepRequest>,
    ) -> Result<Response<pb::RecordStepResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let retry = asked.retry()?;
        let outcome = self.or_first_answer(retry, self.step(asked, message).await).await?;
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
        let retry = asked.retry()?;
        let outcome = self.or_first_answer(retry, self.hand_over(asked, message).await).await?;
        Ok(Response::new(pb::HandOverCaseResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn take_up_case(
        &self,
        request: Request<pb::TakeUpCaseRequest>,
    ) -> Result<Response<pb::TakeUpCaseResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let retry = asked.retry()?;
        let outcome = self.or_first_answer(retry, self.take_up(asked, message).await).await?;
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
        let retry = asked.retry()?;
        let outcome = self.or_first_answer(retry, self.correct(asked, message).await).await?;
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
        let case = convert::case(&state, revision, &caller, self.zone);
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
