//! What happens to cases, in few words: times, commands and the RPC of each.

use proto::{
    Timestamp,
    delivery::{self as pb, Command},
    directory as dir,
    ledger::{GetHeadRequest, Occurred, Recorded, occurred::When},
};
use tonic::Status;

use crate::{Client, request_id};

/// What is done with a case. Where the contract asks for a reason, the first one stands for all.
#[derive(Debug, Clone, Copy)]
pub enum Act<'a> {
    /// It is accepted.
    Accept,
    /// It is refused at intake.
    Refuse,
    /// A supplement is asked for.
    AskSupplement,
    /// The supplement comes.
    TakeSupplement,
    /// It is assigned to a unit and an official; either may be empty.
    Assign(&'a str, &'a str),
    /// A step is done, by a unit that may be empty.
    Step(&'a str, &'a str),
    /// It is handed over to another agency.
    HandOver(&'a str),
    /// It is taken up, for a unit that may be empty.
    TakeUp(&'a str),
    /// It is suspended.
    Suspend,
    /// It is resumed.
    Resume,
    /// An apology is given, with a new date.
    Apologise(&'a str),
    /// It is granted.
    Decide,
    /// The result is returned.
    Return,
    /// It is withdrawn.
    Withdraw,
    /// It is rated.
    Rate(i32),
}

/// An instant, RFC 3339.
pub fn instant(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// When something happened: a date, or an instant.
pub fn when(text: &str) -> Option<Occurred> {
    let when = if text.len() == 10 { When::On(text.to_owned()) } else { When::At(instant(text)) };
    Some(Occurred { when: Some(when) })
}

/// A command about a case, with a request id of its own; for whom is left to the token.
pub fn command(case: &str, at: &str) -> Command {
    Command { request_id: request_id(), case: case.to_owned(), occurred: when(at), ..Command::default() }
}

impl Client {
    /// Does something with a case, and gives what was recorded.
    pub async fn act(&self, command: Command, act: Act<'_>) -> Result<Recorded, Status> {
        let mut client = self.delivery();
        let command = Some(command);
        let recorded = match act {
            Act::Accept => client.accept_case(pb::AcceptCaseRequest { command }).await?.into_inner().recorded,
            Act::Refuse => {
                let request = pb::RefuseCaseRequest { command, reason: 1 };
                client.refuse_case(request).await?.into_inner().recorded
            }
            Act::AskSupplement => {
                let request = pb::RequestSupplementRequest { command, reason: 1 };
                client.request_supplement(request).await?.into_inner().recorded
            }
            Act::TakeSupplement => {
                let request = pb::ReceiveSupplementRequest { command };
                client.receive_supplement(request).await?.into_inner().recorded
            }
            Act::Assign(unit, assignee) => {
                let (unit, assignee) = (unit.to_owned(), assignee.to_owned());
                let request = pb::AssignCaseRequest { command, unit, assignee };
                client.assign_case(request).await?.into_inner().recorded
            }
            Act::Step(step, unit) => {
                let (step, unit) = (step.to_owned(), unit.to_owned());
                let request = pb::RecordStepRequest { command, step, unit };
                client.record_step(request).await?.into_inner().recorded
            }
            Act::HandOver(agency) => {
                let request = pb::HandOverCaseRequest { command, to_agency: agency.to_owned() };
                client.hand_over_case(request).await?.into_inner().recorded
            }
            Act::TakeUp(unit) => {
                let request = pb::TakeUpCaseRequest { command, unit: unit.to_owned() };
                client.take_up_case(request).await?.into_inner().recorded
            }
            Act::Suspend => {
                let request = pb::SuspendCaseRequest { command, reason: 1 };
                client.suspend_case(request).await?.into_inner().recorded
            }
            Act::Resume => client.resume_case(pb::ResumeCaseRequest { command }).await?.into_inner().recorded,
            Act::Apologise(date) => {
                let request = pb::ApologiseForDelayRequest { command, new_date: date.to_owned(), reason: 1 };
                client.apologise_for_delay(request).await?.into_inner().recorded
            }
            Act::Decide => {
                let request = pb::DecideCaseRequest { command, outcome: pb::Outcome::Granted.into() };
                client.decide_case(request).await?.into_inner().recorded
            }
            Act::Return => {
                client.return_result(pb::ReturnResultRequest { command }).await?.into_inner().recorded
            }
            Act::Withdraw => {
                client.withdraw_case(pb::WithdrawCaseRequest { command }).await?.into_inner().recorded
            }
            Act::Rate(rating) => {
                client.rate_case(pb::RateCaseRequest { command, rating }).await?.into_inner().recorded
            }
        };
        Ok(recorded.unwrap())
    }

    /// Receives a case for an agency, and gives its code. What else is known of it stands in `request`.
    pub async fn receive(&self, agency: &str, at: &str, request: pb::ReceiveCaseRequest) -> String {
        let command = Some(Command { agency: agency.to_owned(), ..command("", at) });
        let request = pb::ReceiveCaseRequest { command, ..request };
        self.delivery().receive_case(request).await.unwrap().into_inner().case
    }

    /// A case as it stands.
    pub async fn case(&self, code: &str) -> pb::Case {
        let request = pb::GetCaseRequest { code: code.to_owned() };
        self.delivery().get_case(request).await.unwrap().into_inner().case.unwrap()
    }

    /// The position of the last entry; for inspectors and administrators.
    pub async fn head(&self) -> u64 {
        self.ledger().get_head(GetHeadRequest {}).await.unwrap().into_inner().position
    }

    /// Opens an agency with its units.
    pub async fn open(&self, agency: &str, units: &[&str]) {
        let mut client = self.directory();
        let code = agency.to_owned();
        let opened = dir::Agency { code: code.clone(), name_vi: code.clone(), ..dir::Agency::default() };
        let request = dir::OpenAgencyRequest { request_id: request_id(), agency: Some(opened) };
        client.open_agency(request).await.unwrap();
        for unit in units {
            let unit = dir::Unit { code: (*unit).to_owned(), agency: code.clone(), ..dir::Unit::default() };
            let request = dir::OpenUnitRequest { request_id: request_id(), unit: Some(unit) };
            client.open_unit(request).await.unwrap();
        }
    }

    /// Defines a procedure, with its limits in working days from a date on.
    pub async fn define(&self, procedure: &str, from: &str, statutory: u32, committed: u32) {
        let terms = dir::Terms {
            effective_date: from.to_owned(),
            statutory_working_days: statutory,
            committed_working_days: committed,
        };
        let code = procedure.to_owned();
        let procedure = dir::Procedure { code, terms: vec![terms], ..dir::Procedure::default() };
        let request = dir::DefineProcedureRequest { request_id: request_id(), procedure: Some(procedure) };
        self.directory().define_procedure(request).await.unwrap();
    }

    /// Defines the name of a step.
    pub async fn define_step(&self, step: &str) {
        let request = dir::DefineStepRequest { request_id: request_id(), step: step.to_owned() };
        self.directory().define_step(request).await.unwrap();
    }
}
