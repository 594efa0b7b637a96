//! The RPCs, one by one.

use aggregate::Outcome;
use command::commanded;
use events::{
    conduct::Limit,
    discipline::{Basis, ProceedingEvent, Track, Weight},
};
use identity::{Caller, Role};
use proto::{
    Failure, code_from,
    discipline::{self as pb, discipline_service_server::DisciplineService},
    official_from,
};
use tonic::{Request, Response, Status};

use super::{DisciplineHandlers, convert, id_of, recorded};
use crate::domain::{Command, linked_id};

/// Members of a council, at most.
const MEMBERS_MAX: usize = 30;

commanded! { pb:
    AppealSanctionRequest "AppealSanction"
    ClearSanctionRequest "ClearSanction"
    CloseProceedingRequest "CloseProceeding"
    ConveneCouncilRequest "ConveneCouncil"
    DecideSanctionRequest "DecideSanction"
    DecideSanctionAppealRequest "DecideSanctionAppeal"
    DeclineProceedingRequest "DeclineProceeding"
    ExecuteSanctionRequest "ExecuteSanction"
    ExonerateRequest "Exonerate"
    ExtendHandlingRequest "ExtendHandling"
    HoldHeadLiableRequest "HoldHeadLiable"
    ImportProceedingRequest "ImportProceeding"
    OpenProceedingRequest "OpenProceeding"
    PauseProceedingRequest "PauseProceeding"
    RecommendSanctionRequest "RecommendSanction"
    RecordApologyRequest "RecordApology"
    RecordCircumstanceRequest "RecordCircumstance"
    RecordHearingRequest "RecordHearing"
    RecordRestorationRequest "RecordRestoration"
    ResumeProceedingRequest "ResumeProceeding"
}

/// A limit in what was recorded.
fn limit_of(
    outcome: &Outcome<ProceedingEvent>,
    of: impl Fn(&ProceedingEvent) -> Option<&Limit>,
) -> Option<pb::Limit> {
    convert::limit(outcome.events.iter().find_map(of))
}

/// The rule that what was recorded rests on.
fn basis_of(outcome: &Outcome<ProceedingEvent>) -> Basis {
    let of = |event: &ProceedingEvent| match event {
        ProceedingEvent::Decided { basis, .. } | ProceedingEvent::AppealDecided { basis, .. } => {
            basis.clone()
        }
        ProceedingEvent::HeadHeldLiable { basis, .. }
        | ProceedingEvent::CircumstanceRecorded { basis, .. } => Some(basis.clone()),
        _ => None,
    };
    let none = || Basis { rule: String::new(), citation: String::new() };
    outcome.events.iter().find_map(of).unwrap_or_else(none)
}

impl DisciplineHandlers {
    /// Takes a request apart and lets its proceeding decide.
    async fn act<M: Commanded>(
        &self,
        request: Request<M>,
        command: impl FnOnce(M) -> Result<Command, Failure>,
    ) -> Result<Outcome<ProceedingEvent>, Failure> {
        let opened = open(request)?;
        let asked = self.asked(&opened)?;
        self.decide(asked, command(opened.message)?).await
    }
}

#[tonic::async_trait]
impl DisciplineService for DisciplineHandlers {
    async fn open_proceeding(
        &self,
        request: Request<pb::OpenProceedingRequest>,
    ) -> Result<Response<pb::OpenProceedingResponse>, Status> {
        let outcome = self.open_proceeding(open(request)?).await?;
        Ok(Response::new(pb::OpenProceedingResponse {
            recorded: Some(recorded(&outcome)),
            proceeding: id_of(&outcome),
            convene: limit_of(&outcome, |event| match event {
                ProceedingEvent::Opened { convene, .. } => convene.as_ref(),
                _ => None,
            }),
            decide: limit_of(&outcome, |event| match event {
                ProceedingEvent::Opened { decide, .. } => decide.as_ref(),
                _ => None,
            }),
        }))
    }

    async fn decline_proceeding(
        &self,
        request: Request<pb::DeclineProceedingRequest>,
    ) -> Result<Response<pb::DeclineProceedingResponse>, Status> {
        let outcome = self.decline_proceeding(open(request)?).await?;
        let proceeding = id_of(&outcome);
        Ok(Response::new(pb::DeclineProceedingResponse { recorded: Some(recorded(&outcome)), proceeding }))
    }

    async fn extend_handling(
        &self,
        request: Request<pb::ExtendHandlingRequest>,
    ) -> Result<Response<pb::ExtendHandlingResponse>, Status> {
        let outcome = self.act(request, |_| Ok(Command::Extend)).await?;
        let decide = limit_of(&outcome, |event| match event {
            ProceedingEvent::Extended { decide, .. } => Some(decide),
            _ => None,
        });
        Ok(Response::new(pb::ExtendHandlingResponse { recorded: Some(recorded(&outcome)), decide }))
    }

    async fn pause_proceeding(
        &self,
        request: Request<pb::PauseProceedingRequest>,
    ) -> Result<Response<pb::PauseProceedingResponse>, Status> {
        let outcome =
            self.act(request, |m| Ok(Command::Pause { ground: code_from("ground", &m.ground)? })).await?;
        Ok(Response::new(pb::PauseProceedingResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn resume_proceeding(
        &self,
        request: Request<pb::ResumeProceedingRequest>,
    ) -> Result<Response<pb::ResumeProceedingResponse>, Status> {
        let outcome = self.act(request, |_| Ok(Command::Resume)).await?;
        let decide = limit_of(&outcome, |event| match event {
            ProceedingEvent::Resumed { decide, .. } => decide.as_ref(),
            _ => None,
        });
        Ok(Response::new(pb::ResumeProceedingResponse { recorded: Some(recorded(&outcome)), decide }))
    }

    async fn convene_council(
        &self,
        request: Request<pb::ConveneCouncilRequest>,
    ) -> Result<Response<pb::ConveneCouncilResponse>, Status> {
        let command = |message: pb::ConveneCouncilRequest| {
            if message.members.is_empty() || message.members.len() > MEMBERS_MAX {
                return Err(Failure::field("members", format!("give 1 to {MEMBERS_MAX}")));
            }
            let mut members = Vec::new();
            for member in &message.members {
                let member = official_from("members", member)?;
                if members.contains(&member) {
                    return Err(Failure::field("members", "name each once"));
                }
                members.push(member);
            }
            Ok(Command::ConveneCouncil(members))
        };
        let outcome = self.act(request, command).await?;
        Ok(Response::new(pb::ConveneCouncilResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn record_hearing(
        &self,
        request: Request<pb::RecordHearingRequest>,
    ) -> Result<Response<pb::RecordHearingResponse>, Status> {
        let outcome = self.act(request, |m| Ok(Command::HoldHearing { attended: m.attended })).await?;
        Ok(Response::new(pb::RecordHearingResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn record_circumstance(
        &self,
        request: Request<pb::RecordCircumstanceRequest>,
    ) -> Result<Response<pb::RecordCircumstanceResponse>, Status> {
        let outcome = self.record_circumstance(open(request)?).await?;
        let is_aggravating = |event: &ProceedingEvent| {
            matches!(event, ProceedingEvent::CircumstanceRecorded { weight: Weight::Aggravating, .. })
        };
        Ok(Response::new(pb::RecordCircumstanceResponse {
            recorded: Some(recorded(&outcome)),
            aggravating: outcome.events.iter().any(is_aggravating),
            rule: basis_of(&outcome).rule,
        }))
    }

    async fn recommend_sanction(
        &self,
        request: Request<pb::RecommendSanctionRequest>,
    ) -> Result<Response<pb::RecommendSanctionResponse>, Status> {
        let command = |message: pb::RecommendSanctionRequest| {
            let decision = message.decision.as_ref().ok_or_else(|| Failure::field("decision", "give it"))?;
            Ok(Command::Recommend(convert::decision_from("decision", decision, false)?))
        };
        let outcome = self.act(request, command).await?;
        Ok(Response::new(pb::RecommendSanctionResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn decide_sanction(
        &self,
        request: Request<pb::DecideSanctionRequest>,
    ) -> Result<Response<pb::DecideSanctionResponse>, Status> {
        let outcome = self.decide_sanction(open(request)?).await?;
        let Basis { rule, citation } = basis_of(&outcome);
        Ok(Response::new(pb::DecideSanctionResponse {
            recorded: Some(recorded(&outcome)),
            rule,
            citation,
            appeal: limit_of(&outcome, |event| match event {
                ProceedingEvent::Decided { appeal, .. } => appeal.as_ref(),
                _ => None,
            }),
            execute: limit_of(&outcome, |event| match event {
                ProceedingEvent::Decided { execute, .. } => execute.as_ref(),
                _ => None,
            }),
        }))
    }

    async fn hold_head_liable(
        &self,
        request: Request<pb::HoldHeadLiableRequest>,
    ) -> Result<Response<pb::HoldHeadLiableResponse>, Status> {
        let command = |message: pb::HoldHeadLiableRequest| {
            let liability = convert::liability(message.liability())?;
            Ok(Command::HoldHeadLiable { head: official_from("head", &message.head)?, liability })
        };
        let outcome = self.act(request, command).await?;
        let citation = basis_of(&outcome).citation;
        Ok(Response::new(pb::HoldHeadLiableResponse { recorded: Some(recorded(&outcome)), citation }))
    }

    async fn execute_sanction(
        &self,
        request: Request<pb::ExecuteSanctionRequest>,
    ) -> Result<Response<pb::ExecuteSanctionResponse>, Status> {
        let outcome = self.act(request, |_| Ok(Command::Execute)).await?;
        let clear = limit_of(&outcome, |event| match event {
            ProceedingEvent::Executed { clear, .. } => clear.as_ref(),
            _ => None,
        });
        let clear_date = clear.map(|limit| limit.due_date).unwrap_or_default();
        Ok(Response::new(pb::ExecuteSanctionResponse { recorded: Some(recorded(&outcome)), clear_date }))
    }

    async fn appeal_sanction(
        &self,
        request: Request<pb::AppealSanctionRequest>,
    ) -> Result<Response<pb::AppealSanctionResponse>, Status> {
        let outcome = self.act(request, |_| Ok(Command::Appeal)).await?;
        let answer = limit_of(&outcome, |event| match event {
            ProceedingEvent::Appealed { answer, .. } => answer.as_ref(),
            _ => None,
        });
        Ok(Response::new(pb::AppealSanctionResponse { recorded: Some(recorded(&outcome)), answer }))
    }

    async fn decide_sanction_appeal(
        &self,
        request: Request<pb::DecideSanctionAppealRequest>,
    ) -> Result<Response<pb::DecideSanctionAppealResponse>, Status> {
        let command = |message: pb::DecideSanctionAppealRequest| {
            let result = convert::appeal_result(message.result())?;
            let form = convert::some(&message.form).map(|form| code_from("form", &form)).transpose()?;
            Ok(Command::DecideAppeal { result, form })
        };
        let outcome = self.act(request, command).await?;
        let citation = basis_of(&outcome).citation;
        Ok(Response::new(pb::DecideSanctionAppealResponse { recorded: Some(recorded(&outcome)), citation }))
    }

    async fn clear_sanction(
        &self,
        request: Request<pb::ClearSanctionRequest>,
    ) -> Result<Response<pb::ClearSanctionResponse>, Status> {
        let outcome = self.act(request, |_| Ok(Command::Clear)).await?;
        Ok(Response::new(pb::ClearSanctionResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn exonerate(
        &self,
        request: Request<pb::ExonerateRequest>,
    ) -> Result<Response<pb::ExonerateResponse>, Status> {
        let command =
            |message: pb::ExonerateRequest| Ok(Command::Exonerate(convert::exoneration(message.ground())?));
        let outcome = self.act(request, command).await?;
        Ok(Response::new(pb::ExonerateResponse {
            recorded: Some(recorded(&outcome)),
            apologise: limit_of(&outcome, |event| match event {
                ProceedingEvent::Exonerated { apologise, .. } => apologise.as_ref(),
                _ => None,
            }),
            restore: limit_of(&outcome, |event| match event {
                ProceedingEvent::Exonerated { restore, .. } => restore.as_ref(),
                _ => None,
            }),
        }))
    }

    async fn record_apology(
        &self,
        request: Request<pb::RecordApologyRequest>,
    ) -> Result<Response<pb::RecordApologyResponse>, Status> {
        let outcome = self.act(request, |_| Ok(Command::Apologise)).await?;
        Ok(Response::new(pb::RecordApologyResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn record_restoration(
        &self,
        request: Request<pb::RecordRestorationRequest>,
    ) -> Result<Response<pb::RecordRestorationResponse>, Status> {
        let outcome = self.act(request, |_| Ok(Command::Restore)).await?;
        Ok(Response::new(pb::RecordRestorationResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn close_proceeding(
        &self,
        request: Request<pb::CloseProceedingRequest>,
    ) -> Result<Response<pb::CloseProceedingResponse>, Status> {
        let outcome = self.close(open(request)?).await?;
        Ok(Response::new(pb::CloseProceedingResponse { recorded: Some(recorded(&outcome)) }))
    }

    async fn get_proceeding(
        &self,
        request: Request<pb::GetProceedingRequest>,
    ) -> Result<Response<pb::GetProceedingResponse>, Status> {
        let caller = Caller::of(&request)?;
        let (state, revision) = self.existing(&request.into_inner().proceeding).await?;
        self.check_standing(&caller, &state).await?;
        let linked = match linked_id(&state.id, state.track.unwrap_or(Track::Administrative)) {
            Some(other) if self.load(&other).await?.0.is_opened() => Some(other),
            _ => None,
        };
        let mut proceeding = convert::proceeding(&state, revision, linked);
        // Whom it is about sees no other official in it.
        if caller.role == Role::Official && state.standing.is_person(&caller.id) {
            proceeding.liable_heads.clear();
        }
        Ok(Response::new(pb::GetProceedingResponse { proceeding: Some(proceeding) }))
    }

    async fn import_proceeding(
        &self,
        request: Request<pb::ImportProceedingRequest>,
    ) -> Result<Response<pb::ImportProceedingResponse>, Status> {
        let outcome = self.import_proceeding(open(request)?).await?;
        let proceeding = id_of(&outcome);
        Ok(Response::new(pb::ImportProceedingResponse { recorded: Some(recorded(&outcome)), proceeding }))
    }
}
