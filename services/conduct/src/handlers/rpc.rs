//! The RPCs, one by one.

use aggregate::Outcome;
use command::commanded;
use events::conduct::{Found, Limit, ReportEvent};
use identity::{Caller, Role};
use proto::{
    Failure, agency_from, code_from,
    conduct::{self as pb, conduct_service_server::ConductService},
    non_empty, official_from,
};
use tonic::{Request, Response, Status};

use super::{
    Asked, ConductHandlers, convert,
    file::{Said, classed, text_from},
    recorded, recorded_somewhere,
};
use crate::domain::Command;

commanded! { pb:
    AcceptReportRequest "AcceptReport"
    AddAllegationRequest "AddAllegation"
    AddPersonConcernedRequest "AddPersonConcerned"
    AppealFindingsRequest "AppealFindings"
    AskReporterRequest "AskReporter"
    ClassifyReportRequest "ClassifyReport"
    ConcludeReportRequest "ConcludeReport"
    DecideAppealRequest "DecideAppeal"
    DeclineReportRequest "DeclineReport"
    ExtendLimitRequest "ExtendLimit"
    OpenInquiryRequest "OpenInquiry"
    RecordFindingRequest "RecordFinding"
    RecordInquiryStepRequest "RecordInquiryStep"
    ReopenReportRequest "ReopenReport"
    TransferReportRequest "TransferReport"
}

impl ConductHandlers {
    /// Decodes what every command of a handler says, and gives the message without its request id.
    fn open<M: Commanded>(&self, request: Request<M>) -> Result<(Asked, M), Failure> {
        let opened = open(request)?;
        let asked = self.asked(&opened)?;
        Ok((asked, opened.message))
    }
}

/// The limit in what was recorded.
fn limit_of(outcome: &Outcome<ReportEvent>) -> Option<pb::Limit> {
    let of = |event: &ReportEvent| -> Option<Limit> {
        match event {
            ReportEvent::Accepted { conclude, .. } | ReportEvent::Reopened { conclude, .. } => {
                conclude.clone()
            }
            ReportEvent::Extended { conclude, .. } => Some(conclude.clone()),
            ReportEvent::Classified { accept, .. } => accept.clone(),
            ReportEvent::Appealed { decide, .. } => decide.clone(),
            _ => None,
        }
    };
    convert::limit(outcome.events.iter().find_map(of).as_ref())
}

#[tonic::async_trait]
impl ConductService for ConductHandlers {
    async fn file_report(
        &self,
        request: Request<pb::FileReportRequest>,
    ) -> Result<Response<pb::FileReportResponse>, Status> {
        let caller = Caller::of(&request)?;
        let role = caller.role;
        let (report, outcome, code) = self.file(caller, request.into_inner()).await?;
        let is_exact = role == Role::Inspector;
        Ok(Response::new(pb::FileReportResponse {
            recorded: Some(if is_exact { recorded(&outcome) } else { recorded_somewhere(&outcome) }),
            report: if role == Role::Citizen { String::new() } else { report },
            follow_up_code: code.unwrap_or_default(),
        }))
    }

    async fn import_report(
        &self,
        request: Request<pb::ImportReportRequest>,
    ) -> Result<Response<pb::ImportReportResponse>, Status> {
        let caller = Caller::of(&request)?;
        let outcome = self.import(caller, request.into_inner()).await?;
        Ok(Response::new(pb::ImportReportResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn add_to_report(
        &self,
        request: Request<pb::AddToReportRequest>,
    ) -> Result<Response<pb::AddToReportResponse>, Status> {
        let caller = Caller::of(&request)?;
        let outcome = self.add(&caller, &request.into_inner()).await?;
        Ok(Response::new(pb::AddToReportResponse { recorded: Some(recorded_somewhere(&outcome)) }))
    }

    async fn answer_question(
        &self,
        request: Request<pb::AnswerQuestionRequest>,
    ) -> Result<Response<pb::AnswerQuestionResponse>, Status> {
        let caller = Caller::of(&request)?;
        let outcome = self.answer(&caller, &request.into_inner()).await?;
        Ok(Response::new(pb::AnswerQuestionResponse { recorded: Some(recorded_somewhere(&outcome)) }))
    }

    async fn withdraw_report(
        &self,
        request: Request<pb::WithdrawReportRequest>,
    ) -> Result<Response<pb::WithdrawReportResponse>, Status> {
        let caller = Caller::of(&request)?;
        let outcome = self.withdraw(&caller, &request.into_inner()).await?;
        Ok(Response::new(pb::WithdrawReportResponse { recorded: Some(recorded_somewhere(&outcome)) }))
    }

    async fn get_follow_up(
        &self,
        request: Request<pb::GetFollowUpRequest>,
    ) -> Result<Response<pb::GetFollowUpResponse>, Status> {
        Ok(Response::new(self.follow_up(&request.into_inner().follow_up_code).await?))
    }

    async fn get_filing_proof(
        &self,
        request: Request<pb::GetFilingProofRequest>,
    ) -> Result<Response<pb::GetFilingProofResponse>, Status> {
        Ok(Response::new(self.filing_proof(&request.into_inner().follow_up_code).await?))
    }

    async fn classify_report(
        &self,
        request: Request<pb::ClassifyReportRequest>,
    ) -> Result<Response<pb::ClassifyReportResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let (kind, class) = (convert::kind(message.kind()), convert::class(message.class()));
        let command = Command::Classify { kind, class, evidence: message.evidence };
        let outcome = self.decide(asked, command).await?;
        let stage = match outcome.events.last() {
            Some(ReportEvent::SentToInspection { .. }) => pb::ReportStage::InInspection,
            Some(ReportEvent::FiledAway { .. }) => pb::ReportStage::FiledAway,
            _ => pb::ReportStage::Classified,
        };
        Ok(Response::new(pb::ClassifyReportResponse {
            recorded: Some(recorded(&outcome)),
            stage: stage.into(),
            accept: limit_of(&outcome),
        }))
    }

    async fn accept_report(
        &self,
        request: Request<pb::AcceptReportRequest>,
    ) -> Result<Response<pb::AcceptReportResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let instance = match message.instance {
            0 | 1 => 1,
            2 => 2,
            _ => return Err(Failure::field("instance", "give 1 or 2").into()),
        };
        let outcome = self.decide(asked, Command::Accept { instance }).await?;
        let (recorded, conclude) = (Some(recorded(&outcome)), limit_of(&outcome));
        Ok(Response::new(pb::AcceptReportResponse { recorded, conclude }))
    }

    async fn transfer_report(
        &self,
        request: Request<pb::TransferReportRequest>,
    ) -> Result<Response<pb::TransferReportResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let to = agency_from("to_agency", &message.to_agency)?;
        let reason = convert::transfer(message.reason())?;
        let retry = (asked.id, asked.context.clone());
        let outcome = match self.check_agency(&to).await {
            Ok(()) => self.decide(asked, Command::Transfer { to, reason }).await,
            Err(failure) => Err(failure),
        };
        let outcome = self.or_first_answer(retry, outcome).await?;
        Ok(Response::new(pb::TransferReportResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn decline_report(
        &self,
        request: Request<pb::DeclineReportRequest>,
    ) -> Result<Response<pb::DeclineReportResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let reason = code_from("reason", &message.reason)?;
        let outcome = self.decide(asked, Command::Decline { reason }).await?;
        let rule = match outcome.events.first() {
            Some(ReportEvent::Declined { rule, .. }) => rule.clone(),
            _ => String::new(),
        };
        Ok(Response::new(pb::DeclineReportResponse { recorded: Some(recorded(&outcome)), rule }))
    }

    async fn extend_limit(
        &self,
        request: Request<pb::ExtendLimitRequest>,
    ) -> Result<Response<pb::ExtendLimitResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let complexity = convert::complexity(message.complexity())?;
        let outcome = self.decide(asked, Command::Extend(complexity)).await?;
        let (recorded, conclude) = (Some(recorded(&outcome)), limit_of(&outcome));
        Ok(Response::new(pb::ExtendLimitResponse { recorded, conclude }))
    }

    async fn ask_reporter(
        &self,
        request: Request<pb::AskReporterRequest>,
    ) -> Result<Response<pb::AskReporterResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request_id = request.get_ref().command.as_ref().map(|command| command.request_id.clone());
        let mut request = request;
        let text = text_from("text", &std::mem::take(&mut request.get_mut().text))?;
        let (mut asked, message) = self.open(request)?;
        let (state, _) = self.existing(&asked.report).await?;
        if caller.role != Role::Administrator {
            // Nothing is sealed for whom the report will refuse.
            self.check_standing(&caller, &state).await?;
        }
        let said = vec![Said { field: "question", text }];
        let said_by = ("AskReporter", &message);
        let told = self.tell(&caller, &request_id.unwrap_or_default(), said_by, &asked.report, said).await?;
        // What is sealed is told apart by its commitment, not by the text.
        asked.context.command_digest = told.context.command_digest;
        asked.id = told.id;
        let seal = told.seals.into_iter().next();
        let seal = seal.ok_or_else(|| Failure::field("text", "give 1 to 10,000 characters"))?;
        let outcome = self.decide(asked, Command::Ask(seal)).await?;
        self.disclosure.confirm(told.id).await;
        let question = match outcome.events.first() {
            Some(ReportEvent::QuestionAsked { question, .. }) => *question,
            _ => 0,
        };
        Ok(Response::new(pb::AskReporterResponse {
            recorded: Some(recorded(&outcome)),
            question: i32::try_from(question).unwrap_or(i32::MAX),
        }))
    }

    async fn open_inquiry(
        &self,
        request: Request<pb::OpenInquiryRequest>,
    ) -> Result<Response<pb::OpenInquiryResponse>, Status> {
        let (asked, _) = self.open(request)?;
        let outcome = self.decide(asked, Command::OpenInquiry).await?;
        Ok(Response::new(pb::OpenInquiryResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn add_person_concerned(
        &self,
        request: Request<pb::AddPersonConcernedRequest>,
    ) -> Result<Response<pb::AddPersonConcernedResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let person = official_from("person", &message.person)?;
        let outcome = self.decide(asked, Command::AddPerson(person)).await?;
        Ok(Response::new(pb::AddPersonConcernedResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn record_inquiry_step(
        &self,
        request: Request<pb::RecordInquiryStepRequest>,
    ) -> Result<Response<pb::RecordInquiryStepResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let step = code_from("step", &message.step)?;
        let retry = (asked.id, asked.context.clone());
        let outcome = match self.check_step(&step).await {
            Ok(()) => self.decide(asked, Command::RecordStep(step)).await,
            Err(failure) => Err(failure),
        };
        let outcome = self.or_first_answer(retry, outcome).await?;
        Ok(Response::new(pb::RecordInquiryStepResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn add_allegation(
        &self,
        request: Request<pb::AddAllegationRequest>,
    ) -> Result<Response<pb::AddAllegationResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let person = match non_empty(message.person.clone()) {
            Some(person) => Some(official_from("person", &person)?),
            None => None,
        };
        let classed = classed("allegation", convert::class(message.class()), &message.source_class)?;
        let outcome = self.decide(asked, Command::AddAllegation { person, classed }).await?;
        let allegation = match outcome.events.first() {
            Some(ReportEvent::AllegationMade { allegation, .. }) => *allegation,
            _ => 0,
        };
        Ok(Response::new(pb::AddAllegationResponse {
            recorded: Some(recorded(&outcome)),
            allegation: i32::try_from(allegation).unwrap_or(i32::MAX),
        }))
    }

    async fn record_finding(
        &self,
        request: Request<pb::RecordFindingRequest>,
    ) -> Result<Response<pb::RecordFindingResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let allegation = convert::number("allegation", message.allegation)?;
        let finding = convert::finding(message.finding());
        let finding = finding.ok_or_else(|| Failure::field("finding", "say what was found"))?;
        let stage = convert::finding_stage(message.stage())?;
        let found = Found { allegation, finding };
        let outcome = self.decide(asked, Command::RecordFinding { found, stage }).await?;
        Ok(Response::new(pb::RecordFindingResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn conclude_report(
        &self,
        request: Request<pb::ConcludeReportRequest>,
    ) -> Result<Response<pb::ConcludeReportResponse>, Status> {
        let (asked, _) = self.open(request)?;
        let outcome = self.decide(asked, Command::Conclude).await?;
        Ok(Response::new(pb::ConcludeReportResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn appeal_findings(
        &self,
        request: Request<pb::AppealFindingsRequest>,
    ) -> Result<Response<pb::AppealFindingsResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let appellant = convert::appellant(message.appellant())?;
        let outcome = self.decide(asked, Command::Appeal(appellant)).await?;
        let (recorded, decide) = (Some(recorded(&outcome)), limit_of(&outcome));
        Ok(Response::new(pb::AppealFindingsResponse { recorded, decide }))
    }

    async fn decide_appeal(
        &self,
        request: Request<pb::DecideAppealRequest>,
    ) -> Result<Response<pb::DecideAppealResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let changed = message.changed.iter().map(|changed| {
            let allegation = convert::number("changed.allegation", changed.allegation)?;
            let finding = convert::finding(changed.finding());
            let finding =
                finding.ok_or_else(|| Failure::field("changed.finding", "say what is found now"))?;
            Ok(Found { allegation, finding })
        });
        let changed = changed.collect::<Result<_, Failure>>()?;
        let outcome = self.decide(asked, Command::DecideAppeal(changed)).await?;
        Ok(Response::new(pb::DecideAppealResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn reopen_report(
        &self,
        request: Request<pb::ReopenReportRequest>,
    ) -> Result<Response<pb::ReopenReportResponse>, Status> {
        let (asked, message) = self.open(request)?;
        let reason = convert::reopening(message.reason())?;
        let outcome = self.decide(asked, Command::Reopen(reason)).await?;
        let (recorded, conclude) = (Some(recorded(&outcome)), limit_of(&outcome));
        Ok(Response::new(pb::ReopenReportResponse { recorded, conclude }))
    }

    async fn get_report(
        &self,
        request: Request<pb::GetReportRequest>,
    ) -> Result<Response<pb::GetReportResponse>, Status> {
        let caller = Caller::of(&request)?;
        let (state, revision) = self.existing(&request.into_inner().report).await?;
        self.check_standing(&caller, &state).await?;
        let erased = self.erased(&state).await?;
        let report = convert::report(&state, revision, &erased);
        Ok(Response::new(pb::GetReportResponse { report: Some(report) }))
    }

    async fn open_sealed_data(
        &self,
        request: Request<pb::OpenSealedDataRequest>,
    ) -> Result<Response<pb::OpenSealedDataResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.open_sealed(caller, request.into_inner()).await?))
    }

    async fn erase_personal_data(
        &self,
        request: Request<pb::ErasePersonalDataRequest>,
    ) -> Result<Response<pb::ErasePersonalDataResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.erase(caller, request.into_inner()).await?))
    }
}
