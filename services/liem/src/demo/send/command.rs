//! Sends one case, command by command.

use chrono::Days;
use futures::channel::oneshot;
use proto::{
    delivery as pb,
    ledger::{Occurred, Recorded, occurred::When},
    timestamp_from, timestamp_to,
};
use tonic::Status;

use super::{
    super::cases::{Action, CasePlan, Planned, zone},
    SendError, Sent, retried,
};
use crate::{client::Delivery, import::source::request_id};

/// What the ledger answered to a command.
#[derive(Default)]
struct Answer {
    recorded: Option<Recorded>,
    /// The code of a new case.
    case: Option<String>,
    /// What is promised from now on, where the command changed that.
    promise: Option<pb::Promise>,
}

impl From<Option<Recorded>> for Answer {
    fn from(recorded: Option<Recorded>) -> Self {
        Self { recorded, ..Self::default() }
    }
}

/// Sends a case. It is received when `turn` is over, and its own turn is over when `received` is dropped.
pub(super) async fn send_case(
    delivery: Delivery,
    seed: u64,
    plan: CasePlan<'_>,
    turn: Option<oneshot::Receiver<()>>,
    received: oneshot::Sender<()>,
) -> Result<Sent, SendError> {
    let CasePlan { number, count, planned } = plan;
    let seed = seed.to_string();
    let number = format!("{number} of {count}");
    let mut received = Some(received);
    if let Some(turn) = turn {
        // It ends with a cancellation: the other end is dropped.
        turn.await.unwrap_or_default();
    }
    let mut sent = Sent { cases: 1, ..Sent::default() };
    let (mut case, mut promise) = (String::new(), None);
    for (place, planned) in planned.iter().enumerate() {
        let id = request_id(planned.at, &["demo", &seed, &number, &place.to_string()]);
        let command = pb::Command {
            request_id: id.to_string(),
            case: case.clone(),
            occurred: Some(Occurred { when: Some(When::At(timestamp_to(planned.at))) }),
            agency: planned.agency.to_owned(),
            official: planned.official.to_owned(),
        };
        let what = || format!("{:?} in the case {case}, {number} of the demo", planned.action);
        let call = || perform(delivery.clone(), command.clone(), planned, promise);
        let answer = retried(what, call).await?;
        sent.count(answer.recorded, 1);
        case = answer.case.unwrap_or(case);
        promise = answer.promise.or(promise);
        drop(received.take());
    }
    Ok(sent)
}

/// Sends one command.
async fn perform(
    mut delivery: Delivery,
    command: pb::Command,
    planned: &Planned<'_>,
    promise: Option<pb::Promise>,
) -> Result<Answer, Status> {
    let command = Some(command);
    let recorded = match &planned.action {
        Action::Receive { unit, procedure, channel } => {
            let request = pb::ReceiveCaseRequest {
                command,
                source_code: String::new(),
                unit: (*unit).to_owned(),
                procedure: (*procedure).to_owned(),
                channel: (*channel).into(),
                due_time: None,
            };
            let pb::ReceiveCaseResponse { recorded, case, promise } =
                delivery.receive_case(request).await?.into_inner();
            return Ok(Answer { recorded, case: Some(case), promise });
        }
        Action::Reopen => {
            let request = pb::ReopenCaseRequest { command, due_time: None };
            let pb::ReopenCaseResponse { recorded, case, promise } =
                delivery.reopen_case(request).await?.into_inner();
            return Ok(Answer { recorded, case: Some(case), promise });
        }
        Action::ReceiveSupplement => {
            let request = pb::ReceiveSupplementRequest { command };
            let answer = delivery.receive_supplement(request).await?.into_inner();
            return Ok(Answer { recorded: answer.recorded, case: None, promise: answer.promise });
        }
        Action::Resume => {
            let answer = delivery.resume_case(pb::ResumeCaseRequest { command }).await?.into_inner();
            return Ok(Answer { recorded: answer.recorded, case: None, promise: answer.promise });
        }
        Action::Correct { reason, correction } => {
            let (reason, correction) = ((*reason).into(), Some(correction.clone()));
            let request = pb::CorrectCaseRequest { command, reason, correction };
            let answer = delivery.correct_case(request).await?.into_inner();
            return Ok(Answer { recorded: answer.recorded, case: None, promise: answer.promise });
        }
        Action::Accept => {
            delivery.accept_case(pb::AcceptCaseRequest { command }).await?.into_inner().recorded
        }
        Action::Refuse(reason) => {
            let request = pb::RefuseCaseRequest { command, reason: (*reason).into() };
            delivery.refuse_case(request).await?.into_inner().recorded
        }
        Action::RequestSupplement(reason) => {
            let request = pb::RequestSupplementRequest { command, reason: (*reason).into() };
            delivery.request_supplement(request).await?.into_inner().recorded
        }
        Action::Assign { unit, assignee } => {
            let (unit, assignee) = ((*unit).to_owned(), (*assignee).to_owned());
            let request = pb::AssignCaseRequest { command, unit, assignee };
            delivery.assign_case(request).await?.into_inner().recorded
        }
        Action::RecordStep { step, unit } => {
            let (step, unit) = ((*step).to_owned(), (*unit).to_owned());
            let request = pb::RecordStepRequest { command, step, unit };
            delivery.record_step(request).await?.into_inner().recorded
        }
        Action::HandOver { to_agency } => {
            let request = pb::HandOverCaseRequest { command, to_agency: (*to_agency).to_owned() };
            delivery.hand_over_case(request).await?.into_inner().recorded
        }
        Action::TakeUp { unit } => {
            let request = pb::TakeUpCaseRequest { command, unit: (*unit).to_owned() };
            delivery.take_up_case(request).await?.into_inner().recorded
        }
        Action::Suspend(reason) => {
            let request = pb::SuspendCaseRequest { command, reason: (*reason).into() };
            delivery.suspend_case(request).await?.into_inner().recorded
        }
        Action::Apologise { days_later, reason } => {
            let (new_date, reason) = (new_date(promise, *days_later)?, (*reason).into());
            let request = pb::ApologiseForDelayRequest { command, new_date, reason };
            delivery.apologise_for_delay(request).await?.into_inner().recorded
        }
        Action::Decide(outcome) => {
            let request = pb::DecideCaseRequest { command, outcome: (*outcome).into() };
            delivery.decide_case(request).await?.into_inner().recorded
        }
        Action::ReturnResult => {
            delivery.return_result(pb::ReturnResultRequest { command }).await?.into_inner().recorded
        }
        Action::Withdraw => {
            delivery.withdraw_case(pb::WithdrawCaseRequest { command }).await?.into_inner().recorded
        }
        Action::Rate(rating) => {
            let request = pb::RateCaseRequest { command, rating: *rating };
            delivery.rate_case(request).await?.into_inner().recorded
        }
    };
    Ok(recorded.into())
}

/// The date so many days after the promised one.
fn new_date(promise: Option<pb::Promise>, days_later: u64) -> Result<String, Status> {
    let due = promise.and_then(|promise| promise.committed_due_time);
    let due = due.ok_or_else(|| Status::failed_precondition("the ledger promised no date to be late for"))?;
    let due = timestamp_from("committed_due_time", &due)?.with_timezone(&zone()).date_naive();
    Ok((due + Days::new(days_later)).to_string())
}
